"""On which side of the split a star falls, once and for ever."""

import hashlib
import math
from typing import Literal

Split = Literal["train", "validation", "test"]

SALT = "calnet split 1"
"""Stirred into every hash. It must never change: a star that moved from test to train would
be judged by a model that has seen it. Another salt is another experiment."""

CELL_DEG = 0.5
"""Height of a sky cell [deg]. Stars of one cell stay together, because an eclipse shows in the
apertures of its neighbours (TESS pixels are 21 arcsec). Larger cells part fewer neighbours (at
0.5 deg about 1.5% of the pairs 21 arcsec apart), smaller ones spread a small sector better."""

TRAIN_SHARE = 0.70
"""Of the sky cells. The usual share: the network has 8.7 million weights to learn."""

VALIDATION_SHARE = 0.15
"""Of the sky cells: early stopping and the threshold look at these. The rest is for the test."""


def split_of(tic: int, ra: float = math.nan, dec: float = math.nan) -> Split:
    """Side of a star.

    Parameters
    ----------
    tic
        Decides alone when the position is unknown.
    ra, dec
        Position, ICRS, epoch 2000 [deg].
    """
    known = math.isfinite(ra) and math.isfinite(dec)
    share = _share(sky_cell(ra, dec) if known else f"tic {tic}")
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def sky_cell(ra: float, dec: float) -> str:
    """Name of the cell in which a position lies: its ring and its place in the ring.

    Rings are `CELL_DEG` high; each is cut into cells of about the same width on the sky.

    Parameters
    ----------
    ra, dec
        Position [deg].

    Examples
    --------
    >>> sky_cell(84.2912, -80.4692), sky_cell(444.2912, -80.4692)
    ('cell 19 28', 'cell 19 28')
    """
    ring = math.floor((dec + 90) / CELL_DEG)
    middle = (ring + 0.5) * CELL_DEG - 90
    n_cell = max(1, round(360 * math.cos(math.radians(middle)) / CELL_DEG))
    return f"cell {ring} {math.floor(ra % 360 / 360 * n_cell)}"


def _share(text: str) -> float:
    """A number in 0..1 that looks random but is always the same for a text."""
    digest = hashlib.sha256(f"{SALT}\n{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
