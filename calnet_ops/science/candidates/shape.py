"""What a folded light curve looks like: minima, their depths and widths."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.minimum import EDGE, NO_MINIMUM, REACH, Minimum, fit_minimum

CURVE_BINS = 200
"""Bins of the folded curve that is kept."""

LOOK_D = 15.0 / 1440.0
LOOK_BINS = 200, 2000
"""Minima are looked for in bins of 15 min, within these bounds: the shortest eclipses last 1 h."""

NARROW_ROUNDNESS = 0.177
"""Roundness below which minima are parted by a level. Parts 97% of 250 simulated EA from 125
EB."""

SECOND_SIGMA = 5.0
"""A second minimum must stand out of the noise of boxes as wide as the first by this many sigma:
there are up to a few hundred boxes."""

SECOND_SHARE = 0.004
"""... and by this share of the first: what is left of trends makes smaller ones."""

NARROW = 0.15
UNDER_WAVES = 0.12
"""Width up to which minima are measured against the level around them, so that spots in step with
the orbit do not count."""

FULL_OVER_HALF = 1.7
"""Full width of an eclipse over that at half its depth: 1.3 to 1.9 from steep to sloping walls."""

WAVE = 2.5
"""A primary narrower than this share of the cycle has a narrow secondary: it is sought above a
median over so many widths."""

LEVEL_REACH = 0.06
"""Phase to either side of the middle between two minima in which the brightest flux is sought."""

CORE = 0.15
"""Phase to either side of a round minimum that is fitted: the rest belongs to the maxima."""

WIDEST = 0.5
"""Of a cycle: each of two minima has at most half."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A folded curve."""

    epoch: float
    """Middle of a primary minimum [d, same zero as the times]."""
    first: Minimum
    second: Minimum
    """Phases count from the primary; NaN without a second minimum."""
    second_limit: float
    """Depth below which a second minimum would not have been seen."""
    roundness: float
    """See `roundness`."""
    asymmetry: float
    """Half the difference of the two maxima, relative (O'Connell effect)."""
    noise: float
    """One-sigma scatter of a cadence."""
    curve: Floats
    """(CURVE_BINS,) Folded flux, median 1, primary minimum at phase 0."""

    @property
    def is_narrow(self) -> bool:
        """Whether there is a level between the minima, as in detached binaries."""
        return self.roundness < NARROW_ROUNDNESS


@dataclass(frozen=True, slots=True)
class _Seen:
    """Minima as a first look finds them."""

    first: Minimum
    second: Minimum
    limit: float
    roundness: float


def measure_shape(time: Floats, flux: Floats, period: float, wave_d: float = 0.0) -> Shape:
    """Fold at a period and measure what comes out.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Time [d] and flux, median near 1.
    period
        [d].
    wave_d
        Window [d] of a median above which narrow minima are looked for: what hid them when the
        period was searched may be in step with it. 0 for none.
    """
    phase = fold(time, period, 0.0)
    n_bin = int(np.clip(period / LOOK_D, *LOOK_BINS))
    curve = fill_bins(bin_phase(phase, flux, n_bin)[0])
    seen = _look_under(curve, wave_d / period) or _look(curve)
    middles = (np.arange(n_bin) + 0.5) / n_bin
    noise = _noise(flux - np.interp(phase, middles, curve, period=1.0))
    maxima = _maxima(curve, seen)
    level = float(np.mean(maxima))
    opposite = float(np.median(_part(curve, seen.first.phase + 0.5, 0.03)))
    first, second = _fit(phase, flux, seen, noise, level, opposite)
    if not _is_apart(first, second):
        second = NO_MINIMUM
    if second.depth > first.depth:
        first, second = second, first
    return Shape(
        epoch=first.phase * period,
        first=replace(first, phase=0.0),
        second=replace(second, phase=(second.phase - first.phase) % 1.0),
        second_limit=seen.limit,
        roundness=seen.roundness,
        asymmetry=abs(maxima[0] - maxima[1]) / 2 / level,
        noise=noise / level,
        curve=published_curve(phase - first.phase, flux),
    )


