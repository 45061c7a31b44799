"""Period, epoch, depths, durations and type of a candidate, from its light curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calnet_ops.science.candidates.dips import find_dips, repeated_dip
from calnet_ops.science.candidates.errors import period_error, with_errors
from calnet_ops.science.candidates.fold import Floats
from calnet_ops.science.candidates.morphology import (
    TYPES,
    morphology,
    type_features,
    type_probabilities,
)
from calnet_ops.science.candidates.orbit import orbital_period, residual_variance, settle
from calnet_ops.science.candidates.period import (
    BIN_D,
    bin_time,
    running_median,
    search_period,
)
from calnet_ops.science.candidates.sectors import Stretch, concatenate, join_sectors, link, pieces
from calnet_ops.science.candidates.shape import CURVE_BINS, Shape, measure_shape
from calnet_ops.science.candidates.single import SCALE_D, find_single
from calnet_ops.science.candidates.timing import PIECES, fit_line, time_pieces
from calnet_ops.science.candidates.trend import detrend
from calnet_ops.science.lightcurve.light_curve import LightCurve

WINDOWS_D = 2.0, 1.0, 0.4
"""[d] Running medians that are taken off before narrow eclipses are looked for; the one that
makes them clearest is kept."""

WIDEST_SHARE = 0.3
"""Of a window that half an eclipse may last: a median of less than half of it stays clear."""

CLEARER = 1.5
"""Gain that a shorter window must bring: it eats into long eclipses."""

CLEAR_DIP = 10.0
"""Significance from which repeating dips, and not the waves between them, give the period."""

HINTS_FROM = 8
"""Clearest dips whose distances are tried as periods."""

MIN_ECLIPSES = 2
"""Primary minima without which there is no period."""

SAME_PERIOD = 0.02
"""Relative difference up to which two stretches are said to have the same period."""

TEST_BINS = 200
FINEST_D = 2.0 / 1440.0
"""A period is put to the test in bins of a 200th of it, of 2 to 10 min: narrow eclipses of short
periods must not be smeared."""

MIN_CYCLES = 0.5
"""Cycles over which minima must be spread for a period to be timed."""

ROUNDS = 2
"""Rounds of refinement of a period that is settled; the second moves it by less than its error."""


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
    """Primary minima with data; without a period, those like the deepest; 0 if there are none."""
    n_light_curve: int
    """Light curves that were measured together."""
    eb_type: str
    """EA, EB or EW, the likeliest; empty without a period."""
    type_probability: tuple[float, float, float]
    """Of EA, EB, EW."""
    morphology: float
    """From 0, narrow eclipses, to 1, a sine: see `morphology`."""
    roundness: float
    """From 0, narrow eclipses, to 0.25, a sine: see `shape.roundness`."""
    curve: Floats
    """(200,) Folded flux, median 1, primary minimum at phase 0; NaN without a period."""


_NAN = float("nan")
UNKNOWN = Ephemeris(
    period=_NAN, period_err=_NAN, epoch=_NAN, epoch_err=_NAN, depth_1=_NAN, depth_1_err=_NAN,
    depth_2=_NAN, depth_2_err=_NAN, duration_1=_NAN, duration_1_err=_NAN, duration_2=_NAN,
    duration_2_err=_NAN, n_eclipse=0, n_light_curve=0, eb_type="",
    type_probability=(_NAN, _NAN, _NAN), morphology=_NAN,
    roundness=_NAN, curve=np.full(CURVE_BINS, np.nan),
)  # fmt: skip
"""Nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Found:
    """A period, and how the light curve has to be looked at to see it."""

    period: float
    """[d]; NaN if there is none."""
    window: float
    """[d] Running median taken off; 0 for the light curve as it is."""
    sigma: float
    """How clear it is; dips are always clearer than waves."""


def characterise(light_curves: Sequence[LightCurve]) -> Ephemeris:
    """Measure the eclipses of a candidate.

    Parameters
    ----------
    light_curves
        Of one star, of one sector or several, in any order and of any cadence.

    Notes
    -----
    About 0.1 s for a sector of two-minute data, and as much for each further one. The period is
    found in the stretch of consecutive sectors that shows it most clearly, then followed through
    the others as far as the cycles can be counted.
    """
    stretches = join_sectors(light_curves)
    found = [search(one.time, one.flux) for one in stretches]
    seen = [i for i, one in enumerate(found) if np.isfinite(one.period)]
    if seen:
        # dips before waves, then what shows most of them
        best = max(seen, key=lambda i: (found[i].window > 0, found[i].sigma * stretches[i].span))
        measured = _measure(stretches, best, found)
        if measured is not None:
            return measured
    return _single(stretches) if stretches else UNKNOWN


def search(time: Floats, flux: Floats) -> Found:
    """Period of eclipses that a trend does not hide; else of the light curve as it is.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Of one stretch.
    """
    binned_time, binned_flux = bin_time(time, flux)
    best = Found(np.nan, 0.0, -1.0)
    needed = CLEAR_DIP
    for window in WINDOWS_D:
        flat = binned_flux / running_median(binned_flux, round(window / BIN_D))
        hints = _distances([dip.time for dip in find_dips(binned_time, flat)[:HINTS_FROM]])
        seen = search_period(binned_time, flat, hints)
        if not seen.stands_out:
            continue
        sigma, width = repeated_dip(binned_time, flat, seen.period)
        if sigma > needed and width < WIDEST_SHARE * window:
            needed = CLEARER * sigma
            best = Found(seen.period, window, sigma)
    if np.isfinite(best.period):
        return best
    as_is = search_period(binned_time, binned_flux)
    return Found(as_is.period, 0.0, as_is.share) if as_is.stands_out else best


def _distances(times: Sequence[float]) -> list[float]:
    return [abs(a - b) for i, a in enumerate(times) for b in times[:i]]


