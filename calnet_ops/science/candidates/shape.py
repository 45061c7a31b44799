"""What a folded light curve looks like: minima, their depths and widths, its type."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from calnet_ops.science.candidates.fold import Floats, bin_phase, fold

CURVE_BINS = 200
"""Bins of the folded curve: an eclipse that lasts 2% of the period still has four."""

EDGE = 0.1
"""An eclipse ends where a tenth of its depth is left: noise hides the true contacts."""

FLAT = 0.2
"""Brighter than a fifth of the depth below the top counts as outside eclipse."""

EA_FLAT = 0.5
"""Share of the period outside eclipse from which a curve is of type EA (a sine has 0.30)."""

EW_RATIO = 0.8
"""Depth ratio from which a curve without a flat part is EW: components in contact share one
temperature (GCVS: minima "almost equal or differing insignificantly")."""

SECOND_SIGMA = 4.0
"""A second minimum must stand out of the noise of the bins by this many sigma: one of a hundred
empty folded curves has a bin that does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A folded curve, primary minimum at phase 0."""

    epoch: float
    """Middle of a primary minimum [d, same zero as the times]."""
    depth_1: float
    depth_2: float
    """Relative to the level outside; NaN without a second minimum."""
    duration_1: float
    duration_2: float
    """[d]; NaN without a second minimum."""
    phase_2: float
    """Where the second minimum is."""
    eb_type: str
    """EA, EB or EW."""
    noise: float
    """One-sigma error of a bin of the curve."""
    curve: Floats
    """(CURVE_BINS,) Folded flux, median 1."""


def measure_shape(time: Floats, flux: Floats, period: float) -> Shape:
    """Fold at a period and measure what comes out.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Time [d] and flux, median near 1.
    period
        [d].
    """
    mean, count = bin_phase(fold(time, period, 0.0), flux, CURVE_BINS)
    curve = _fill(mean)
    smooth = median_filter(curve, size=5, mode="wrap")
    lowest = int(smooth.argmin())
    curve, smooth = np.roll(curve, -lowest), np.roll(smooth, -lowest)
    noise = 1.4826 * float(np.median(np.abs(curve - smooth)))
    top = float(np.percentile(smooth, 90))
    depth_1 = top - float(smooth[0])
    eb_flat = float(np.mean(smooth > top - FLAT * depth_1)) if depth_1 > 0 else 1.0
    # narrow eclipses are measured from the middle of what is outside, others from the top
    level = float(np.median(smooth[smooth > top - FLAT * depth_1])) if eb_flat > EA_FLAT else top
    depth_1 = level - float(smooth[0])
    left, right = _edges(smooth, 0, level)
    second = _second_minimum(smooth, left, right)
    depth_2 = level - float(smooth[second]) if second else float("nan")
    if not depth_2 > SECOND_SIGMA * noise / np.sqrt(3):
        second, depth_2 = 0, float("nan")
    width_2 = sum(_edges(smooth, second, level)) if second else float("nan")
    middle = (right - left) / 2 if eb_flat > EA_FLAT else 0.0
    shift = round(middle)
    return Shape(
        epoch=(lowest + 0.5 + middle) / CURVE_BINS * period,
        depth_1=depth_1 / level,
        depth_2=depth_2 / level,
        duration_1=(left + right) / CURVE_BINS * period,
        duration_2=width_2 / CURVE_BINS * period,
        phase_2=(second - middle) / CURVE_BINS if second else float("nan"),
        eb_type=_type(eb_flat, depth_1, depth_2),
        noise=noise,
        curve=np.roll(curve, -shift) / np.median(curve),
    )


def _type(flat: float, depth_1: float, depth_2: float) -> str:
    if flat > EA_FLAT:
        return "EA"
    return "EW" if depth_2 > EW_RATIO * depth_1 else "EB"


def _fill(mean: Floats) -> Floats:
    """Curve without holes: bins without a cadence get the line between their neighbours."""
    known = np.flatnonzero(np.isfinite(mean))
    return np.interp(np.arange(mean.size), known, mean[known], period=mean.size)


def _edges(curve: Floats, lowest: int, level: float) -> tuple[float, float]:
    """Bins from a minimum to where it ends, to the left and to the right."""
    end = level - EDGE * (level - curve[lowest])
    half = curve.size // 2
    right = np.roll(curve, -lowest)[:half]
    left = np.roll(curve[::-1], lowest + 1)[:half]
    return _first_above(left, end), _first_above(right, end)


def _first_above(curve: Floats, level: float) -> float:
    above = np.flatnonzero(curve >= level)
    return float(above[0]) if above.size else curve.size / 2


def _second_minimum(curve: Floats, left: float, right: float) -> int:
    """Bin of the lowest point outside the first minimum; 0 if nothing is outside."""
    half = curve.size // 2
    # a wide minimum is left at its shoulders, where the curve turns
    start = min(int(right) + 2, half // 2)
    stop = curve.size - min(int(left) + 2, half // 2)
    return start + int(curve[start:stop].argmin())
