"""Two models on the same stars: by how much one finds more, or is wrong less, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.evaluation.bootstrap import draw_groups
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
    parts = list(_parts(stars))
    whole = [(rate, "", everybody) for rate in ("recall", "precision")]
    columns = [
        _columns(rate, inside, stars.is_eb, (called, champion_called))
        for rate, _, inside in (*whole, *parts)
    ]
    sums = np.split(draws.sums(np.concatenate(columns, axis=1)), len(columns), axis=1)
    left_out = [LEFT_OUT] * len(whole) + [LEFT_OUT / max(1, len(parts))] * len(parts)
    named = [(rate, part) for rate, part, _ in (*whole, *parts)]
    return [
        _difference(*name, found, drawn, chance)
        for name, found, drawn, chance in zip(named, columns, sums, left_out, strict=True)
    ]


def _parts(stars: Cases) -> Iterator[tuple[str, str, Mask]]:
    """Recall by type; recall and precision by magnitude, as other stars have no type."""
    for by in COMPARED_BY:
        for name, inside in part_masks(stars, by):
            if by == "eb_type":
                yield "recall", name, inside
            else:
                yield "recall", f"magnitude {name}", inside
                yield "precision", f"magnitude {name}", inside


def _columns(rate: str, inside: Mask, is_eb: Mask, both: tuple[Mask, Mask]) -> Floats:
    """Hits of both models, and what they are a share of: (n_star, 4)."""
    hits = [inside & is_eb & called for called in both]
    counted = both if rate == "precision" else (is_eb, is_eb)
    return np.stack([*hits, *(inside & mask for mask in counted)], axis=1).astype(np.float64)


def _difference(rate: str, part: str, columns: Floats, sums: Floats, left_out: float) -> Difference:
    low, high = np.percentile(_gain(sums), [50 * left_out, 100 - 50 * left_out])
    found = columns.sum(axis=0)
    value = float(_gain(found[None])[0])
    return Difference(
        rate=rate,
        part=part,
        value=value,
        low=float(min(value, low)),
        high=float(max(value, high)),
        n=int(found[2:].max()),
    )


def _gain(sums: Floats) -> Floats:
    """From hits of both and what they are a share of, (n, 4), to the difference of shares.

    Who calls nothing a binary has no precision; it counts as none, not as perfect.
    """
    hits, among = sums[:, :2], sums[:, 2:]
    shares = np.divide(hits, among, out=np.zeros(hits.shape), where=among > 0)
    return np.asarray(shares[:, 0] - shares[:, 1])
