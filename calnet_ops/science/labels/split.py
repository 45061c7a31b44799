"""On which side of the split a star falls, once and for ever.

The sky is cut into cells, and a hash gives each cell a side. Stars near the border of two sides lie
in a guard band and are used for nothing, so that any two stars on different sides are farther apart
than `NEIGHBOUR`, whatever stars are labelled later.
"""

import hashlib
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from calnet_ops.science.candidates.matches import PIXEL

Split = Literal["train", "validation", "test"]
Side = Literal["train", "validation", "test", "guard"]

SALT = "calnet split 1"
"""Stirred into every hash. It must never change: a star that moved from test to train would
be judged by a model that has seen it. Another salt is another experiment."""

CELL_DEG = 0.5
"""Height of a sky cell [deg]. Stars of one cell stay together, because an eclipse shows in the
apertures of its neighbours (TESS pixels are 21 arcsec). Larger cells lose fewer stars to the guard
band (at 0.5 deg 3.2% of the sky), smaller ones spread a small sector better. It must never change,
as it decides where cells are."""

TRAIN_SHARE = 0.70
"""Of the sky cells. The usual share: the network has 8.7 million weights to learn."""

VALIDATION_SHARE = 0.15
"""Of the sky cells: early stopping and the threshold look at these. The rest is for the test."""

GUARD: Final = "guard"
"""Side of stars that are used for nothing."""

NEIGHBOUR = 3 * PIXEL
"""Stars this near [arcsec] may show each other's eclipses: three pixels of TESS, as an aperture
reaches 1 to 3 pixels."""

GUARD_BAND = NEIGHBOUR / 2
"""Width of the guard band [arcsec] on either side of a border. Half the distance of neighbours is
enough: of two stars that are so near, one is not farther from the border than this."""

REACH = GUARD_BAND + 1e-5
"""What is compared with distances [arcsec]: the computer rounds positions and distances at 1e-9, so
that neighbours on the very edge of the band might slip through."""


class Cell(NamedTuple):
    """A piece of the sky between two parallels and two meridians."""

    ring: int
    number: int
    """In the ring, from right ascension 0."""

    @property
    def name(self) -> str:
        """What is hashed."""
        return f"cell {self.ring} {self.number}"

    @property
    def south(self) -> float:
        """Lower parallel [deg]."""
        return self.ring * CELL_DEG - 90

    @property
    def north(self) -> float:
        """Upper parallel [deg]; the pole is a ring of its own."""
        return min(self.south + CELL_DEG, 90.0)

    @property
    def width(self) -> float:
        """In right ascension [deg]."""
        return 360 / _n_cell(self.ring)


def side_of(tic: int, ra: float = math.nan, dec: float = math.nan) -> Side:
    """Side of a star, or `GUARD` if a part of the sky on another side is as near as the band.

    Parameters
    ----------
    tic
        Decides alone when the position is unknown; then nothing tells who its neighbours are.
    ra, dec
        Position, ICRS, epoch 2000 [deg].

    Notes
    -----
    The band takes stars out of `split_of` and moves none. Nor does a position that is off by less
    than twice its width: it may only take a star out, or back in.
    """
    if not _known(ra, dec):
        return split_of(tic)
    own = _side(_cell(ra, dec).name)
    near = (c for c in _cells_around(ra, dec) if distance_to_cell(ra, dec, c) <= REACH)
    return GUARD if any(_side(cell.name) != own for cell in near) else own


def split_of(tic: int, ra: float = math.nan, dec: float = math.nan) -> Split:
    """Side of a star.

    Parameters
    ----------
    tic
        Decides alone when the position is unknown.
    ra, dec
        Position, ICRS, epoch 2000 [deg].
    """
    return _side(sky_cell(ra, dec) if _known(ra, dec) else f"tic {tic}")


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
    return _cell(ra, dec).name


def distance_to_cell(ra: float, dec: float, cell: Cell) -> float:
    """Shortest way over the sphere [arcsec] from a position to a cell; 0 inside.

    Parameters
    ----------
    ra, dec
        Position [deg].

    Notes
    -----
    Between the meridians of a cell the way follows the meridian of the position, elsewhere it ends
    on the nearer of the cell's two meridians.
    """
    away = (ra - (cell.number + 0.5) * cell.width + 180) % 360 - 180
    beside = abs(away) - cell.width / 2
    if beside <= 0:
        return 3600 * max(cell.south - dec, dec - cell.north, 0.0)
    # The other meridian is as near only if the cell's middle is opposite.
    other = 360 - cell.width - beside
    return 3600 * math.degrees(
        min(_to_meridian(dec, gap, cell.south, cell.north) for gap in (beside, other))
    )


def _to_meridian(dec: float, gap: float, south: float, north: float) -> float:
    """Angle from a place to a meridian `gap` degrees away, between two parallels [rad]."""
    delta, alpha = math.radians(dec), math.radians(gap)
    low, high = math.radians(south), math.radians(north)
    across = math.cos(delta) * math.sin(alpha / 2) ** 2
    # Where a great circle through the place meets the meridian squarely, unless it ends before.
    foot = math.atan2(math.sin(delta), math.cos(delta) * math.cos(alpha))
    # Haversines keep their digits at small angles.
    half = min(
        math.sin((phi - delta) / 2) ** 2 + math.cos(phi) * across
        for phi in (low, high, min(max(foot, low), high))
    )
    return 2 * math.asin(min(1.0, math.sqrt(half)))


def _cells_around(ra: float, dec: float) -> Iterator[Cell]:
    """Cells that a circle of the band's width meets, and perhaps a few more."""
    reach = REACH / 3600
    south, north = max(dec - reach, -90.0), min(dec + reach, 90.0)
    sine, cosine = math.sin(math.radians(reach)), math.cos(math.radians(dec))
    half = math.degrees(math.asin(sine / cosine)) if sine < cosine else 180.0
    for ring in range(_ring(south), _ring(north) + 1):
        n_cell = _n_cell(ring)
        first, last = ((ra + turn) / 360 * n_cell for turn in (-half, half))
        numbers = range(math.floor(first) - 1, math.floor(last) + 2)
        yield from (Cell(ring, number) for number in {number % n_cell for number in numbers})


def _cell(ra: float, dec: float) -> Cell:
    ring = _ring(dec)
    return Cell(ring, math.floor(ra % 360 / 360 * _n_cell(ring)))


def _ring(dec: float) -> int:
    return math.floor((dec + 90) / CELL_DEG)


@lru_cache(maxsize=1024)
def _n_cell(ring: int) -> int:
    middle = (ring + 0.5) * CELL_DEG - 90
    return max(1, round(360 * math.cos(math.radians(middle)) / CELL_DEG))


def _known(ra: float, dec: float) -> bool:
    return math.isfinite(ra) and math.isfinite(dec)


@lru_cache(maxsize=65536)
def _side(text: str) -> Split:
    share = _share(text)
    if share < TRAIN_SHARE:
        return "train"
    return "validation" if share < TRAIN_SHARE + VALIDATION_SHARE else "test"


def _share(text: str) -> float:
    """A number in 0..1 that looks random but is always the same for a text."""
    digest = hashlib.sha256(f"{SALT}\n{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
