"""Two models on the same stars: by how much one finds more, or is wrong less, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.evaluation.bootstrap import Draws, draw_groups
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.metrics import Floats, Mask
from calnet_ops.science.evaluation.parts import part_masks

N_DRAW = 4000
"""Draws: with a dozen parts compared at once, an end of an interval has ten draws beyond it."""

SEED = 42
"""Of the draws: the same stars and models give the same verdict."""

MIN_IN_PART = 10
"""Binaries, or stars called binaries, that a part needs to be compared: with fewer, one star is
more than a tenth."""

COMPARED_BY = ("eb_type", "tmag")
"""Kinds of parts on which a model may not fall behind."""

LEFT_OUT = 0.05
"""Chance, all parts together, that one of them is wrongly said to have moved (either way)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A rate of one model less that of the other, on the same stars."""

    rate: str
    """``recall`` or ``precision``."""
    part: str
    """Empty for all stars, else such as ``EW`` or ``magnitude 10 to 11``."""
    value: float
    low: float
    """Ends of the interval: 95% for all stars, and for parts as much wider as there are more of
    them (Bonferroni)."""
    high: float
    n: int
    """Binaries; for precision the larger number of stars called so."""

    @property
    def enough(self) -> bool:
        """Whether there are enough stars to say anything."""
        return self.n >= MIN_IN_PART


def compare(stars: Cases, called: Mask, champion_called: Mask) -> list[Difference]:
    """Recall and precision of a model less those of the champion: of all stars, then by part.

    Paired: each draw of groups has the same stars for both, so that what is hard for both does
    not count.

    Parameters
    ----------
    called, champion_called
        (n_star,) what each calls a binary, at its own threshold.
    """
    draws = draw_groups(list(stars.group), np.random.default_rng(SEED), N_DRAW)
    everybody = np.ones(len(stars), bool)
    both = (called, champion_called)
    found = [
        _difference(rate, "", everybody, stars, both, draws, LEFT_OUT)
        for rate in ("recall", "precision")
    ]
    compared = list(_parts(stars))
    for rate, name, inside in compared:
        share = LEFT_OUT / len(compared)
        found.append(_difference(rate, name, inside, stars, both, draws, share))
    return found


def _parts(stars: Cases) -> Iterator[tuple[str, str, Mask]]:
    """Recall by type; recall and precision by magnitude, as other stars have no type."""
    for by in COMPARED_BY:
        for name, inside in part_masks(stars, by):
            if by == "eb_type":
                yield "recall", name, inside
            else:
                yield "recall", f"magnitude {name}", inside
                yield "precision", f"magnitude {name}", inside


def _difference(
    rate: str,
    part: str,
    inside: Mask,
    stars: Cases,
    both: tuple[Mask, Mask],
    draws: Draws,
    left_out: float,
) -> Difference:
    hits = [inside & stars.is_eb & called for called in both]
    counted = both if rate == "precision" else (stars.is_eb, stars.is_eb)
    among = [inside & mask for mask in counted]
    columns = np.stack([*hits, *among], axis=1).astype(np.float64)
    ends = np.percentile(_gain(draws.sums(columns)), [50 * left_out, 100 - 50 * left_out])
    value = float(_gain(columns.sum(axis=0)[None])[0])
    return Difference(
        rate=rate,
        part=part,
        value=value,
        low=float(min(value, ends[0])),
        high=float(max(value, ends[1])),
        n=int(max(mask.sum() for mask in among)),
    )


def _gain(sums: Floats) -> Floats:
    """From hits of both and what they are a share of, (n, 4), to the difference of shares.

    Who calls nothing a binary has no precision; it counts as none, not as perfect.
    """
    hits, among = sums[:, :2], sums[:, 2:]
    shares = np.divide(hits, among, out=np.zeros(hits.shape), where=among > 0)
    return np.asarray(shares[:, 0] - shares[:, 1])
