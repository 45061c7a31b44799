"""Recall at a given share of false positives, with intervals drawn by base star."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from calnet_ops.science.evaluation.metrics import Floats, Mask, Rate, wilson

SHARES = (0.01, 0.005)
"""Shares of the other stars that may be taken for binaries. In a sector of 20,000 targets 1% is
200 stars to look at, for some 440 binaries (2.2%, Prsa et al. 2022)."""

N_DRAW = 1000
"""Draws of base stars, with replacement, behind each interval."""

DEPTHS = (0.002, 0.005, 0.01, 0.03, 0.1, 1.0)
PERIODS = (0.2, 0.5, 1.0, 3.0, 13.1)
MAGNITUDES = (4.0, 9.0, 10.5, 12.0, 16.0)
"""Edges of the bins that recall is told for: period [d], TESS magnitude."""


@dataclass(frozen=True)
class MadeStars:
    """Stars made of base stars, with and without eclipses; each array is (n_star,)."""

    base: npt.NDArray[np.int64]
    """Base star that each was made of: all of its stars are drawn together."""
    kind: npt.NDArray[np.str_]
    """EA, EB or EW of binaries; how the others were made."""
    is_eb: Mask
    period: Floats
    """[d]; NaN if there is none."""
    depth: Floats
    tmag: Floats
    probability: Floats


def recall_at(is_eb: Mask, probability: Floats, share: float) -> float:
    """Share of the binaries that score higher than all but a share of the other stars.

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> recall_at(truth, np.array([0.9, 0.3, 0.5, 0.1]), 0.01)
    0.5
    """
    return float(np.mean(probability[is_eb] > threshold_at(probability[~is_eb], share)))


def threshold_at(others: Floats, share: float) -> float:
    """Score that only a share of the stars that are no binaries lies above."""
    return float(np.sort(others)[::-1][int(share * len(others))])


def draws(base: npt.NDArray[np.int64], seed: int = 1) -> Iterator[npt.NDArray[np.intp]]:
    """Stars of `N_DRAW` samples of base stars, drawn with replacement."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(base == one) for one in np.unique(base)]
    for _ in range(N_DRAW):
        yield np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])


def recalls(made: MadeStars) -> dict[str, dict[str, dict[str, Rate]]]:
    """Recall at each of `SHARES` of all binaries, and by type, depth, period and magnitude.

    Returns
    -------
    recalls
        By share ("1%"), by what it is split by ("all", "type", ...), and by bin. The threshold is
        that of all other stars; a draw without others is left out, and one without a binary of a
        bin is for this bin. Empty without binaries or without others. Where all draws say the
        same they tell nothing of chance: the interval is Wilson's of as many trials as base stars.
    """
    if made.is_eb.all() or not made.is_eb.any():
        return {}
    bins = {by: list(_bins(made, by)) for by in ("all", "type", "depth", "period", "tmag")}
    sampled = [draw for draw in draws(made.base) if not made.is_eb[draw].all()]
    return {f"{100 * share:g}%": _recalls(made, share, bins, sampled) for share in SHARES}


def _recalls(
    made: MadeStars,
    share: float,
    bins: Mapping[str, Sequence[tuple[str, Mask]]],
    sampled: Sequence[npt.NDArray[np.intp]],
) -> dict[str, dict[str, Rate]]:
    limit = threshold_at(made.probability[~made.is_eb], share)
    above = made.probability > limit
    drawn = [
        made.probability[draw] > threshold_at(made.probability[draw][~made.is_eb[draw]], share)
        for draw in sampled
    ]
    answer: dict[str, dict[str, Rate]] = {}
    for by, parts in bins.items():
        answer[by] = {}
        for name, part in parts:
            values = [
                found[part[draw]].mean()
                for found, draw in zip(drawn, sampled, strict=True)
                if part[draw].any()
            ]
            share_found = float(above[part].mean())
            low, high = np.quantile(values, [0.025, 0.975])
            if low == high:
                low, high = _of_trials(share_found, len(np.unique(made.base[part])))
            answer[by][name] = Rate(share_found, float(low), float(high), int(part.sum()))
    return answer


def _of_trials(found: float, n: int) -> tuple[float, float]:
    """Ends of the interval of a share, if each base star were a trial."""
    return wilson(math.floor(found * n), n).low, wilson(math.ceil(found * n), n).high


def _bins(made: MadeStars, by: str) -> Iterator[tuple[str, Mask]]:
    """Name and members of each bin that has a binary."""
    if by == "all":
        yield "all", made.is_eb
    elif by == "type":
        for name in np.unique(made.kind[made.is_eb]):
            yield str(name), made.is_eb & (made.kind == name)
    else:
        values = {"depth": made.depth, "period": made.period, "tmag": made.tmag}[by]
        edges = {"depth": DEPTHS, "period": PERIODS, "tmag": MAGNITUDES}[by]
        for low, high in pairwise(edges):
            part = made.is_eb & (values >= low) & (values < high)
            if part.any():
                yield f"{low:g} to {high:g}", part
