"""Where a binary stands between detached and in contact: one number, and a type with odds.

References
----------
.. [1] Prsa et al. 2008, ApJ 687, 542, section 3 (chain of four parabolas).
.. [2] Matijevic et al. 2012, AJ 143, 123 (embedding of such chains in one dimension).
.. [3] Prsa et al. 2022, ApJS 258, 16 (the same for TESS, 4,584 binaries).
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize

from calnet_ops.science.candidates.fold import Floats
from calnet_ops.science.candidates.shape import Shape

WIDTH = (0.0, 0.006, 0.013, 0.018, 0.025, 0.035, 0.045, 0.06, 0.08, 0.1, 0.125, 0.15, 0.175, 0.2,
         0.225, 0.25, 0.3)  # fmt: skip
MORPHOLOGY = (0.0, 0.08, 0.129, 0.166, 0.225, 0.300, 0.372, 0.458, 0.528, 0.574, 0.632, 0.685,
              0.776, 0.805, 0.876, 0.913, 1.0)  # fmt: skip
"""Mean width of the minima of the chain of parabolas [phase], and the median morphology value of
the stars of [3]_ that have it (4,064 of its 4,584 rows; within a tenth in width; the ends are put
at 0 and 1). Scatter of the value at one width: 0.05 below 0.1, 0.12 between 0.15 and 0.2, 0.08
above. So a function of the width is not the embedding, but follows it."""

ROUND_START = 0.11
"""Half-width at which the search for the knots of round minima starts: a sine has 0.125."""

DIRECT = 0.08
"""Width below which minima are too narrow for a chain on the kept curve; there the width at a
tenth of the depth is that of the chain (0.051 and 0.049, 0.087 and 0.080, 0.060 and 0.059 for TIC
32150630, 117544915 and 425064757)."""

MOST_TRIES = 150
"""Of knots: 6 ms."""

TYPES = ("EA", "EB", "EW")


def morphology(shape: Shape) -> float:
    """Morphology value in [0, 1]: 0 detached and narrow, 0.5 to 0.7 semi-detached, 1 a sine.

    Parameters
    ----------
    shape
        Folded curve; its secondary minimum may be missing.
    """
    widths = [one.width for one in (shape.first, shape.second) if np.isfinite(one.width)]
    width = float(np.mean(widths))
    if width >= DIRECT:
        away = shape.second.phase if np.isfinite(shape.second.phase) else 0.5
        half = width / 2 if shape.is_narrow else ROUND_START
        width = float(np.mean(chain_widths(shape.curve, away, half)))
    return float(np.clip(np.interp(width, WIDTH, MORPHOLOGY), 0, 1))


def chain_widths(curve: Floats, away: float, half: float) -> tuple[float, float]:
    """Widths of the parabolas that hold the minima, of four joined ones that fit a curve best.

    Parameters
    ----------
    curve : (n_bin,)
        Folded curve, primary minimum at phase 0.
    away
        Phase of the secondary minimum.
    half
        Half-width with which the search starts.
    """
    phase = np.arange(curve.size) / curve.size
    away = float(np.clip(away, 0.2, 0.8))
    half = min(half, 0.45 * away, 0.45 * (1 - away))
    start = np.array([-half, half, away - half, away + half])
    simplex = start + np.vstack([np.zeros(4), 0.02 * np.eye(4)])

    def left(knots: Floats) -> float:
        return _chain_left(phase, curve, knots)

    options = {"initial_simplex": simplex, "maxfev": MOST_TRIES, "xatol": 1e-3, "fatol": 0.0}
    found: Any = minimize(left, start, method="Nelder-Mead", options=options)  # type: ignore[call-overload]
    knots = found.x
    return float(knots[1] - knots[0]), float(knots[3] - knots[2])


def _chain_left(phase: Floats, curve: Floats, knots: Floats) -> float:
    """Sum of squares that four parabolas leave that meet at the knots."""
    lengths = np.diff(np.append(knots, knots[0] + 1))
    if lengths.min() < SHORTEST or knots[0] > 0 or knots[1] < 0:
        return float("inf")
    since = (phase - knots[0]) % 1.0
    edges = np.cumsum(lengths) - lengths
    segment = np.searchsorted(edges, since, side="right") - 1
    x = (since - edges[segment]) / lengths[segment]
    rows = np.arange(phase.size)
    design = np.zeros((phase.size, 8))
    design[rows, segment] = 1 - x
    design[rows, (segment + 1) % 4] += x
    design[rows, 4 + segment] = x * (1 - x)
    solved, *_ = np.linalg.lstsq(design, curve, rcond=None)
    left = curve - design @ solved
    return float(left @ left)


SHORTEST = 0.02
"""Length of a parabola in phase: four bins of the curve."""


TYPE_WEIGHTS = np.array(
    [
        [10.90, -9.44, -19.86, -12.71],
        [-0.86, 3.41, 10.98, -16.54],
        [-10.04, 6.03, 8.89, 29.24],
    ]
)
"""Weights of `type_features` for EA, EB and EW: multinomial logistic regression on 395 simulated
binaries, each type with the same weight (``python -m tests.bench.ephemerides --fit``)."""


def type_features(value: float, roundness: float, ratio: float) -> Floats:
    """What the type is told from.

    Parameters
    ----------
    value
        Morphology value.
    roundness
        See `shape.roundness`.
    ratio
        Depth of the second minimum over that of the first; 0 without one.

    Returns
    -------
    features : (4,)
        One; the value; the roundness; the ratio times the roundness, because equal minima speak
        for contact in a round curve only: detached twins have them too.
    """
    return np.array([1.0, value, roundness, ratio * roundness])


def type_probabilities(features: Floats) -> Floats:
    """Probabilities (3,) of EA, EB and EW: they add up to one."""
    logit = TYPE_WEIGHTS @ features
    odds = np.exp(logit - logit.max())
    return np.asarray(odds / odds.sum())