def published_curve(phase: Floats, flux: Floats) -> Floats:
    """Folded curve in `CURVE_BINS` bins, the first around phase zero, median 1."""
    turned = (phase + 0.5 / CURVE_BINS) % 1.0
    curve = fill_bins(bin_phase(turned, flux, CURVE_BINS)[0])
    return np.asarray(curve / np.median(curve))


def roundness(curve: Floats, depths: float) -> float:
    """How much of the variation is a sine of half the period: 0.25 for a sine, less for dips.

    Amplitude of the second harmonic over the sum of both depths; eclipses of width w make it
    about w, and tides add to it.
    """
    angle = 4 * np.pi * np.arange(curve.size) / curve.size
    return float(2 * np.abs(np.mean(curve * np.exp(1j * angle))) / depths)


def _look_under(curve: Floats, wave: float) -> _Seen | None:
    """Find minima of a curve whose waves are wider than they; None if they are not narrow."""
    if not 0 < wave < WIDEST:
        return None
    slow = median_filter(curve, size=max(3, int(wave * curve.size)), mode="wrap")
    seen = _look(curve - slow + float(np.median(curve)))
    return seen if seen.first.width < UNDER_WAVES else None


def _look(curve: Floats) -> _Seen:
    """Find the minima of a curve in bins."""
    smooth = median_filter(curve, size=3, mode="wrap")
    lowest = int(smooth.argmin())
    level = float(np.percentile(smooth, 90))
    half = _measure(smooth, lowest, level, 0.5)
    narrow = FULL_OVER_HALF * half.width < NARROW
    if narrow:
        first = replace(half, width=FULL_OVER_HALF * half.width)
        curve = curve - _waves(curve, first.width)
    else:
        first = _measure(smooth, lowest, level)
    opposite, limit = _second_lowest(curve, lowest, first)
    second = NO_MINIMUM
    if opposite is not None and narrow:
        second = Minimum((opposite + 0.5) / curve.size, -float(curve[opposite]), first.width)
    elif opposite is not None:
        second = _measure(smooth, opposite, level)
    depths = first.depth + (second.depth if opposite is not None else 0.0)
    round_ = roundness(curve, depths) if depths > 0 else 0.0
    return _Seen(first, second, limit, round_)


def _waves(curve: Floats, width: float) -> Floats:
    """What is wider than an eclipse: spots, tides and heating, which are no second minimum."""
    window = max(3, int(WAVE * width * curve.size))
    return np.asarray(median_filter(curve, size=window, mode="wrap"))


def _noise(residual: Floats) -> float:
    return max(1.4826 * float(np.median(np.abs(residual))), QUIETEST)


QUIETEST = 1e-6
"""Noise of a cadence that no light curve is below: 1 ppm, a tenth of the best stars'."""


def _maxima(curve: Floats, seen: _Seen) -> tuple[float, float]:
    """Brightest flux on either side of the first minimum, between it and the second."""
    away = 0.5 if np.isnan(seen.second.phase) else (seen.second.phase - seen.first.phase) % 1.0
    left, right = (
        _brightest(curve, seen.first.phase + middle, length / 4)
        for middle, length in ((away / 2, away), ((1 + away) / 2, 1 - away))
    )
    return left, right


def _brightest(curve: Floats, middle: float, reach: float) -> float:
    """Top of a parabola through the brightest stretch of a part of a curve."""
    half = max(2, int(LEVEL_REACH * curve.size))
    smooth = np.asarray(uniform_filter1d(curve, half, mode="wrap"))
    around = (
        int(middle * curve.size) + np.arange(-int(reach * curve.size), 1 + int(reach * curve.size))
    ) % curve.size
    top = int(around[smooth[around].argmax()])
    x = np.arange(-half, half + 1) / half
    bend, slope, level = np.polyfit(x, curve[(top + np.arange(-half, half + 1)) % curve.size], 2)
    best = float(np.clip(-slope / (2 * bend), -1, 1)) if bend < 0 else 0.0
    return float(level + slope * best + bend * best**2)


