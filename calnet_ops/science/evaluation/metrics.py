"""How good a classifier is, with the error bars that small samples deserve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z_95 = 1.959964
"""Standard deviations that hold 95% of a normal distribution."""

N_BIN = 10
"""Bins of a calibration error: a hundred stars then have ten in each."""

N_RESAMPLE = 300
"""Bootstrap samples of its interval."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of cases, or a mean over them, with its 95% interval (of shares: Wilson)."""

    value: float
    """0..1; 0 when there are no cases, and then the interval says 0..1."""
    low: float
    high: float
    n: int
    """Cases that it is a share of."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of stars by truth and by what was said of them."""

    n_true_positive: int
    n_false_negative: int
    n_false_positive: int
    n_true_negative: int


def recall(counts: Confusion) -> Rate:
    """Share of the binaries that were found."""
    return wilson(counts.n_true_positive, counts.n_true_positive + counts.n_false_negative)


def precision(counts: Confusion) -> Rate:
    """Share of what was found that is a binary."""
    return wilson(counts.n_true_positive, counts.n_true_positive + counts.n_false_positive)


def specificity(counts: Confusion) -> Rate:
    """Share of the other stars that were left alone."""
    return wilson(counts.n_true_negative, counts.n_true_negative + counts.n_false_positive)


def wilson(n_hit: int, n: int) -> Rate:
    """Share `n_hit` / `n` with the interval that holds the true share 19 times out of 20.

    Unlike the textbook's normal interval it stays within 0..1 and keeps its promise for a
    dozen cases and for shares near 0 and 1.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209, eq. 1.
    """
    if n == 0:
        return Rate(0.0, 0.0, 1.0, 0)
    share = n_hit / n
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + (Z_95 / (2 * n)) ** 2)
    # Rounding must not push the bound of a clean sweep beyond it.
    low = 0.0 if n_hit == 0 else float(middle - half)
    high = 1.0 if n_hit == n else float(middle + half)
    return Rate(share, low, high, n)


def confusion(is_eb: Sequence[bool] | Mask, called: Sequence[bool] | Mask) -> Confusion:
    """Counts of truth against what was said.

    Parameters
    ----------
    is_eb
        (n_star,) truth.
    called
        (n_star,) whether the star was called a binary.
    """
    truth, said = np.asarray(is_eb, bool), np.asarray(called, bool)
    return Confusion(
        n_true_positive=int((truth & said).sum()),
        n_false_negative=int((truth & ~said).sum()),
        n_false_positive=int((~truth & said).sum()),
        n_true_negative=int((~truth & ~said).sum()),
    )


def average_precision(is_eb: Mask, probability: Floats) -> float:
    """Area under the precision-recall curve as a sum of steps; 0 without a binary.

    Stars of equal probability enter together, so their order does not matter.
    """
    found, pure = precision_recall(is_eb, probability)
    return float(np.sum(np.diff(found, prepend=0.0) * pure))


def calibration_error(is_eb: Mask, probability: Floats, rng: np.random.Generator) -> Rate:
    """Expected calibration error, with the interval of a bootstrap over stars.

    Stars are put into `N_BIN` bins of as many each; the mean difference of their probability and of
    the share of binaries among them is taken without its sign, and averaged. Chance alone makes it
    positive: about 0.8 sqrt(p (1 - p) N_BIN / n_star) for probabilities around p.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, AAAI 29, 2901 (their ECE; bins of equal size by Nguyen &
    O'Connor 2015, EMNLP, 1587).
    """
    n = len(is_eb)
    order = np.argsort(probability, kind="stable")
    truth, said = np.asarray(is_eb, np.float64)[order], np.asarray(probability)[order]

    def error(chosen: npt.NDArray[np.intp]) -> float:
        parts = np.array_split(np.sort(chosen), N_BIN)
        off = [abs(float(np.mean(truth[part] - said[part]))) * len(part) for part in parts if n]
        return sum(off) / max(1, n)

    draws = [error(rng.integers(0, n, n)) for _ in range(N_RESAMPLE)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Rate(error(np.arange(n)), float(low), float(high), n)


def precision_recall(is_eb: Mask, probability: Floats) -> tuple[Floats, Floats]:
    """Recall and precision at each distinct probability, from the highest down.

    Returns
    -------
    recall, precision
        (n_distinct,), 0..1. Empty without a binary.
    """
    if not is_eb.any():
        return np.empty(0), np.empty(0)
    order = np.argsort(-probability, kind="stable")
    found = np.cumsum(is_eb[order])
    last = np.flatnonzero(np.diff(probability[order], append=-np.inf) != 0)
    return found[last] / is_eb.sum(), found[last] / (last + 1)


def recall_by_type(eb_type: Sequence[str], is_eb: Mask, called: Mask) -> dict[str, Rate]:
    """Recall of each type of binary that occurs; those of no known type are left out."""
    types = np.asarray(eb_type, dtype=str)
    known = sorted({name for name, binary in zip(eb_type, is_eb, strict=True) if binary and name})
    return {name: recall(confusion(is_eb[types == name], called[types == name])) for name in known}
