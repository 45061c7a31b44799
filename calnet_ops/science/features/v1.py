"""Features v1: the published recipe of CALNet without its lottery. Frozen.

The published code masks outliers three times by 3 sigma of the residuals of a spline that goes
through every point. These residuals are rounding noise, so the mask is a lottery that depends
on the unit of the flux; it is left out (`docs/decisions/0005-features-v1.md`).

Nothing here may change: models and stored features rest on it, and a golden test guards it.
Another idea is another version.
"""

import numpy as np

from calnet_ops.errors import ConstantFlux, WrongLayout
from calnet_ops.science.features import gls
from calnet_ops.science.features.pieces import long_pieces, make_segments
from calnet_ops.science.features.resample import resample, scale_to_unit
from calnet_ops.science.features.segment import N_FLUX, Segment
from calnet_ops.science.lightcurve.light_curve import Floats, LightCurve

MIN_CADENCES = 2000
"""Two-minute cadences a segment must have, counted before the cut below (published): 2.8 d."""

CADENCE_S = 120.0
"""The cadence that `MIN_CADENCES` counts [s]; other cadences need the same length of time."""

UPPER_CUT = 99.0
"""Fluxes from this percentile of a segment on are dropped, against flares (published)."""

PERIOD = np.logspace(-3, 1, 1125)[125:]
"""Trial periods [d]: 1,000 from 0.0027851 d, two cadences, to 10 d (published)."""


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

    Notes
    -----
    About 1 ms a segment on one core, most of it the periodogram.
    """
    time, flux = light_curve.time[light_curve.good], light_curve.flux[light_curve.good]
    what = f"TIC {light_curve.tic}, sector {light_curve.sector}"
    pieces = long_pieces(what, time, min_cadences(light_curve.cadence_s), "v1")
    return make_segments(time, pieces, lambda piece: _features(what, time[piece], flux[piece]))


def min_cadences(cadence_s: float) -> int:
    """Cadences of a given length [s] that are as long as 2,000 of two minutes.

    Raises
    ------
    WrongLayout
        If the file does not tell its cadence.

    Examples
    --------
    >>> min_cadences(120), min_cadences(600), min_cadences(20)
    (2000, 400, 12000)
    """
    if not 0 < cadence_s < np.inf:
        raise WrongLayout("light curve", found=f"a cadence of {cadence_s} s", expected="> 0 s")
    return round(MIN_CADENCES * CADENCE_S / cadence_s)


def upper_cut(flux: Floats) -> float:
    """Percentile `UPPER_CUT`, to the bit as `np.percentile` gives it, in half its time."""
    place = UPPER_CUT / 100 * (len(flux) - 1)
    below = int(place)
    above = min(below + 1, len(flux) - 1)
    low, high = np.partition(flux, (below, above))[[below, above]]
    share = place - below
    step = high - low
    return float(low + step * share if share < 0.5 else high - step * (1 - share))  # noqa: PLR2004


def _features(what: str, time: Floats, flux: Floats) -> tuple[Floats, Floats]:
    """Scaled samples (4000,) and scaled power (1000,) of a segment."""
    kept = flux < upper_cut(flux)
    time, flux = time[kept], flux[kept]
    if len(flux) < gls.MIN_CADENCES or np.ptp(flux) == 0:
        raise ConstantFlux(
            what,
            found=f"{len(flux)} equal fluxes below the {UPPER_CUT:g}th percentile",
            expected="a shape",
        )
    power = gls.fast_gls_power(time, flux, 1 / PERIOD)
    return scale_to_unit(resample(time, flux, N_FLUX)), scale_to_unit(power)
