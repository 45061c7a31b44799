"""Period, epoch, depths, durations and type of a candidate, from its light curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.candidates.dips import find_dips, repeated_dip
from calnet_ops.science.candidates.fold import Floats
from calnet_ops.science.candidates.orbit import orbital_period
from calnet_ops.science.candidates.period import (
    BIN_D,
    Periodicity,
    bin_time,
    running_median,
    search_period,
)
from calnet_ops.science.candidates.shape import CURVE_BINS, Shape, measure_shape
from calnet_ops.science.candidates.timing import fit_line, time_pieces
from calnet_ops.science.candidates.trend import detrend
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments

MIN_CADENCES = 200
"""Below this (seven hours of two-minute data) there is no period to look for."""

FLARE_SIGMA = 5.0
"""Points brighter than this many sigma above the rest are left out: eclipses only dim."""

WINDOWS_D = 0.4, 1.0, 2.0
"""[d] Running medians that are taken off before narrow eclipses are looked for; the one that
makes them clearest is kept."""

CLEAR_DIP = 10.0
"""Significance from which repeating dips, and not the waves between them, give the period."""

HINTS_FROM = 8
"""Clearest dips whose distances are tried as periods."""

MIN_ECLIPSES = 2
"""Primary minima without which there is no period."""

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
    epoch_err: float
    depth_1: float
    depth_1_err: float
    depth_2: float
    depth_2_err: float
    """Relative to the flux outside eclipse."""
    duration_1: float
    duration_1_err: float
    duration_2: float
    duration_2_err: float
    """Full widths of the minima [d]."""
    n_eclipse: int
    """Primary minima with data; 0 without a period."""
    eb_type: str
    """EA, EB, EW, or empty without a period."""
    curve: Floats
    """(200,) Folded flux, median 1, primary minimum at phase 0; NaN without a period."""


_NAN = float("nan")
UNKNOWN = Ephemeris(
    period=_NAN, period_err=_NAN, epoch=_NAN, epoch_err=_NAN, depth_1=_NAN, depth_1_err=_NAN,
    depth_2=_NAN, depth_2_err=_NAN, duration_1=_NAN, duration_1_err=_NAN, duration_2=_NAN,
    duration_2_err=_NAN, n_eclipse=0, eb_type="", curve=np.full(CURVE_BINS, np.nan),
)  # fmt: skip
"""Nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Found:
    """A period, and the light curve in which it was found."""

    period: float
    flux: Floats
    """(n_cadence,) As it was, or over a running median."""
    sigma: float
    """How clear it is."""


def characterise(light_curve: LightCurve) -> Ephemeris:
    time, flux = normalise(light_curve)
    if not time.size:
        return UNKNOWN
    found = search(time, flux)
    if not np.isfinite(found.period):
        return UNKNOWN
    binned = bin_time(time, found.flux)
    period = orbital_period(*binned, found.period)
    return _refine(time, flux, found.flux, period)


def search(time: Floats, flux: Floats) -> Found:
    """Period of eclipses that a trend does not hide; else of the light curve as it is."""
    binned_time, binned_flux = bin_time(time, flux)
    best, clearest = Found(np.nan, flux, 0.0), CLEAR_DIP
    for window in WINDOWS_D:
        trend = running_median(binned_flux, round(window / BIN_D))
        flat = binned_flux / trend
        hints = _distances([dip.time for dip in find_dips(binned_time, flat)[:HINTS_FROM]])
        seen = search_period(binned_time, flat, hints)
        if not seen.stands_out:
            continue
        sigma = repeated_dip(binned_time, flat, seen.period)
        if sigma > clearest:
            clearest = sigma
            best = Found(seen.period, flux / np.interp(time, binned_time, trend), sigma)
    if np.isfinite(best.period):
        return best
    as_is = search_period(binned_time, binned_flux)
    return Found(as_is.period if as_is.stands_out else np.nan, flux, -as_is.criterion)


def _distances(times: Sequence[float]) -> list[float]:
    return [abs(a - b) for i, a in enumerate(times) for b in times[:i]]


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


def _refine(time: Floats, flux: Floats, start: Floats, period: float) -> Ephemeris:
    """Take off what does not repeat, time the minima piece by piece, fit a line through them."""
    error = float("nan")
    level = detrend(time, flux, period, start)
    shape = measure_shape(time, level, period)
    for _ in range(ROUNDS):
        timing = time_pieces(time, level, period, shape)
        if timing.cycle.size < MIN_ECLIPSES or np.ptp(timing.cycle) < 0.5:
            return UNKNOWN
        change, error = fit_line(timing)
        period += change
        shape = measure_shape(time, level, period)
    level = detrend(time, flux, period, start)
    return _ephemeris(time, measure_shape(time, level, period), period, error)


def _ephemeris(time: Floats, shape: Shape, period: float, error: float) -> Ephemeris:
    """Sum up what is known, if two primary minima were seen: one has no period."""
    cycle = np.rint((time - shape.epoch) / period)
    inside = np.abs(time - shape.epoch - cycle * period) < shape.first.width * period / 4
    n_eclipse = int(np.unique(cycle[inside]).size)
    if n_eclipse < MIN_ECLIPSES:
        return UNKNOWN
    middle = float(np.rint((time[[0, -1]].mean() - shape.epoch) / period))
    first, second = shape.first, shape.second
    ratio = second.depth / first.depth if np.isfinite(second.depth) else 0.0
    return Ephemeris(
        period=period, period_err=error, epoch=shape.epoch + period * middle,
        epoch_err=first.phase_err * period,
        depth_1=first.depth, depth_1_err=first.depth_err, depth_2=second.depth,
        depth_2_err=second.depth_err, duration_1=first.width * period,
        duration_1_err=first.width_err * period, duration_2=second.width * period,
        duration_2_err=second.width_err * period, n_eclipse=n_eclipse,
        eb_type="EA" if shape.is_narrow else "EW" if ratio > 0.8 else "EB",
        curve=shape.curve,
    )
