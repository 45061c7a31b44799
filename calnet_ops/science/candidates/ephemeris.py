"""Period, epoch, depths, durations and type of a candidate, from its light curve."""

from dataclasses import dataclass

import numpy as np

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.period import (
    BIN_D,
    Periodicity,
    bin_time,
    running_median,
    search_period,
)
from calnet_ops.science.candidates.shape import CURVE_BINS, Shape, measure_shape
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments

MIN_CADENCES = 200
"""Below this (seven hours of two-minute data) there is no period to look for."""

FLARE_SIGMA = 5.0
"""Points brighter than this many sigma above the rest are left out: eclipses only dim."""

TREND_WINDOW = round(1.0 / BIN_D)
"""Bins of the running median, one day: longer than eclipses, shorter than a rotation."""

MIN_CYCLES = 3
CLEAR_SHARE = 0.8
"""With fewer cycles, or a smaller share of the variance explained by the folded curve, slow
changes of star or spacecraft may have made the period; then the flattened curve is asked."""

ODD_EVEN_SIGMA = 4.0
"""Difference of odd and even minima, in sigma, that doubles a period."""

ODD_EVEN_SHARE = 0.01
"""Scatter of a depth, as a share of it, that systematics (background, scattered light) make."""

MIN_ECLIPSES = 2
"""Primary minima without which there is no period."""

PIECES = 12
"""Pieces of a light curve whose minima are timed to refine the period."""

QUIETEST = 1e-6
"""Noise of a cadence that no light curve is below: 1 ppm, a tenth of the best stars'."""

TIMING_BINS = 20
"""Bins across a primary minimum in the curve that minima are timed with."""

ROUNDS = 3
"""Rounds of refinement; the second already moves a period by less than its error."""


@dataclass(frozen=True, slots=True)
class Ephemeris:
    """When a star is eclipsed and by how much. NaN where nothing could be measured."""

    period: float
    """Orbital period [d]: two minima a cycle for EB and EW."""
    period_err: float
    """One-sigma error [d]."""
    epoch: float
    """Middle of a primary minimum, near the middle of the light curve [BTJD d]."""
    depth_1: float
    depth_2: float
    """Relative to the flux outside eclipse."""
    duration_1: float
    duration_2: float
    """Full widths of the minima [d]."""
    n_eclipse: int
    """Primary minima with data; 0 without a period."""
    eb_type: str
    """EA, EB, EW, or empty without a period."""
    curve: Floats
    """(200,) Folded flux, median 1, primary minimum at phase 0; NaN without a period."""


UNKNOWN = Ephemeris(
    period=np.nan, period_err=np.nan, epoch=np.nan, depth_1=np.nan, depth_2=np.nan,
    duration_1=np.nan, duration_2=np.nan, n_eclipse=0, eb_type="",
    curve=np.full(CURVE_BINS, np.nan),
)  # fmt: skip
"""Nothing could be measured."""


def characterise(light_curve: LightCurve) -> Ephemeris:
    """Measure the eclipses of a candidate.

    Parameters
    ----------
    light_curve
        Of one sector; any cadence.

    Notes
    -----
    About 0.1 s for a sector of two-minute data. Periods longer than the time between the first
    and the last eclipse in the light curve cannot be known from it.
    """
    time, flux = normalise(light_curve)
    if not time.size:
        return UNKNOWN
    binned_time, binned_flux = bin_time(time, flux)
    trend = running_median(binned_flux, TREND_WINDOW)
    as_is = search_period(binned_time, binned_flux)
    flat = search_period(binned_time, binned_flux / trend)
    if _is_trend(as_is, np.ptp(time)) and flat.stands_out:
        flux = flux / np.interp(time, binned_time, trend)
        binned_flux, as_is = binned_flux / trend, flat
    if not np.isfinite(as_is.period):
        return UNKNOWN
    return _refine(time, flux, orbital_period(binned_time, binned_flux, as_is.period))


def _is_trend(found: Periodicity, span: float) -> bool:
    """Whether what repeats may as well be spots, ramps or other slow changes."""
    return not (found.period * MIN_CYCLES < span and found.share > CLEAR_SHARE)


def normalise(light_curve: LightCurve) -> tuple[Floats, Floats]:
    """Time and flux of good cadences, each segment divided by its median, without flares.

    Empty if they are too few.
    """
    good = light_curve.good
    time, flux = light_curve.time[good], light_curve.flux[good]
    times, fluxes = [], []
    for segment in split_segments(time):
        level = float(np.median(flux[segment]))
        if level > 0:
            times.append(time[segment])
            fluxes.append(flux[segment] / level)
    if sum(map(len, times)) < MIN_CADENCES:
        return np.empty(0), np.empty(0)
    time, flux = np.concatenate(times), np.concatenate(fluxes)
    spread = 1.4826 * np.median(np.abs(np.diff(flux))) + 0.5 * np.ptp(np.percentile(flux, [1, 99]))
    calm = flux < np.percentile(flux, 99) + FLARE_SIGMA * spread
    return time[calm], flux[calm]


