"""One minimum of a folded curve: its middle, depth and width, each with an error.

References
----------
.. [1] Mikulasek 2015, A&A 584, A8, eq. 8: profile of an eclipse,
   1 - (1 - exp(1 - cosh(x / d)))^gamma.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from calnet_ops.science.candidates.fold import Floats, bin_phase

EDGE = 0.1
"""An eclipse ends where a tenth of its depth is left: noise hides the true contacts."""

PROFILE_BINS = 80
"""Bins across a minimum and its wings."""

REACH = 1.3
"""Full widths of a minimum to either side that are fitted, if they are not another minimum's."""

FEWEST = 12
"""Bins with data without which six numbers are not fitted."""

CORE_SHARE = 0.08
FEWEST_CORE = 3
"""Share of the width to either side of the middle over which what the profile misses is added to
the depth, and bins it takes."""

GAMMA = 0.15, 8.0
"""Bounds of the exponent: from the cusp of equal stars in a central eclipse to a flat floor with
steep walls."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """A minimum of a folded curve."""

    phase: float
    """Of its middle."""
    depth: float
    """Relative to the level outside."""
    width: float
    """From edge to edge, in phase."""
    wing: float = np.nan
    """Level on which it sits, over the level outside."""
    tilt: float = 0.0
    """Half the difference of the levels on which the two minima sit, relative."""
    phase_err: float = np.nan
    depth_err: float = np.nan
    width_err: float = np.nan
    """One-sigma errors from the noise of single cadences."""


NO_MINIMUM = Minimum(np.nan, np.nan, np.nan)


def profile(x: Floats, scale: float, gamma: float) -> Floats:
    """Eclipse of depth one [1]_."""
    return np.asarray(1 - (1 - np.exp(1 - np.cosh(np.clip(x / scale, -20, 20)))) ** gamma)


def _derivatives(x: Floats, p: Floats) -> Floats:
    """Derivatives (n, 6) of the model by middle, log scale, log gamma, depth, wing and slope."""
    middle, scale, gamma, depth, wing, slope = p
    scale, gamma = np.exp(scale), np.exp(gamma)
    u = np.clip((x - middle) / scale, -20, 20)
    rest = np.exp(1 - np.cosh(u))
    base = np.maximum(1 - rest, NOT_ZERO)
    power = base**gamma
    by_u = -gamma * power / base * rest * np.sinh(u)
    line, inside = 1 + wing + slope * x, 1 - depth * (1 - power)
    by_profile = -depth * line
    return np.stack(
        [
            -by_profile * by_u / scale,
            -by_profile * by_u * u,
            -by_profile * power * np.log(base) * gamma,
            -line * (1 - power),
            inside,
            x * inside,
        ],
        axis=1,
    )


NOT_ZERO = 1e-12
"""The cusp of a profile has no derivative; this near to it, it has."""


def profile_width(scale: float, gamma: float) -> float:
    """Width at `EDGE` of the depth."""
    rest = 1 - (1 - EDGE) ** (1 / gamma)
    return float(2 * scale * np.arccosh(1 - np.log(rest)))


def fit_minimum(
    phase: Floats, flux: Floats, seen: Minimum, *, noise: float, level: float, reach: float
) -> Minimum:
    """Fit the profile of an eclipse to a minimum that was seen in the folded curve.

    Parameters
    ----------
    phase, flux : (n_cadence,)
        Phases in [0, 1) and flux.
    seen
        Where it is, about.
    noise
        One-sigma scatter of a cadence.
    level
        Flux outside of minima, to which the depth is relative.
    reach
        Phase to either side that is fitted, with a level and slope of its own.

    Returns
    -------
    minimum
        What was `seen`, if there are too few data.
    """
    offset = (phase - seen.phase + 0.5) % 1.0 - 0.5
    near = np.abs(offset) < reach
    place = (offset[near] / reach + 1) / 2
    mean, count = bin_phase(place, flux[near], PROFILE_BINS)
    used = count > 0
    if used.sum() < FEWEST:
        return seen
    # where the cadences of a bin are, which with few of them is not its middle
    x = 2 * bin_phase(place, place, PROFILE_BINS)[0][used] - 1
    y, error = mean[used] / level, noise / level / np.sqrt(count[used])

    def residual(p: Floats) -> Floats:
        middle, scale, gamma, depth, wing, slope = p
        inside = 1 - depth * profile(x - middle, np.exp(scale), np.exp(gamma))
        return np.asarray((y - (1 + wing + slope * x) * inside) / error)

    def jacobian(p: Floats) -> Floats:
        return -_derivatives(x, p) / error[:, None]

    start = [0.0, np.log(0.3 * seen.width / reach), 0.0, max(seen.depth, 1e-4), 0.0, 0.0]
    low = [-0.5, np.log(0.02), np.log(GAMMA[0]), 0.0, -0.5, -0.5]
    high = [0.5, np.log(1.5), np.log(GAMMA[1]), 1.5, 0.5, 0.5]
    start = list(np.clip(start, np.array(low) + 1e-6, np.array(high) - 1e-6))
    fit = least_squares(residual, start, jacobian, bounds=(low, high), x_scale="jac", max_nfev=60)
    found = _read(fit.x, np.asarray(fit.jac), fit.fun, seen, reach, x)
    core = np.abs(x - fit.x[0]) * reach < CORE_SHARE * found.width
    if core.sum() < FEWEST_CORE:
        return found
    # what the profile misses in the very middle
    missed = float(np.average(fit.fun[core] * error[core], weights=error[core] ** -2.0))
    return replace(found, depth=found.depth - missed)


def _read(p: Floats, jac: Floats, left: Floats, seen: Minimum, reach: float, x: Floats) -> Minimum:
    """From the numbers of a fit to a minimum."""
    middle, scale, gamma, depth, wing, slope = p
    cov = np.linalg.pinv(jac.T @ jac)
    floor = (1 + wing + slope * middle) * (1 - depth)
    by_depth = np.array([0, 0, 0, 1 + wing, depth - 1, 0])
    width = profile_width(np.exp(scale), np.exp(gamma))
    ahead = profile_width(np.exp(scale), np.exp(gamma + 1e-3))
    by_width = np.array([0, width, (ahead - width) / 1e-3, 0, 0, 0])
    # a wrong profile leaves the same on either side: it moves depth and width, not the middle
    mirrored = np.interp(2 * middle - x, x, left)
    odd, all_of_it = (_scatter(part, p.size) for part in ((left - mirrored) / np.sqrt(2), left))
    return Minimum(
        phase=(seen.phase + float(middle) * reach) % 1.0,
        depth=float(1 - floor),
        width=min(float(width) * reach, 0.5),
        wing=float(1 + wing + slope * middle),
        phase_err=float(np.sqrt(cov[0, 0] * odd)) * reach,
        depth_err=float(np.sqrt(by_depth @ cov @ by_depth)),
        width_err=float(np.sqrt(by_width @ cov @ by_width * all_of_it)) * reach,
    )


def _scatter(left: Floats, n_number: int) -> float:
    """Variance of normalised residuals, at least one."""
    return max(1.0, float(left @ left) / max(left.size - n_number, 1))
