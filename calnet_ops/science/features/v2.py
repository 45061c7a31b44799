"""Features v2: what an eclipse looks like, whatever flares, noise and cadence do. Frozen.

As v1, with five things done otherwise (`docs/features_v2.md` says what each is worth):

- upward spikes of a cadence or two are cut, and flares end at a ceiling: neither stretches the
  scale nor rings through the periodogram; nothing is ever cut at the faint end;
- each sample is the weighted mean of the cadences in its 4,000th of the segment, so that no
  cadence is passed over and the noise of long segments goes down;
- errors are weights, in the means and in the periodogram, which is shown as amplitudes (roots);
- neither scale goes below a multiple of the noise: nothing happening looks like nothing.

Nothing here may change: models and stored features rest on it, and a golden test guards it.
Another idea is another version.
"""

import numpy as np
from scipy.ndimage import median_filter

from calnet_ops.errors import ConstantFlux
from calnet_ops.science.features import gls, v1
from calnet_ops.science.features.pieces import long_pieces, make_segments
from calnet_ops.science.features.segment import N_FLUX, Segment
from calnet_ops.science.lightcurve.light_curve import Floats, LightCurve, Mask

SPIKE_WIDTH = 5
"""Cadences of the running median that spikes are measured from: it passes over spikes of two
cadences and follows an eclipse of ten minutes. Counted in cadences because a cosmic ray or a
glitch spoils an exposure, however long that is."""

SPIKE_SIGMA = 5.0
"""Robust sigmas above the running median from which a cadence is a spike. Of 20,000 cadences of
noise 0.006 are expected beyond."""

CEILING_PERCENTILE = 95.0
"""A flare shorter than the rest, 5% of the segment (15 h of 13 d), has no say in the scale."""

CEILING_REACH = 2.0
"""The ceiling is so many times as far above the median as that percentile: 3.3 sigma of noise,
and above the maxima of pulsating and contact stars."""

NOISE_RANGE = 10.0
"""Least range of the scale, in sigmas of the noise of a sample. Noise alone spans 7 of them. With
20, shallow eclipses of faint stars were as small as transits of bright ones, and more of the
binaries were taken for planets (`docs/features_v2.md`)."""

NOISE_PEAKS = 2.0
"""Least top of the scale of the periodogram, in highest peaks that noise alone has."""

LEAST_ERROR = 0.5
"""Errors below this share of the segment's median error are taken for it: no cadence may weigh
more than four others on the word of a file."""

SIGMA_PER_MAD = 1.4826
"""Standard deviation of a normal distribution whose median absolute deviation is 1."""


def extract(light_curve: LightCurve) -> list[Segment]:
    """Features of each usable segment, in the order of time.

    Raises
    ------
    NoGoodCadences
        If no cadence has QUALITY 0, a time and a flux.
    TooFewCadences
        If no segment is long enough.
    ConstantFlux
        If long segments are there, but none has any shape.
    TimesNotIncreasing
        If times of good cadences stand still or run backwards.
    """
    good = light_curve.good
    time, flux, flux_err = (
        column[good] for column in (light_curve.time, light_curve.flux, light_curve.flux_err)
    )
    what = f"TIC {light_curve.tic}, sector {light_curve.sector}"
    pieces = long_pieces(what, time, v1.min_cadences(light_curve.cadence_s), "v2")
    return make_segments(
        time, pieces, lambda piece: _features(what, time[piece], flux[piece], flux_err[piece])
    )


def is_spike(flux: Floats) -> Mask:
    """(n_cadence,) Which cadences stand far above their neighbours."""
    above = flux - running_median(flux)
    limit = SPIKE_SIGMA * SIGMA_PER_MAD * np.median(np.abs(above))
    spike: Mask = above > limit
    return spike


def running_median(flux: Floats) -> Floats:
    """(n_cadence,) Median of `SPIKE_WIDTH` cadences around each; the ends are repeated."""
    middle: Floats = median_filter(flux, SPIKE_WIDTH, mode="nearest")
    return middle