def orbital_period(time: Floats, flux: Floats, period: float) -> float:
    """Double a period that turns out to be half of one.

    A round curve with one minimum a cycle is that of two like stars in contact; minima that are
    alternately deeper and shallower belong to two stars.
    """
    if 2 * period > time[-1] - time[0]:
        return period
    shape = measure_shape(time, flux, period)
    if not shape.second.depth > 0 and measure_shape(time, flux, 2 * period).eb_type != "EA":
        return 2 * period
    return 2 * period if _alternates(time, flux, period, shape) else period


def _alternates(time: Floats, flux: Floats, period: float, shape: Shape) -> bool:
    """Whether every other primary minimum is deeper than those between."""
    turns = (time - shape.epoch) / period
    cycle = np.rint(turns).astype(np.int64)
    inside = np.abs(turns - cycle) < shape.first.width / 4
    number = cycle[inside] - cycle.min()
    count = np.bincount(number)
    whole = count > 0.5 * count.max()
    if not whole.any():
        return False
    depth = 1 - np.bincount(number, flux[inside])[whole] / count[whole]
    odd = np.flatnonzero(whole) % 2 == 1
    if odd.all() or not odd.any():
        return False
    variance = sum(_mean_variance(depth[part], shape.first.depth) for part in (odd, ~odd))
    difference = abs(depth[odd].mean() - depth[~odd].mean())
    return bool(difference > ODD_EVEN_SIGMA * np.sqrt(variance))


def _mean_variance(depth: Floats, typical: float) -> float:
    """Variance of a mean depth: from its scatter, but no less than systematics allow."""
    floor = (ODD_EVEN_SHARE * typical) ** 2
    return float(max(depth.var(ddof=1) if depth.size > 1 else floor, floor) / depth.size)


def _refine(time: Floats, flux: Floats, period: float) -> Ephemeris:
    """Time the minima piece by piece and fit a line through them."""
    shape, error = measure_shape(time, flux, period), float("nan")
    for _ in range(ROUNDS):
        shift, shift_err, cycle = _time_pieces(time, flux, period, shape)
        if cycle.size < MIN_ECLIPSES or np.ptp(cycle) < 1:
            return UNKNOWN
        change, error = _slope(cycle, shift, shift_err)
        period += change
        shape = measure_shape(time, flux, period)
    return _ephemeris(time, shape, period, error)


def _time_pieces(
    time: Floats, flux: Floats, period: float, shape: Shape
) -> tuple[Floats, Floats, Floats]:
    """How late the curve is in each piece [d], its error, and the cycle in its middle."""
    phase = fold(time, period, shape.epoch)
    n_bin = int(np.clip(TIMING_BINS / shape.first.width, CURVE_BINS, 10 * CURVE_BINS))
    curve = fill_bins(bin_phase(phase, flux, n_bin)[0])
    bins = (np.arange(-1, n_bin + 1) + 0.5) / n_bin
    curve = np.concatenate([curve[-1:], curve, curve[:1]])
    slope = np.gradient(curve, bins)
    model = np.interp(phase, bins, curve)
    tilt = np.interp(phase, bins, slope) / period
    cycle = (time - shape.epoch) / period
    piece = np.minimum((PIECES * (time - time[0]) / np.ptp(time)).astype(np.int64), PIECES - 1)
    weight = np.bincount(piece, tilt**2, minlength=PIECES)
    residual = flux - model
    late = -np.bincount(piece, residual * tilt, minlength=PIECES)
    middle = np.bincount(piece, cycle * tilt**2, minlength=PIECES)
    used = weight > 0.1 * weight.max()
    sigma = max(1.4826 * float(np.median(np.abs(np.diff(flux)))) / np.sqrt(2), QUIETEST)
    return late[used] / weight[used], sigma / np.sqrt(weight[used]), middle[used] / weight[used]


def _slope(x: Floats, y: Floats, error: Floats) -> tuple[float, float]:
    """Slope of a weighted line, and its error enlarged to the scatter."""
    weight = error**-2.0
    centred = x - weight @ x / weight.sum()
    norm = float(weight @ centred**2)
    slope = float(weight @ (centred * y)) / norm
    left = y - weight @ y / weight.sum() - slope * centred
    scatter = float(weight @ left**2) / max(x.size - 2, 1)
    return slope, float(np.sqrt(max(scatter, 1.0) / norm))


def _ephemeris(time: Floats, shape: Shape, period: float, error: float) -> Ephemeris:
    """Sum up what is known, if two primary minima were seen: one has no period."""
    cycle = np.rint((time - shape.epoch) / period)
    inside = np.abs(time - shape.epoch - cycle * period) < shape.first.width * period / 4
    n_eclipse = int(np.unique(cycle[inside]).size)
    if n_eclipse < MIN_ECLIPSES:
        return UNKNOWN
    middle = float(np.rint((time[[0, -1]].mean() - shape.epoch) / period))
    return Ephemeris(
        period=period,
        period_err=error,
        epoch=shape.epoch + period * middle,
        depth_1=shape.first.depth,
        depth_2=shape.second.depth,
        duration_1=shape.first.width * period,
        duration_2=shape.second.width * period,
        n_eclipse=n_eclipse,
        eb_type=shape.eb_type,
        curve=shape.curve,
    )
