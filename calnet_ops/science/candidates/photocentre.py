"""How the photocentre of an aperture moves while something in it is eclipsed.

Light of sources k at places x_k with shares s_k of the aperture is centred on C = sum s_k x_k. A
source that loses the share l of all the light moves it to (C - l x) / (1 - l), so

    C(t) - C = -u(t) (x - C)  with  u = l / (1 - l)                                          (1)

and the slope of the centroid on u says where the eclipsed source is, relative to the photocentre
outside eclipse, whatever the shape of the eclipse.

References
----------
.. [1] Bryson et al. 2013, PASP 125, 889 (flux-weighted centroids: at a depth d, u = d / (1 - d),
   and (1) is their offset of the source, (1/d - 1) times the shift).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.lightcurve.centroids import Centroids
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments

MIN_CADENCES = 200
"""As for a period: seven hours of two-minute data."""

BINS_IN_ECLIPSE = 24
"""Bins of the folded curve across a primary eclipse: enough for its shape (12 make offsets of bell
shaped eclipses 3% too large), few for its noise."""

CORE_BINS = 7
"""Bins in mid-eclipse through which a parabola tells the depth."""

BINS = 60, 1500
"""Fewest and most bins of the folded curve."""

REACH = 1.5
"""Durations to each side of an eclipse that are looked at: as much light outside it as in it on
either side, and short enough for a straight line to follow spots and the spacecraft."""

QUARTER = 0.25
"""... but never more than a quarter of the period to each side, so that two minima of a contact
binary stay apart."""

EDGE = 0.6
"""Durations from the middle within which light is lost; durations are measured at a tenth of the
depth, so that contacts may lie a little farther out."""

MIN_WINDOW = 12
"""Cadences of one eclipse with its surroundings, below which it says nothing."""

COVERED = 0.2
"""Information of one eclipse, relative to the best covered, below which it is left out: half an
eclipse at the edge of a gap has no baseline."""

STEADY_SIGMA = 5.0
"""Steps of the centroid beyond this many sigma are no pointing jitter."""

FEW = 3
"""With fewer eclipses, their scatter is no measure of the error."""

FEW_FACTOR = 1.3
"""Then the error from the scatter of cadences is enlarged: half-hour means of centroids scatter 1.1
(median) to 1.5 (worst tenth) times more than white noise lets expect in 49 real files."""

SHAPE_ERR = 0.02
"""Error of an offset, as a share of it, from the shape of the eclipse: the bins of the folded curve
make offsets 1% too large."""

PAIR = 2
"""Axes of the CCD."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a star is eclipsed [d]; NaN for what is unknown."""

    period: float
    epoch: float
    """Middle of a primary minimum [BTJD]."""
    duration_1: float
    duration_2: float


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the photocentre is in mid-eclipse, relative to where it is outside."""

    moved: Floats
    """(2,) Column and row [pixel]; NaN if it could not be measured."""
    error: Floats
    """(2,) One sigma [pixel]."""
    lost: float
    """Lost share of the aperture's light over the share that is left, in mid-eclipse: u in (1)."""
    n_eclipse: int
    """Eclipses that it comes from."""

    @property
    def significance(self) -> float:
        """Length of the shift in units of its error; NaN if there is none."""
        return float(np.hypot(*(self.moved / self.error)))


NO_SHIFT = Shift(np.full(2, np.nan), np.full(2, np.nan), np.nan, 0)
"""Nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Photocentre:
    """What the centroids of one light curve say."""

    primary: Shift
    secondary: Shift
    source: Floats
    """(2,) Eclipsed source, from the photocentre outside eclipse: column, row [pixel]; both
    eclipses together, by (1)."""
    source_err: Floats
    """(2,) One sigma, from scatter and the shape of the eclipse [pixel]."""
    target: Floats
    """(2,) Target by the header's world coordinates, from the same photocentre [pixel]."""
    to_sky: Floats
    """(2, 2) East and north [arcsec] by column and row [pixel]."""


UNKNOWN = Photocentre(
    NO_SHIFT, NO_SHIFT, np.full(2, np.nan), np.full(2, np.nan), np.full(2, np.nan),
    np.full((2, 2), np.nan),
)  # fmt: skip
"""Nothing could be measured."""


