"""Cubic splines through all points, sampled at equal steps, in one pass over the points."""

import numpy as np

from calnet_ops.science.features.compiled import compiled
from calnet_ops.science.lightcurve.light_curve import Floats


@compiled
def sample_spline(place: Floats, value: Floats, n_sample: int) -> Floats:
    """Samples of the "not-a-knot" spline at 0, 1/(n_sample - 1), …, 1.

    Parameters
    ----------
    place : (n_point,)
        From 0 to 1, strictly increasing, at least 4.
    value : (n_point,)

    Notes
    -----
    The slopes at the points solve a tridiagonal system, here by elimination without pivots: all
    of its rows but the first and last are dominated by their diagonal, and these two stay regular.

    References
    ----------
    .. [1] de Boor 1978, A Practical Guide to Splines, chapter IV, eqs. (7) to (11).
    """
    last = len(place) - 1
    slope, upper = np.empty(last + 1), np.empty(last + 1)
    step, rise = place[1] - place[0], (value[1] - value[0]) / (place[1] - place[0])
    next_step = place[2] - place[1]
    next_rise = (value[2] - value[1]) / next_step
    both = step + next_step
    # the third derivative does not jump at the second point
    upper[0] = both / next_step
    slope[0] = (step + 2 * both) * rise / both + step * step * next_rise / (both * next_step)
    for i in range(1, last):
        next_step = place[i + 1] - place[i]
        next_rise = (value[i + 1] - value[i]) / next_step
        pivot = 1 / (2 * (step + next_step) - next_step * upper[i - 1])
        upper[i] = step * pivot
        known = 3 * (next_step * rise + step * next_rise)
        slope[i] = (known - next_step * slope[i - 1]) * pivot
        step, rise = next_step, next_rise
    before = place[last - 1] - place[last - 2]
    rise_before = (value[last - 1] - value[last - 2]) / before
    both = step + before
    known = ((step + 2 * both) * before * rise + step * step * rise_before) / both
    slope[last] = (known - both * slope[last - 1]) / (before - both * upper[last - 1])
    for i in range(last - 1, -1, -1):
        slope[i] -= upper[i] * slope[i + 1]
    return _sample_slopes(place, value, slope, n_sample)


@compiled
def _sample_slopes(place: Floats, value: Floats, slope: Floats, n_sample: int) -> Floats:
    """Samples of the cubics that have given values and slopes at the points (Hermite)."""
    samples = np.empty(n_sample)
    i = 0
    for j in range(n_sample):
        at = j / (n_sample - 1)
        while i < len(place) - 2 and place[i + 1] <= at:
            i += 1
        step, u = place[i + 1] - place[i], at - place[i]
        rise = (value[i + 1] - value[i]) / step
        square = (3 * rise - 2 * slope[i] - slope[i + 1]) / step
        cube = (slope[i] + slope[i + 1] - 2 * rise) / (step * step)
        samples[j] = value[i] + u * (slope[i] + u * (square + u * cube))
    return samples
