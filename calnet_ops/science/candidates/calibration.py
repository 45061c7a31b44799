"""From what a network says to how often it is right: calibration of combined probabilities."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import MissingInput
from calnet_ops.science.candidates.combine import logit, sigmoid

Floats = npt.NDArray[np.float64]

FLATTEST, STEEPEST = 0.2, 5.0
"""Bounds of the slope. Below, a network tells nothing; above, the validation stars are parted so
well that they say nothing of the slope but that it is large."""

PRIOR_WIDTH = 0.3
"""One-sigma width of a prior around the identity, on the logarithm of the slope and on the
intercept. A hundred validation stars leave the intercept uncertain by 0.5 and the slope by a fifth,
and without a prior they make a good network worse: on 1,500 unseen simulated stars an expected
calibration error of 0.014 became 0.019 to 0.023; with it 0.015, and 0.032 of a network made
overconfident became 0.012 (mean of 60 draws of 115 validation stars, widths of 0.2 to 0.5 and none
tried). Thousands of stars outvote it."""

MAX_STEP = 100
"""Newton steps; ten are enough, as the function has one minimum."""

SMALL = 1e-10
"""Step at which the fit has arrived."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A straight line in logits: logit(p) = slope * logit(raw) + intercept (Platt scaling)."""

    slope: float = 1.0
    intercept: float = 0.0
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the fit: variance of log(slope), covariance, variance of the intercept."""
    n_star: int = 0
    """Stars that it was fitted on; 0 if none was, and probabilities stay as they are."""
    eb_share: float = math.nan
    """Share of binaries among these stars: the mix for which the probabilities hold."""

    def apply(self, raw: npt.ArrayLike) -> Floats:
        """Calibrated probability, in 0..1; a higher `raw` never gets a lower one."""
        return sigmoid(self.slope * logit(raw) + self.intercept)

    def as_json(self) -> dict[str, Any]:
        """Numbers only; nothing if it changes nothing."""
        if not self.n_star:
            return {}
        return {
            "slope": self.slope,
            "intercept": self.intercept,
            "covariance": list(self.covariance),
            "n_star": self.n_star,
            "eb_share": self.eb_share,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """What `as_json` gave; of a model without, the identity."""
        return cls(**{**stored, "covariance": tuple(stored["covariance"])}) if stored else cls()


IDENTITY = Calibration()
"""Of models that were stored without a calibration."""


def fit_calibration(is_eb: npt.ArrayLike, raw: npt.ArrayLike) -> Calibration:
    """Calibration that makes the truth of some stars most likely.

    Parameters
    ----------
    is_eb
        (n_star,) truth of stars that the network has not learned from.
    raw
        (n_star,) combined probability of each, in 0..1.

    Raises
    ------
    MissingInput
        If there are no binaries or no other stars.

    Notes
    -----
    Newton's method on the logarithm of the slope, so that it is positive, and the intercept.
    Truth is softened to (n + 1) / (n + 2), as Platt does, against stars that part too well.

    References
    ----------
    Platt 1999, in Advances in Large Margin Classifiers, section 2.1-2.2.
    Lin, Lin & Weng 2007, Machine Learning 68, 267 (targets, Newton's method).
    """
    truth, x = np.asarray(is_eb, bool), logit(raw)
    n_eb, n_other = int(truth.sum()), int((~truth).sum())
    if not n_eb or not n_other:
        raise MissingInput(
            "calibration",
            found=f"{n_eb} binaries and {n_other} other validation stars",
            expected="some of both kinds",
        )
    target = np.where(truth, (n_eb + 1) / (n_eb + 2), 1 / (n_other + 2))
    at = np.zeros(2)  # the identity
    for _ in range(MAX_STEP):
        gradient, curvature = _derivatives(at, x, target)
        step = np.linalg.solve(curvature, gradient)
        at = at - step / max(1.0, np.abs(step).max())
        at[0] = np.clip(at[0], np.log(FLATTEST), np.log(STEEPEST))
        if np.abs(step).max() < SMALL:
            break
    covariance = np.linalg.inv(_derivatives(at, x, target)[1])
    return Calibration(
        slope=float(np.exp(at[0])),
        intercept=float(at[1]),
        covariance=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        n_star=len(truth),
        eb_share=n_eb / len(truth),
    )


def _derivatives(at: Floats, x: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Gradient (2,) and curvature (2, 2) of the cost, the latter as it is expected: positive."""
    slope = np.exp(at[0])
    found = sigmoid(slope * x + at[1])
    part = np.stack([slope * x, np.ones_like(x)])  # of the logit, by log(slope) and intercept
    gradient = part @ (found - target)
    curvature = (part * (found * (1 - found))) @ part.T
    gradient += at / PRIOR_WIDTH**2
    curvature += np.eye(2) / PRIOR_WIDTH**2
    return gradient, curvature
