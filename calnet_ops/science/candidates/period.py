"""Which period repeats a light curve best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len, rfft
from scipy.ndimage import median_filter

from calnet_ops.science.candidates.fold import Floats

BIN_D = 10.0 / 1440.0
"""Light curves are searched in bins of 10 min: the shortest eclipses last an hour."""

PERIOD_MIN_D = 0.1
"""[d] Half the period of the shortest-known contact binaries of main-sequence stars (0.2 d),
which is what a search finds first when both minima are alike."""

FREQUENCY_MAX = 60.0
"""[1/d] Harmonics are summed up to here: 24 min, below half the shortest eclipses."""

N_HARMONICS = (1, 2, 4, 8, 16, 32, 64)
"""From a sine to eclipses that last 1% of the period."""

OVERSAMPLING = 8
"""Points of the spectrum per resolution element 1/T: the loss between points is below 2%."""

PEAKS_EACH = 4
"""Peaks that go on from the sum over each number of harmonics."""

FOLD_BINS = 100
"""Bins of the folded curve by which trial periods are compared."""

NEIGHBOURS = np.arange(-16, 17)
"""Steps tried around a peak, together 0.16 cycles over the span: half of what the sum over one
harmonic is spaced by, so that only the broadest peaks are not met exactly."""

STRONG = 30.0
"""Gain in the information criterion from which a period stands out of noise: odds of 3e6 to 1."""


@dataclass(frozen=True, slots=True, order=True)
class Periodicity:
    """A trial period and how well the light curve repeats with it."""

    criterion: float
    """Bayesian information criterion, relative to a constant: lower is better."""
    period: float
    """[d]; NaN if none could be tried."""
    share: float
    """Of the variance that the folded curve explains."""

    @property
    def stands_out(self) -> bool:
        """Whether noise would not have made it."""
        return self.criterion < -STRONG


NOT_PERIODIC = Periodicity(np.inf, np.nan, 0.0)


def bin_time(time: Floats, flux: Floats, width: float = BIN_D) -> tuple[Floats, Floats]:
    """Mean time and flux in bins of equal width.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Increasing time [d]; flux.
    width
        [d].

    Returns
    -------
    time, flux : (n_bin,)
        Only of bins with cadences.
    """
    index = ((time - time[0]) / width).astype(np.int64)
    count = np.bincount(index)
    used = count > 0
    number = count[used].astype(np.float64)
    return np.bincount(index, time)[used] / number, np.bincount(index, flux)[used] / number


def running_median(flux: Floats, window: int) -> Floats:
    """Follow what changes over more than `window` points: narrow eclipses do not."""
    return np.asarray(median_filter(flux, size=window, mode="nearest"), dtype=np.float64)


def search_period(time: Floats, flux: Floats, hints: Sequence[float] = ()) -> Periodicity:
    """Period at which the light curve repeats with the fewest assumptions.

    The sum of spectral power over the harmonics of each trial frequency finds peaks for light
    curves from sines to narrow eclipses; folding at those periods and at small multiples of them
    decides. What is returned may still be half the orbital period.

    Parameters
    ----------
    time, flux : (n_bin,)
        Light curve in bins of `BIN_D`.
    hints
        Periods [d] to try as well.
    """
    flux = flux - flux.mean()
    whole = float(flux @ flux)
    if whole <= 0:
        return NOT_PERIODIC
    trial = _trials(time, [*hints, *_peaks(time, flux)])
    if not trial.size:
        return NOT_PERIODIC
    return _best(time, flux, trial)


def _trials(time: Floats, peaks: list[float]) -> Floats:
    """Periods around the peaks, their halves and doubles, that the light curve can tell of."""
    span = time[-1] - time[0]
    period = np.outer([0.5, 1.0, 2.0], peaks).ravel()
    period = period[(period >= PERIOD_MIN_D) & (period <= span)]
    # peaks that come within a twentieth of a cycle of each other over the span are one
    period = period[np.unique(np.rint(20 * span / period), return_index=True)[1]]
    # phases move by half a bin at the end of the span from one step to the next
    step = 0.5 * period**2 / FOLD_BINS / span
    near = (period[:, None] + step[:, None] * NEIGHBOURS).ravel()
    return near[(near >= PERIOD_MIN_D) & (near <= span)]


def _best(time: Floats, flux: Floats, period: Floats) -> Periodicity:
    """Of some periods the one with the lowest information criterion."""
    from calnet_ops.science.candidates.kernels import fold_gains

    explained, n_used = fold_gains(time, flux, period, FOLD_BINS)
    share = explained / float(flux @ flux)
    criterion = flux.size * np.log(np.maximum(1.0 - share, 1e-12)) + n_used * np.log(flux.size)
    i = int(criterion.argmin())
    return Periodicity(float(criterion[i]), float(period[i]), float(share[i]))


def _peaks(time: Floats, flux: Floats) -> list[float]:
    """Periods of the highest sums of power, for each number of harmonics."""
    span = time[-1] - time[0]
    power, step = _spectrum(time, flux)
    found: list[float] = []
    for n_harmonic in N_HARMONICS:
        last = min(1.0 / PERIOD_MIN_D, FREQUENCY_MAX / n_harmonic)
        frequency = np.arange(1.0 / span, last, 1.0 / (3 * n_harmonic * span))
        if not frequency.size:
            continue
        summed = np.zeros(frequency.size)
        for harmonic in range(1, n_harmonic + 1):
            index = (harmonic / step * frequency + 0.5).astype(np.int64)
            summed += power[np.minimum(index, power.size - 1)]
        found += [1.0 / frequency[i] for i in _highest(summed, 3 * n_harmonic)]
    return found


def _spectrum(time: Floats, flux: Floats) -> tuple[Floats, float]:
    """Power at multiples of a frequency step [1/d], on the regular grid of the bins."""
    index = np.rint((time - time[0]) / BIN_D).astype(np.int64)
    grid = np.zeros(index[-1] + 1)
    grid[index] = flux - flux.mean()
    n_fft = next_fast_len(OVERSAMPLING * grid.size, real=True)
    power = np.abs(rfft(grid, n_fft)) ** 2
    return power, 1.0 / (n_fft * BIN_D)


def _highest(power: Floats, apart: int) -> list[int]:
    """Highest points, not closer than `apart` to a higher one."""
    left = power.copy()
    found = []
    for _ in range(PEAKS_EACH):
        i = int(left.argmax())
        found.append(i)
        left[max(0, i - apart) : i + apart + 1] = -np.inf
    return found
