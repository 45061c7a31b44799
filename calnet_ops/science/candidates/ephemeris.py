"""Period, epoch, depths, durations and type of a candidate, from its light curve."""

from dataclasses import dataclass, replace

import numpy as np

from calnet_ops.science.candidates.fold import Floats, fold
from calnet_ops.science.candidates.period import BIN_D, bin_time, search_period
from calnet_ops.science.candidates.shape import CURVE_BINS, Shape, measure_shape
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments

MIN_CADENCES = 200
"""Below this (seven hours of two-minute data) there is no period to look for."""

FLARE_SIGMA = 5.0
"""Points brighter than this many sigma above the rest are left out: eclipses only dim."""

TREND_WINDOW = round(1.0 / BIN_D)
"""Bins of the running median, one day: longer than eclipses, shorter than a rotation."""

ODD_EVEN_SIGMA = 4.0
"""Difference of odd and even minima, in sigma, that doubles a period."""

ODD_EVEN_SHARE = 0.05
"""... and as a share of the depth: systematics make smaller ones."""

PIECES = 12
"""Pieces of a light curve whose minima are timed to refine the period."""

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
    """Primary minima with data."""
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
    if time.size < MIN_CADENCES:
        return UNKNOWN
    binned_time, binned_flux, _ = bin_time(time, flux)
    residual = binned_flux - np.mean(binned_flux)
    period = search_period(binned_time, residual)
    if not np.isfinite(period):
        return UNKNOWN
    period = orbital_period(binned_time, binned_flux, period)
    return _refine(time, flux, period)


def normalise(light_curve: LightCurve) -> tuple[Floats, Floats]:
    """Time and flux of good cadences, each segment divided by its median, without flares."""
    good = light_curve.good
    time, flux = light_curve.time[good], light_curve.flux[good]
    times, fluxes = [], []
    for segment in split_segments(time):
        level = float(np.median(flux[segment]))
        if level > 0:
            times.append(time[segment])
            fluxes.append(flux[segment] / level)
    if not times:
        return np.empty(0), np.empty(0)
    time, flux = np.concatenate(times), np.concatenate(fluxes)
    spread = 1.4826 * np.median(np.abs(np.diff(flux))) + 0.5 * np.ptp(np.percentile(flux, [1, 99]))
    calm = flux < np.percentile(flux, 99) + FLARE_SIGMA * spread
    return time[calm], flux[calm]


def orbital_period(time: Floats, flux: Floats, period: float) -> float:
    """Double a period that turns out to be half of one.

    A curve with one round minimum a cycle is that of two like stars in contact; narrow minima
    that are alternately deeper and shallower are two.
    """
    once, twice = measure_shape(time, flux, period), measure_shape(time, flux, 2 * period)
    if 2 * period > time[-1] - time[0]:
        return period
    if once.eb_type != "EA" and not once.depth_2 > 0.1 * once.depth_1:
        return 2 * period
    difference = abs(twice.depth_1 - twice.depth_2)
    differs = difference > max(ODD_EVEN_SIGMA * twice.noise, ODD_EVEN_SHARE * twice.depth_1)
    return 2 * period if differs and abs(twice.phase_2 - 0.5) < 0.05 else period


def _refine(time: Floats, flux: Floats, period: float) -> Ephemeris:
    """Time the minima piece by piece and fit a line through them."""
    shape, error = measure_shape(time, flux, period), float("nan")
    for _ in range(ROUNDS):
        shift, shift_err, cycle = _time_pieces(time, flux, period, shape)
        if cycle.size < 2 or np.ptp(cycle) < 1:
            return replace(_ephemeris(time, shape, np.nan, np.nan))
        change, error = _slope(cycle, shift, shift_err)
        period += change
        shape = measure_shape(time, flux, period)
    return _ephemeris(time, shape, period, error)


def _time_pieces(
    time: Floats, flux: Floats, period: float, shape: Shape
) -> tuple[Floats, Floats, Floats]:
    """How late the curve is in each piece [d], its error, and the cycle in its middle."""
    phase = fold(time, period, shape.epoch)
    bins = np.arange(CURVE_BINS + 1) / CURVE_BINS
    curve = np.append(shape.curve, shape.curve[0])
    # the curve's first bin is centred half a bin after the epoch
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
    sigma = 1.4826 * float(np.median(np.abs(np.diff(flux)))) / np.sqrt(2)
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
    known = np.isfinite(period)
    epoch = shape.epoch
    n_eclipse = 1
    if known:
        cycle = np.rint((time - epoch) / period)
        inside = np.abs(time - epoch - cycle * period) < shape.duration_1 / 4
        n_eclipse = int(np.unique(cycle[inside]).size)
        middle = np.rint((np.mean(time[[0, -1]]) - epoch) / period)
        epoch += period * middle
    return Ephemeris(
        period=period,
        period_err=error,
        epoch=epoch,
        depth_1=shape.depth_1,
        depth_2=shape.depth_2,
        duration_1=shape.duration_1,
        duration_2=shape.duration_2,
        n_eclipse=n_eclipse,
        eb_type=shape.eb_type if known else "",
        curve=shape.curve if known else UNKNOWN.curve,
    )
