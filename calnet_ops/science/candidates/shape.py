"""What a folded light curve looks like: minima, their depths and widths, its type."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold

CURVE_BINS = 200
"""Bins of the folded curve: an eclipse that lasts 2% of the period still has four."""

EDGE = 0.1
"""An eclipse ends where a tenth of its depth is left: noise hides the true contacts."""

EA_ROUNDNESS = 0.177
"""Roundness below which a curve is of type EA. Parts 97% of 250 simulated EA from 125 EB."""

EW_RATIO = 0.8
"""Depth ratio from which a round curve is EW: components in contact share one temperature (GCVS:
minima "almost equal or differing insignificantly")."""

SECOND_SIGMA = 4.0
"""A second minimum must stand out of the noise of the bins by this many sigma: one of a hundred
folded curves of noise has a bin that does."""

SECOND_SHARE = 0.02
"""... and by this share of the first: what is left of trends makes smaller ones."""

PROFILE_BINS = 60
"""Bins across a narrow eclipse and its wings."""

COVERED = 0.9
"""Share of those bins that must have cadences."""

WINGS = 1.4, 1.9
"""Half-widths at half depth between which a wing is: outside even of an eclipse whose profile is
a triangle (1.0 half-widths at half depth to its contacts, times 2)."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """A minimum of a folded curve."""

    phase: float
    """Of its middle."""
    depth: float
    """Relative to the level outside."""
    width: float
    """From edge to edge, in phase."""


WIDEST = 0.5
"""Of a cycle: each of two minima has at most half."""

NO_MINIMUM = Minimum(np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Shape:
    """A folded curve."""

    epoch: float
    """Middle of a primary minimum [d, same zero as the times]."""
    first: Minimum
    second: Minimum
    """Phases count from the primary; NaN without a second minimum."""
    eb_type: str
    """EA, EB or EW."""
    curve: Floats
    """(CURVE_BINS,) Folded flux, median 1, primary minimum at phase 0."""


def measure_shape(time: Floats, flux: Floats, period: float) -> Shape:
    """Fold at a period and measure what comes out.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Time [d] and flux, median near 1.
    period
        [d].
    """
    phase = fold(time, period, 0.0)
    smooth, noise = _smooth_curve(phase, flux)
    lowest = int(smooth.argmin())
    level = float(np.percentile(smooth, 97))
    first = _measure(smooth, lowest, level)
    opposite = _second_lowest(smooth, lowest, first.width, noise)
    second = _measure(smooth, opposite, level) if opposite is not None else NO_MINIMUM
    eb_type = _type(smooth, first.depth, second.depth)
    if eb_type == "EA":
        for _ in range(2):  # the coarse curve makes narrow eclipses too wide
            first, second = (_look_closer(phase, flux, item) for item in (first, second))
    if not _is_apart(first, second):
        second = NO_MINIMUM
    if second.depth > first.depth:
        first, second = second, first
    turned = (phase - first.phase) % 1.0
    curve = fill_bins(bin_phase((turned + 0.5 / CURVE_BINS) % 1.0, flux, CURVE_BINS)[0])
    return Shape(
        epoch=first.phase * period,
        first=Minimum(0.0, first.depth, first.width),
        second=Minimum((second.phase - first.phase) % 1.0, second.depth, second.width),
        eb_type=eb_type,
        curve=curve / np.median(curve),
    )


def roundness(curve: Floats, depths: float) -> float:
    """How much of the variation is a sine of half the period: 0.25 for a sine, less for dips.

    Amplitude of the second harmonic over the sum of both depths; eclipses of width w make it
    about w, and tides add to it.
    """
    angle = 4 * np.pi * np.arange(curve.size) / curve.size
    return float(2 * np.abs(np.mean(curve * np.exp(1j * angle))) / depths)


def _type(curve: Floats, depth_1: float, depth_2: float) -> str:
    depth_2 = depth_2 if np.isfinite(depth_2) else 0.0
    if depth_1 <= 0 or roundness(curve, depth_1 + depth_2) < EA_ROUNDNESS:
        return "EA"
    return "EW" if depth_2 > EW_RATIO * depth_1 else "EB"


def _smooth_curve(phase: Floats, flux: Floats) -> tuple[Floats, float]:
    """Folded curve without lone outliers, and the one-sigma noise of its bins."""
    curve = fill_bins(bin_phase(phase, flux, CURVE_BINS)[0])
    smooth = median_filter(curve, size=5, mode="wrap")
    return smooth, 1.4826 * float(np.median(np.abs(curve - smooth)))


def _measure(curve: Floats, lowest: int, level: float) -> Minimum:
    """Minimum of a curve, in bins, edges where it comes back to the level."""
    n_bin = curve.size
    around = np.roll(curve, n_bin // 2 - lowest)
    end = level - EDGE * (level - curve[lowest])
    left = _first_above(around[n_bin // 2 :: -1], end)
    right = _first_above(around[n_bin // 2 :], end)
    depth = (level - float(curve[lowest])) / level
    return Minimum((lowest + 0.5) / n_bin, depth, min((left + right) / n_bin, WIDEST))


def _first_above(curve: Floats, level: float) -> int:
    above = np.flatnonzero(curve >= level)
    return int(above[0]) if above.size else curve.size


def _second_lowest(curve: Floats, lowest: int, width: float, noise: float) -> int | None:
    """Bin of the lowest point that is parted from the first minimum by higher ones."""
    turned = np.roll(curve, -lowest)
    half = turned.size // 2
    # never look where the first minimum is, nor leave less than half the curve to look at
    start = min(int(width * half) + 2, half // 2)
    inside = turned[start : turned.size - start]
    found = start + int(inside.argmin())
    between = min(turned[:found].max(), turned[found:].max())
    depth_1 = turned.max() - turned[0]
    stands_out = between - turned[found]
    needed = max(SECOND_SIGMA * noise / np.sqrt(3), SECOND_SHARE * depth_1)
    return (found + lowest) % turned.size if stands_out > needed else None


def _is_apart(first: Minimum, second: Minimum) -> bool:
    """Whether two minima, looked at closely, are still two."""
    away = abs((second.phase - first.phase + 0.5) % 1.0 - 0.5)
    return bool(
        away > (first.width + second.width) / 4 and second.depth > SECOND_SHARE * first.depth
    )


def _look_closer(phase: Floats, flux: Floats, seen: Minimum) -> Minimum:
    """Measure a narrow minimum in finer bins, against its own wings."""
    inner, outer = WINGS
    reach = min(outer * seen.width / 2, 0.25)
    if not np.isfinite(reach):
        return seen
    offset = (phase - seen.phase + 0.5) % 1.0 - 0.5
    near = np.abs(offset) < reach
    profile, count = bin_phase((offset[near] / reach + 1) / 2, flux[near], PROFILE_BINS)
    if np.mean(count > 0) < COVERED:
        return seen
    profile = median_filter(fill_bins(profile), size=3, mode="nearest")
    x = (np.arange(PROFILE_BINS) + 0.5) / PROFILE_BINS * 2 * reach - reach
    wing = np.abs(x) > inner / outer * reach
    level = float(np.median(profile[wing]))
    lowest = float(np.sort(profile)[:3].mean())
    inside = np.flatnonzero(profile < level - 0.5 * (level - lowest))
    below = np.flatnonzero(profile < level - EDGE * (level - lowest))
    if not below.size or level <= lowest:
        return seen
    step = 2 * reach / PROFILE_BINS
    # a neighbouring dip beyond the wings is another one
    wide = inside[-1] - inside[0] + 4
    below = below[(below >= inside[0] - wide) & (below <= inside[-1] + wide)]
    return Minimum(
        phase=(seen.phase + float(x[inside[0]] + x[inside[-1]]) / 2) % 1.0,
        depth=(level - lowest) / level,
        width=float(x[below[-1]] - x[below[0]]) + step,
    )