def measure_photocentre(
    light_curve: LightCurve, centroids: Centroids, timing: Timing
) -> Photocentre:
    """Photocentre in and out of eclipse, free of pointing and of slow drifts.

    Parameters
    ----------
    light_curve, centroids
        Of the same file.
    timing
        Period, epoch and durations, as the candidate was measured.

    Notes
    -----
    About 15 ms for a sector of two-minute data. The pointing is taken out by what the centroid
    makes of it (0.2 to 1.0 of POS_CORR in real files, less in small and crowded apertures), slow
    drifts by a straight line around each eclipse; errors come from the scatter of the eclipses.
    """
    seen = _usable(light_curve, centroids)
    known = np.isfinite([timing.period, timing.epoch, timing.duration_1]).all()
    if seen.sum() < MIN_CADENCES or not known or timing.period <= 0:
        return UNKNOWN
    time = light_curve.time[seen]
    centroid, motion = centroids.centroid[:, seen], centroids.motion[:, seen]
    place = centroid - _pointing_gain(centroid, motion) @ motion
    share = light_curve.crowdsap if np.isfinite(light_curve.crowdsap) else 1.0
    curve = _folded(time, light_curve.flux[seen], timing)
    primary, second = (
        _measure(time, place, _lost(curve, middle, width, share), timing.period, timing.epoch)
        for middle, width in (
            (0.0, timing.duration_1 / timing.period),
            (_second_middle(curve, timing), timing.duration_2 / timing.period),
        )
    )
    source, source_err = _source([primary, second])
    return Photocentre(
        primary=primary[0],
        secondary=second[0],
        source=source,
        source_err=source_err,
        target=centroids.target - np.median(centroid - motion, axis=1),
        to_sky=centroids.to_sky,
    )


def steady_place(light_curve: LightCurve, centroids: Centroids) -> tuple[NDArray[np.bool_], Floats]:
    """Which cadences have a photocentre, and it (2, n_usable): pointing taken out.

    Relative to its median in each segment [pixel].
    """
    seen = _usable(light_curve, centroids)
    centroid, motion = centroids.centroid[:, seen], centroids.motion[:, seen]
    place = centroid - _pointing_gain(centroid, motion) @ motion
    for segment in split_segments(light_curve.time[seen]):
        place[:, segment] -= np.median(place[:, segment], axis=1, keepdims=True)
    return seen, place


def _usable(light_curve: LightCurve, centroids: Centroids) -> NDArray[np.bool_]:
    known = np.isfinite(centroids.centroid).all(axis=0) & np.isfinite(centroids.motion).all(axis=0)
    return light_curve.good & known


