"""Slow changes of star and spacecraft, parted from what repeats with the orbit."""

import numpy as np

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.period import BIN_D, bin_time, running_median

WINDOW_D = 0.5
"""[d] Running median of what is left when the folded curve is divided out: eclipses are gone by
then, so it need not be longer than they are, and follows spots that turn in two days."""

ROUNDS = 2
"""Rounds of folded curve and trend: the first trend still holds what the first fold missed."""

GIVE_BACK_CYCLES = 5
"""Cycles from which the part of the trend that repeats with the orbit (tides, mutual heating) is
told from spots, which do not keep step that long."""

SLOW_BINS = 40
"""Bins in phase of that part."""

BIN_TEMPLATE_D = BIN_D
MOST_BINS = 3000
FEWEST_BINS = 200
"""Bins of the folded curve: 10 min each, within these bounds."""


def detrend(time: Floats, flux: Floats, period: float, start: Floats) -> Floats:
    """Flux without what does not repeat with the period.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Increasing time [d]; flux, median near 1.
    period
        [d]
    start : (n_cadence,)
        First guess of the result: the flux itself, or the flux over a running median.
    """
    phase = fold(time, period, time[0])
    left = start
    slow = np.ones_like(flux)
    for _ in range(ROUNDS):
        slow = _follow(time, flux / template(phase, left, n_template(period)))
        left = flux / slow
    if np.ptp(time) < GIVE_BACK_CYCLES * period:
        return left
    kept = template(phase, slow, SLOW_BINS)
    return left * kept / kept.mean()


def n_template(period: float) -> int:
    """Bins of a folded curve in which no eclipse is lost."""
    return int(np.clip(period / BIN_TEMPLATE_D, FEWEST_BINS, MOST_BINS))


def template(phase: Floats, flux: Floats, n_bin: int) -> Floats:
    """Folded curve at the phase of each cadence, with straight lines between the bins."""
    curve = fill_bins(bin_phase(phase, flux, n_bin)[0])
    curve = np.concatenate([curve[-1:], curve, curve[:1]])
    return np.interp(phase, (np.arange(-1, n_bin + 1) + 0.5) / n_bin, curve)


def _follow(time: Floats, flux: Floats) -> Floats:
    binned_time, binned_flux = bin_time(time, flux)
    slow = running_median(binned_flux, round(WINDOW_D / BIN_D))
    return np.interp(time, binned_time, slow)