def _part(curve: Floats, middle: float, reach: float) -> Floats:
    """Stretch of a curve around a phase."""
    half = max(1, int(reach * curve.size))
    return curve[(int(middle * curve.size) + np.arange(-half, half + 1)) % curve.size]


def _measure(curve: Floats, lowest: int, level: float, edge: float = EDGE) -> Minimum:
    """Minimum of a curve, in bins, edges where it comes back to the level."""
    n_bin = curve.size
    around = np.roll(curve, n_bin // 2 - lowest)
    end = level - edge * (level - curve[lowest])
    left = _first_above(around[n_bin // 2 :: -1], end)
    right = _first_above(around[n_bin // 2 :], end)
    depth = (level - float(curve[lowest])) / level
    phase = ((lowest + 0.5 + (right - left) / 2) / n_bin) % 1.0
    return Minimum(phase, depth, min((left + right) / n_bin, WIDEST))


def _first_above(curve: Floats, level: float) -> int:
    above = np.flatnonzero(curve >= level)
    return int(above[0]) if above.size else curve.size


def _second_lowest(curve: Floats, lowest: int, first: Minimum) -> tuple[int | None, float]:
    """Bin of the lowest point that is parted from the first minimum by higher ones.

    And the depth that it must have.
    """
    box = max(1, int(first.width * curve.size / 2))
    # the last tenth of a deep eclipse is outside its width
    clear = 1.2 if first.width < NARROW else 0.75
    smooth = np.asarray(uniform_filter1d(curve, box, mode="wrap"))
    turned = np.roll(smooth, -lowest)
    half = turned.size // 2
    # never look where the first minimum is, nor leave less than half the curve to look at
    start = min(int(first.width * turned.size * clear) + 2, half // 2)
    inside = turned[start : turned.size - start]
    found = start + int(inside.argmin())
    between = min(turned[:found].max(), turned[found:].max())
    rough = curve - np.asarray(median_filter(curve, size=5, mode="wrap"))
    noise = 1.4826 * float(np.median(np.abs(rough))) / np.sqrt(box) * 1.1
    needed = max(SECOND_SIGMA * noise, SECOND_SHARE * first.depth)
    stands_out = between - turned[found]
    return ((found + lowest) % turned.size if stands_out > needed else None), needed


def _fit(
    phase: Floats, flux: Floats, seen: _Seen, noise: float, level: float, opposite: float
) -> tuple[Minimum, Minimum]:
    """Fit both minima."""
    apart = 0.5
    if np.isfinite(seen.second.phase):
        apart = abs((seen.second.phase - seen.first.phase + 0.5) % 1.0 - 0.5)
    fitted = []
    for one in (seen.first, seen.second):
        if not (np.isfinite(one.phase) and one.depth > 0):
            fitted.append(NO_MINIMUM)
            continue
        narrow = seen.roundness < NARROW_ROUNDNESS
        reach = min(REACH * one.width, apart / 2, 0.25) if narrow else CORE
        found = fit_minimum(phase, flux, one, noise=noise, level=level, reach=reach)
        if not narrow:
            found = replace(found, width=one.width, width_err=noise / one.depth / 10)
        fitted.append(found)
    first, second = fitted
    if not (seen.roundness < NARROW_ROUNDNESS and first.width < UNDER_WAVES):
        return first, second
    return _without_spots(first, second, opposite / level)


def _without_spots(first: Minimum, second: Minimum, opposite: float) -> tuple[Minimum, Minimum]:
    """Depths from the level around each minimum, but for what both levels have in common.

    Tides lower the light at both minima alike; spots and heating raise it at one and lower it at
    the other.
    """
    other = second.wing if np.isfinite(second.wing) else opposite
    both = (first.wing + other) / 2
    first, second = (
        replace(one, depth=1 - (1 - one.depth) * both / one.wing, tilt=abs(first.wing - other) / 2)
        for one in (first, second)
    )
    return first, second


def _is_apart(first: Minimum, second: Minimum) -> bool:
    """Whether two minima, looked at closely, are still two."""
    away = abs((second.phase - first.phase + 0.5) % 1.0 - 0.5)
    return bool(
        away > (first.width + second.width) / 4 and second.depth > SECOND_SHARE * first.depth
    )