@dataclass(frozen=True, slots=True)
class _Lost:
    """Lost light around one minimum."""

    middle: float
    """Phase."""
    reach: float
    """Half-width of what is looked at, in phase."""
    offset: Floats
    """(n_bin,) Phase from the middle."""
    ratio: Floats
    """(n_bin,) Lost over remaining share of the aperture's light: u in (1)."""

    @property
    def depth(self) -> float:
        """Ratio in mid-eclipse, from a parabola through the bins around the deepest."""
        smooth = np.convolve(self.ratio, np.full(3, 1 / 3), "same")
        around = slice(max(int(smooth.argmax()) - CORE_BINS // 2, 0), None)
        ratio = self.ratio[around][:CORE_BINS]
        bend = np.polynomial.Polynomial.fit(np.arange(ratio.size), ratio, 2)
        return float(max(bend(np.arange(ratio.size)).max(), smooth.max()))


def _pointing_gain(centroid: Floats, motion: Floats) -> Floats:
    """(2, 2) What the centroid makes of the motion, from the steps between cadences."""
    steps, moves = np.diff(centroid, axis=1), np.diff(motion, axis=1)
    gain = np.eye(PAIR)
    for axis in range(PAIR):
        sigma = 1.4826 * np.median(np.abs(steps[axis]))
        calm = np.abs(steps[axis]) <= STEADY_SIGMA * sigma
        calm &= (np.abs(moves) <= STEADY_SIGMA * 1.4826 * np.median(np.abs(moves))).all(axis=0)
        if calm.sum() > MIN_WINDOW and np.ptp(moves[:, calm], axis=1).min() > 0:
            gain[axis] = np.linalg.lstsq(moves[:, calm].T, steps[axis, calm], rcond=None)[0]
    return gain


def _folded(time: Floats, flux: Floats, timing: Timing) -> Floats:
    """Flux in bins of phase, each segment over its median; primary minimum between last and first.

    Bins of one phase are numbered from phase 0 on.
    """
    level = np.ones_like(flux)
    for segment in split_segments(time):
        level[segment] = max(float(np.median(flux[segment])), 1e-9)
    width = max(timing.duration_1 / timing.period, 1e-3)
    n_bin = int(np.clip(BINS_IN_ECLIPSE / width, *BINS))
    phase = fold(time, timing.period, timing.epoch)
    return fill_bins(bin_phase(phase, flux / level, n_bin)[0])


def _second_middle(curve: Floats, timing: Timing) -> float:
    """Phase of the lowest place that is clear of the primary; NaN if there is no second minimum."""
    if not np.isfinite(timing.duration_2):
        return float("nan")
    phase = (np.arange(curve.size) + 0.5) / curve.size
    away = np.minimum(phase, 1 - phase)
    clear = min((timing.duration_1 + timing.duration_2) / 2 / timing.period, QUARTER)
    inside = np.flatnonzero(away > clear)
    width = max(round(timing.duration_2 / timing.period * curve.size / 3), 1)
    smooth = np.convolve(
        np.r_[curve[-width:], curve, curve[:width]], np.ones(width) / width, "same"
    )
    return float(phase[inside[smooth[width:-width][inside].argmin()]]) if inside.size else np.nan


def _lost(curve: Floats, middle: float, width: float, share: float) -> _Lost | None:
    """Light lost around a minimum; None where there is none.

    Parameters
    ----------
    curve : (n_bin,)
        Folded flux of the target, other light taken off (PDCSAP).
    middle, width
        Of the minimum, in phase.
    share
        CROWDSAP: PDCSAP has 1 - share of the aperture's light taken off, so that an eclipse of
        depth d there costs share * d of all the light in the aperture.
    """
    if not (np.isfinite(middle) and np.isfinite(width) and width > 0):
        return None
    reach = min(REACH * width, QUARTER)
    phase = (np.arange(curve.size) + 0.5) / curve.size
    offset = (phase - middle + 0.5) % 1.0 - 0.5
    near = np.flatnonzero(np.abs(offset) < reach)
    near = near[np.argsort(offset[near])]
    offset, flux = offset[near], curve[near]
    outside = np.abs(offset) > EDGE * width
    level = float(np.median(flux[outside]) if outside.sum() >= near.size / 3
                  else np.percentile(flux, 95))  # fmt: skip
    lost = share * np.where(outside, 0.0, np.clip(1 - flux / level, 0.0, 0.99))
    if near.size < MIN_WINDOW // 2 or not lost.max() > 0:
        return None
    return _Lost(middle, reach, offset, lost / (1 - lost))


def _measure(
    time: Floats, place: Floats, lost: _Lost | None, period: float, epoch: float
) -> tuple[Shift, Floats]:
    """Shift in mid-eclipse, and the information (2,) on the place of the source [1/pixel^2]."""
    fits = np.array(list(_fit_windows(time, place, lost, period, epoch))) if lost else np.empty(0)
    if not fits.size or lost is None:
        return NO_SHIFT, np.zeros(2)
    fits = fits[fits[:, 0] > COVERED * fits[:, 0].max()]
    weight, slope, variance = fits[:, 0], fits[:, 1:3], fits[:, 3:5]
    mean = weight @ slope / weight.sum()
    error = np.sqrt(np.median(variance, axis=0) / weight.sum())
    n_eclipse = weight.size
    if n_eclipse >= FEW:
        spread = (weight**2 @ (slope - mean) ** 2) / weight.sum() ** 2
        error = np.maximum(error, np.sqrt(spread * n_eclipse / (n_eclipse - 1)))
    else:
        error = FEW_FACTOR * error
    error = np.maximum(error, 1e-9)
    return Shift(mean * lost.depth, error * lost.depth, lost.depth, n_eclipse), error**-2.0


def _fit_windows(
    time: Floats, place: Floats, lost: _Lost, period: float, epoch: float
) -> Iterator[tuple[float, ...]]:
    """Information, slope on the lost light by axis, and variance by axis: one row an eclipse.

    By Frisch and Waugh: what is left of the lost light once a straight line is taken off.
    """
    turns = (time - epoch) / period - lost.middle
    cycle = np.rint(turns)
    inside = np.flatnonzero(np.abs(turns - cycle) < lost.reach)
    edges = np.flatnonzero(np.diff(cycle[inside])) + 1
    for window in np.split(inside, edges):
        if window.size < MIN_WINDOW:
            continue
        offset = turns[window] - cycle[window[0]]
        ratio = np.interp(offset, lost.offset, lost.ratio)
        line = np.stack([np.ones(window.size), offset - offset.mean()])
        line /= np.linalg.norm(line, axis=1, keepdims=True)
        ratio = ratio - (line @ ratio) @ line
        moved = place[:, window] - place[:, window].mean(axis=1, keepdims=True)
        moved = moved - (moved @ line.T) @ line
        weight = float(ratio @ ratio)
        if weight > 0:
            slope = moved @ ratio / weight
            left = moved - slope[:, None] * ratio
            variance = (left**2).sum(axis=1) / (window.size - 3)
            yield weight, *slope, *variance


def _source(measured: list[tuple[Shift, NDArray[np.float64]]]) -> tuple[Floats, Floats]:
    """Place of the eclipsed source from both minima, by (1), and its error."""
    weight = np.stack([information for _, information in measured])
    if not (weight.sum(axis=0) > 0).all():
        return UNKNOWN.source, UNKNOWN.source_err
    place = np.stack([np.where(w > 0, -s.moved / s.lost, 0.0) for s, w in measured])
    source = (weight * place).sum(axis=0) / weight.sum(axis=0)
    return source, np.hypot(weight.sum(axis=0) ** -0.5, SHAPE_ERR * np.hypot(*source))
