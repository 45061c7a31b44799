"""Recall and precision that a model may be expected to have where nobody knows the truth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import logit, sigmoid

Floats = npt.NDArray[np.float64]

N_DRAW = 400
"""Draws of the calibration and of the truth: the ends of a 95% interval then have ten on either
side, and hardly move with another seed."""

N_STEP = 100
"""Steps of the estimate of the share of binaries; it stops earlier when it stands still."""

STILL = 1e-6
"""Change of that share at which it does."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval; all NaN if hardly any truth would give it a value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a model in a sector."""

    recall: Estimate
    precision: Estimate
    eb_share: Estimate
    """Share of binaries among the stars."""
    n_star: int
    n_called: int
    """Stars at or above the threshold."""


def expect(
    probability: npt.ArrayLike,
    threshold: float,
    calibration: Calibration,
    rng: np.random.Generator,
) -> Expected:
    """Recall and precision without labels, from calibrated probabilities alone.

    If 100 stars have a probability of 0.8, 80 of them are binaries: with the sums of probabilities
    above and below the threshold in place of counts, recall and precision follow (CBPE). The share
    of binaries of a sector is not that of the validation stars, so probabilities are first moved
    to the sector's own share, found from them (see `own_mix`). The interval holds what the few
    validation stars leave open of the calibration, and the luck of which stars are binaries.

    Parameters
    ----------
    probability
        (n_star,) calibrated.
    threshold
        From here on a star is called a binary.
    calibration
        Of the model. Without one (`IDENTITY`) the probabilities are taken as they are.
    rng
        Source of the draws.

    Notes
    -----
    Holds only while a probability means in this sector what it meant on validation stars: a warning
    of drift says that this is in doubt.

    References
    ----------
    NannyML, "Confidence-based Performance Estimation (CBPE)", nannyml.readthedocs.io.
    """
    said = np.asarray(probability, np.float64)
    called = said >= threshold
    raw = (logit(said) - calibration.intercept) / calibration.slope
    best = own_mix(said, calibration.eb_share)
    draws = np.array(
        [_draw(raw, called, calibration, log_slope, intercept, rng)
         for log_slope, intercept in _lines(calibration, rng)]
    )  # fmt: skip
    values = (*_rates(best, called), float(best.mean()) if len(best) else np.nan)
    low, high = _interval(draws)
    recall, precision, share = (
        Estimate(float(value) if np.isfinite(a) else np.nan, float(a), float(b))
        for value, a, b in zip(values, low, high, strict=True)
    )
    return Expected(recall, precision, share, len(said), int(called.sum()))


def own_mix(probability: Floats, eb_share: float) -> Floats:
    """Probabilities moved to the share of binaries that they themselves speak for.

    Parameters
    ----------
    probability
        (n_star,) calibrated for a share of `eb_share`.
    eb_share
        Share of binaries of the stars they were calibrated on; NaN if it is not known, and then
        they stay as they are.

    Returns
    -------
    probability
        (n_star,) whose mean is the share of binaries of these very stars.

    References
    ----------
    Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21, eqs. 2.4 and 2.9 (expectation
    and maximisation in turn).
    """
    if not len(probability) or not 0 < eb_share < 1:
        return probability
    share, moved = eb_share, probability
    for _ in range(N_STEP):
        eb = probability * share / eb_share
        moved = eb / (eb + (1 - probability) * (1 - share) / (1 - eb_share))
        before, share = share, float(moved.mean())
        if abs(share - before) < STILL:
            break
    return moved


def _lines(calibration: Calibration, rng: np.random.Generator) -> Floats:
    """(n_draw, 2) calibrations that the validation stars allow: log(slope) and intercept."""
    first, both, second = calibration.covariance
    middle = [np.log(calibration.slope), calibration.intercept]
    lines: Floats = rng.multivariate_normal(middle, [[first, both], [both, second]], N_DRAW)
    return lines


def _draw(
    raw: Floats,
    called: npt.NDArray[np.bool_],
    calibration: Calibration,
    log_slope: float,
    intercept: float,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Recall, precision and share of binaries of one possible truth."""
    moved = own_mix(sigmoid(np.exp(log_slope) * raw + intercept), calibration.eb_share)
    is_eb = (rng.random(len(moved)) < moved).astype(np.float64)
    return (*_rates(is_eb, called), float(is_eb.mean()) if len(is_eb) else np.nan)


def _rates(is_eb: Floats, called: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Recall and precision, from truths or from their probabilities; NaN without a case."""
    right, n_eb, n_called = is_eb[called].sum(), is_eb.sum(), called.sum()
    return (
        float(right / n_eb) if n_eb else np.nan,
        float(right / n_called) if n_called else np.nan,
    )


def _interval(draws: Floats) -> tuple[Floats, Floats]:
    """Ends of the 95% interval of each column; NaN where no draw has a value."""
    known = np.where(np.isfinite(draws).any(axis=0), draws, 0.0)
    low, high = np.nanquantile(known, [0.025, 0.975], axis=0)
    none = ~np.isfinite(draws).any(axis=0)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)
