"""Which period repeats a light curve best."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfft
from scipy.ndimage import median_filter

from calnet_ops.science.candidates.fold import Floats, fold, scatter_left

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

Trial = tuple[float, float]
"""Score (lower is better) and period [d]."""


def bin_time(time: Floats, flux: Floats, width: float = BIN_D) -> tuple[Floats, Floats, Floats]:
    """Mean time and flux in bins of equal width, and how many cadences each has.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Increasing time [d]; flux.
    width
        [d].

    Returns
    -------
    time, flux, count : (n_bin,)
        Only of bins with cadences.
    """
    index = ((time - time[0]) / width).astype(np.int64)
    count = np.bincount(index)
    used = count > 0
    number = count[used].astype(np.float64)
    return (
        np.bincount(index, time)[used] / number,
        np.bincount(index, flux)[used] / number,
        number,
    )


def remove_trend(flux: Floats, window: int) -> Floats:
    """Flux without what changes over more than `window` points, so that eclipses stay."""
    return flux - median_filter(flux, size=window, mode="nearest")


def search_period(time: Floats, flux: Floats) -> float:
    """Period [d] at which the light curve repeats with the fewest assumptions.

    The sum of spectral power over the harmonics of each trial frequency finds peaks for light
    curves from sines to narrow eclipses; folding at those periods and at small multiples of them
    decides. What is returned may still be half the orbital period.

    Parameters
    ----------
    time, flux : (n_bin,)
        Binned light curve, flux with a mean near zero.
    """
    trials = [
        trial
        for period in _peaks(time, flux)
        for factor in (0.5, 1.0, 2.0)
        if (trial := _improve(time, flux, period * factor)) is not None
    ]
    if not trials:
        return float("nan")
    return min(trials)[1]


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
        harmonics = np.arange(1, n_harmonic + 1)
        index = np.rint(np.outer(harmonics, frequency) / step).astype(np.int64)
        summed = power[np.minimum(index, power.size - 1)].sum(axis=0)
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


def _improve(time: Floats, flux: Floats, period: float) -> Trial | None:
    """Best score near a period, if it is one that can be searched."""
    span = time[-1] - time[0]
    if not PERIOD_MIN_D <= period <= span:
        return None
    # phases move by half a bin at the end of the span from one step to the next
    step = 0.5 * period / FOLD_BINS * period / span
    periods = period + step * np.arange(-8, 9)
    return min((_score(time, flux, trial), float(trial)) for trial in periods)


def _score(time: Floats, flux: Floats, period: float) -> float:
    """Bayesian information criterion of the folded and binned curve."""
    left, n_used = scatter_left(fold(time, period, time[0]), flux, FOLD_BINS)
    return float(flux.size * np.log(max(left, 1e-300) / flux.size) + n_used * np.log(flux.size))


def halves_differ(one: NDArray[np.float64], other: NDArray[np.float64], error: float) -> bool:
    """Whether two depths differ by more than their error allows."""
    return bool(abs(float(one) - float(other)) > error)
