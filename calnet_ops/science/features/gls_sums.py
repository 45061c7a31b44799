"""Power of sinusoids from sums over cadences, for the fast forms of the periodogram."""

import numpy as np

from calnet_ops.science.features.cadence_fft import Complexes
from calnet_ops.science.features.compiled import compiled
from calnet_ops.science.lightcurve.light_curve import Floats


@compiled
def power_of_sums(yh: Complexes, h: Complexes, h2: Complexes) -> tuple[Floats, Floats]:
    """Power, and the smallest variance over the cadences of a sinusoid of each frequency.

    Parameters
    ----------
    yh, h, h2 : (n_frequency,)
        Sums of w y exp(iwt), w exp(iwt), w exp(2iwt); y with mean 0 and variance 1.

    Returns
    -------
    power, variance : (n_frequency,)
        Errors of the sums count in power as if they were divided by that variance, which is a
        half over whole cycles.

    References
    ----------
    .. [1] Zechmeister & Kürster 2009, A&A 496, 577, eqs. 5-15 (numbers below).
    """
    power, variance = np.empty(len(h)), np.empty(len(h))
    for j in range(len(h)):
        c, s = h[j].real, h[j].imag  # eqs. 8-9
        yc, ys = yh[j].real, yh[j].imag  # eqs. 11-12, as the mean of y is 0
        cc = (1 + h2[j].real) / 2 - c * c  # eq. 13
        ss = (1 - h2[j].real) / 2 - s * s  # eq. 14
        cs = h2[j].imag / 2 - c * s  # eq. 15
        explained = ss * yc * yc + cc * ys * ys - 2 * cs * yc * ys
        power[j] = explained / (cc * ss - cs * cs)  # eqs. 5-6
        variance[j] = (cc + ss - np.sqrt((cc - ss) ** 2 + 4 * cs * cs)) / 2
    return power, variance
