"""Light curves folded at a period."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fold(time: Floats, period: float, epoch: float) -> Floats:
    """Phase in [0, 1) of each time; 0 at the epoch.

    Parameters
    ----------
    time : (n_cadence,)
        Time [d].
    period, epoch
        [d].
    """
    turns = (time - epoch) / period
    return turns - np.floor(turns)


def bin_phase(phase: Floats, flux: Floats, n_bin: int) -> tuple[Floats, NDArray[np.int64]]:
    """Mean flux in equal bins of phase, and how many cadences each has.

    Parameters
    ----------
    phase, flux : (n_cadence,)
        Phase in [0, 1) and flux.
    n_bin
        Number of bins.

    Returns
    -------
    mean : (n_bin,)
        NaN where there is no cadence.
    count : (n_bin,)
        Cadences in the bin.
    """
    index = np.minimum((phase * n_bin).astype(np.int64), n_bin - 1)
    count = np.bincount(index, minlength=n_bin)
    total = np.bincount(index, flux, minlength=n_bin)
    with np.errstate(invalid="ignore"):
        return total / count, count


def fill_bins(mean: Floats) -> Floats:
    """Curve without holes: bins without a cadence get the line between their neighbours."""
    known = np.flatnonzero(np.isfinite(mean))
    return np.interp(np.arange(mean.size), known, mean[known], period=mean.size)