def _measure(stretches: list[Stretch], best: int, found: list[Found]) -> Ephemeris | None:
    """Orbital period, then shape, from all stretches that are in step; None without a period."""
    window = found[best].window
    starts = [_start(one, window) for one in stretches]
    flat = [replace(one, flux=start) for one, start in zip(stretches, starts, strict=True)]
    period = _agreed_period(flat, best, [one.period for one in found])
    home = stretches[best]
    level = replace(home, flux=detrend(home.time, home.flux, period, starts[best]))
    fitted = _refine([level], period, window)
    if fitted is None:
        return None
    shape, period, error = fitted
    levels = [
        replace(one, flux=detrend(one.time, one.flux, period, start))
        for one, start in zip(stretches, starts, strict=True)
    ]
    if len(levels) > 1:
        linked = link(levels, best, shape.epoch, period, error)
        levels = [levels[i] for i in linked.kept]
        fitted = _refine(levels, linked.period, window) or fitted
    return _ephemeris(levels, *fitted)


def _agreed_period(flat: list[Stretch], best: int, periods: list[float]) -> float:
    """Orbital period in the best stretch, unless that of another suits all of them better.

    A sector with two eclipses may hide that there was one between them.
    """
    home = _orbital(flat[best], periods[best])
    others = [
        _orbital(one, period)
        for one, period in zip(flat, periods, strict=True)
        if one is not flat[best] and np.isfinite(period)
    ]
    different = [other for other in others if abs(other / home - 1) > SAME_PERIOD]
    if not different:
        return home
    binned = [bin_time(one.time, one.flux) for one in flat]

    bin_d = min([home, *different]) / 100

    def misfit(period: float) -> float:
        left = [residual_variance(*one, settle(*one, period), bin_d) for one in binned]
        return float(sum(one[0].size * np.log(v) for one, v in zip(binned, left, strict=True)))

    chosen = min([home, *different], key=misfit)
    return home if chosen == home else _orbital(flat[best], chosen)


def _orbital(flat: Stretch, period: float) -> float:
    width = float(np.clip(period / TEST_BINS, FINEST_D, BIN_D))
    return orbital_period(*bin_time(flat.time, flat.flux, width), period)


def _start(stretch: Stretch, window: float) -> Floats:
    """Flux over its running median, unless there is nothing to be taken off."""
    if window == 0:
        return stretch.flux
    binned_time, binned_flux = bin_time(stretch.time, stretch.flux)
    trend = running_median(binned_flux, round(window / BIN_D))
    return stretch.flux / np.interp(stretch.time, binned_time, trend)


def _refine(
    levels: list[Stretch], period: float, wave_d: float
) -> tuple[Shape, float, float] | None:
    """Time the minima piece by piece and fit a line through them: shape, period, its error."""
    whole, piece = concatenate(levels), pieces(levels, PIECES)
    error = float("nan")
    shape = measure_shape(whole.time, whole.flux, period, wave_d)
    for _ in range(ROUNDS):
        timing = time_pieces(whole.time, whole.flux, period, shape, piece)
        if timing.cycle.size < MIN_ECLIPSES or np.ptp(timing.cycle) < MIN_CYCLES:
            return None
        change, error = fit_line(timing)
        period += change
        shape = measure_shape(whole.time, whole.flux, period, wave_d)
    return shape, period, error


def _ephemeris(
    levels: list[Stretch], shape: Shape, period: float, error: float
) -> Ephemeris | None:
    """Sum up what is known, if two primary minima were seen: one has no period."""
    level, n_stretch = concatenate(levels), len(levels)
    cycle = np.rint((level.time - shape.epoch) / period)
    inside = np.abs(level.time - shape.epoch - cycle * period) < shape.first.width * period / 4
    n_eclipse = int(np.unique(cycle[inside]).size)
    if n_eclipse < MIN_ECLIPSES:
        return None
    middle = float(np.rint((level.time.mean() - shape.epoch) / period))
    first, second = (with_errors(one, shape) for one in (shape.first, shape.second))
    n_cycle = level.span / period
    value = morphology(shape)
    ratio = second.depth / first.depth if np.isfinite(second.depth) else 0.0
    chances = type_probabilities(type_features(value, shape.roundness, ratio))
    return Ephemeris(
        period=period,
        period_err=period_error(error, shape, first.phase_err * period, period, n_cycle, n_stretch),
        epoch=shape.epoch + period * middle,
        epoch_err=first.phase_err * period,
        depth_1=first.depth,
        depth_1_err=first.depth_err,
        depth_2=second.depth,
        depth_2_err=second.depth_err,
        duration_1=first.width * period,
        duration_1_err=first.width_err * period,
        duration_2=second.width * period,
        duration_2_err=second.width_err * period,
        n_eclipse=n_eclipse,
        n_light_curve=level.n_light_curve,
        eb_type=TYPES[int(np.argmax(chances))],
        type_probability=(float(chances[0]), float(chances[1]), float(chances[2])),
        morphology=value,
        roundness=shape.roundness,
        curve=shape.curve,
    )


def _single(stretches: list[Stretch]) -> Ephemeris:
    """Epoch, depth and duration of the clearest eclipse that has no period."""
    seen = find_single(stretches)
    if seen is None:
        return UNKNOWN
    one = seen.minimum
    return replace(
        UNKNOWN,
        epoch=seen.epoch,
        epoch_err=one.phase_err * SCALE_D,
        depth_1=one.depth,
        depth_1_err=one.depth_err,
        duration_1=one.width * SCALE_D,
        duration_1_err=one.width_err * SCALE_D,
        n_eclipse=seen.n_eclipse,
        n_light_curve=sum(part.n_light_curve for part in stretches),
    )