def ceiling(values: Floats) -> float:
    """Level that the undisturbed star hardly ever passes, whatever its flares do."""
    middle, high = np.percentile(values, [50, CEILING_PERCENTILE])
    return float(middle + CEILING_REACH * (high - middle))


def noise(flux: Floats) -> float:
    """One-sigma noise of a cadence, from second differences: slow signals drop out."""
    bend = flux[:-2] - 2 * flux[1:-1] + flux[2:]
    return float(SIGMA_PER_MAD * np.median(np.abs(bend)) / np.sqrt(6))


def weights(flux_err: Floats) -> Floats:
    """(n_cadence,) Inverse squares of the errors, 1 on the median error; unknown ones count so."""
    known = np.isfinite(flux_err) & (flux_err > 0)
    if not known.any():
        return np.ones_like(flux_err)
    typical = np.median(flux_err[known])
    relative = np.where(known, flux_err, typical) / typical
    weight: Floats = np.maximum(relative, LEAST_ERROR) ** -2
    return weight


def bin_means(time: Floats, flux: Floats, weight: Floats, n_sample: int) -> Floats:
    """Weighted means of the flux in equal intervals of time.

    Parameters
    ----------
    time, flux, weight : (n_cadence,)
        Time [d] increasing; weights > 0.
    n_sample
        How many intervals, from the first cadence to the last.

    Returns
    -------
    samples : (n_sample,)
        In the unit of `flux`. Where there is no cadence, on the straight line between the
        neighbouring ones.
    """
    place = (time - time[0]) * (n_sample / (time[-1] - time[0]))
    bin_no = np.minimum(place.astype(np.intp), n_sample - 1)
    total = np.bincount(bin_no, weight, n_sample)
    filled = np.flatnonzero(total)
    means = np.bincount(bin_no, weight * flux, n_sample)[filled] / total[filled]
    return np.interp(np.arange(n_sample), filled, means)


def _features(what: str, time: Floats, flux: Floats, flux_err: Floats) -> tuple[Floats, Floats]:
    """Samples (4000,) and amplitudes (1000,) of a segment, in 0..1."""
    kept = ~is_spike(flux)
    time, flux, weight = time[kept], flux[kept], weights(flux_err[kept])
    if len(flux) < gls.MIN_CADENCES or np.ptp(flux) == 0:
        raise _constant(what, f"{len(flux)} equal fluxes below the spikes")
    flux = np.minimum(flux, ceiling(flux))
    if np.ptp(flux) == 0:
        raise _constant(what, f"{len(flux)} equal fluxes below the flares")
    samples = bin_means(time, flux, weight, N_FLUX)
    power = gls.fast_gls_power(time, flux, 1 / v1.PERIOD, weight**-0.5)
    per_sample = noise(flux) / np.sqrt(max(1.0, len(flux) / N_FLUX))
    return to_scale(samples, per_sample), to_amplitude(power, len(flux))


def to_scale(samples: Floats, sample_noise: float) -> Floats:
    """Samples in 0..1: 1 at the brightest below the ceiling, 0 at the faintest or further."""
    top = min(samples.max(), ceiling(samples))
    bottom = min(samples.min(), top - NOISE_RANGE * sample_noise)
    scaled: Floats = np.clip((samples - bottom) / (top - bottom), 0, 1)
    return scaled


def to_amplitude(power: Floats, n_cadence: int) -> Floats:
    """Roots of the power, over their greatest or the least top of the scale.

    White noise alone explains 2 ln(n_frequency) / n_cadence of the variance at its best
    frequency, as its power there is exponential with mean 2 / n_cadence.
    """
    amplitude = np.sqrt(np.maximum(power, 0))
    noise_peak = np.sqrt(2 * np.log(len(power)) / n_cadence)
    scaled: Floats = amplitude / max(amplitude.max(), NOISE_PEAKS * noise_peak)
    return scaled


def _constant(what: str, found: str) -> ConstantFlux:
    return ConstantFlux(what, found=found, expected="a shape")
