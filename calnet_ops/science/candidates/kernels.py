"""Loops that numba compiles. Import it where it is needed: numba takes half a second."""

import numpy as np
from numba import njit

from calnet_ops.science.candidates.fold import Floats


@njit(cache=True)
def fold_gains(time: Floats, flux: Floats, period: Floats, n_bin: int) -> tuple[Floats, Floats]:
    """Sum of squares that the folded and binned curve explains at each trial period.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Time [d]; flux with a mean of zero.
    period : (n_trial,)
        [d]
    n_bin
        Bins of the folded curve.

    Returns
    -------
    explained, n_used : (n_trial,)
        Sum over the bins of n * mean^2, and the bins with cadences.
    """
    explained = np.zeros(period.size)
    n_used = np.zeros(period.size)
    total = np.zeros(n_bin)
    count = np.zeros(n_bin)
    for trial in range(period.size):
        total[:] = 0.0
        count[:] = 0.0
        rate = 1.0 / period[trial]
        for i in range(time.size):
            turns = (time[i] - time[0]) * rate
            index = min(int((turns - np.floor(turns)) * n_bin), n_bin - 1)
            total[index] += flux[i]
            count[index] += 1.0
        for index in range(n_bin):
            if count[index] > 0:
                explained[trial] += total[index] ** 2 / count[index]
                n_used[trial] += 1.0
    return explained, n_used
