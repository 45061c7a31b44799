"""Generalised Lomb-Scargle periodograms: an oracle that is the equations, and a fast form."""

import finufft
import numpy as np

from calnet_ops.errors import TooFewCadences
from calnet_ops.science.lightcurve.light_curve import Floats

MIN_CADENCES = 4
"""A constant and a sinusoid have three parameters; with three points any frequency fits."""

TOLERANCE = 1e-8
"""Relative error asked of the non-uniform FFT. Scaled power is then within 1.5e-8 of the
oracle (measured on simulated and real segments); 1e-7 would save 0.1 ms of 2.6."""


def gls_power(time: Floats, flux: Floats, flux_err: Floats, frequency: Floats) -> Floats:
    """Share of the flux variance that a floating-mean sinusoid explains.

    Parameters
    ----------
    time : (n_cadence,)
        Barycentric time, BTJD [d]. Any order, no NaN.
    flux : (n_cadence,)
        PDCSAP flux [e-/s]; only its shape matters, so any unit will do.
    flux_err : (n_cadence,)
        One-sigma error of `flux`, same unit, all > 0.
    frequency : (n_frequency,)
        Trial frequencies [1/d], > 0.

    Returns
    -------
    power : (n_frequency,)
        Between 0 (no better than a constant) and 1 (explains everything).

    Raises
    ------
    TooFewCadences
        If `n_cadence` < `MIN_CADENCES`.

    Notes
    -----
    Cost is n_cadence x n_frequency, in time and in memory: this is the oracle. The
    pipeline calls `gls_power_nufft`, which must agree with it to 1e-6.

    References
    ----------
    .. [1] Zechmeister & Kürster 2009, A&A 496, 577, eqs. 5-15 (numbers below).
    """
    _check_length(time)
    weight = flux_err**-2.0
    weight /= weight.sum()
    y = flux - weight @ flux
    phase = 2 * np.pi * np.outer(frequency, time - time.mean())
    c, s = np.cos(phase), np.sin(phase)
    c -= (c @ weight)[:, None]  # floating mean, eqs. 8-9
    s -= (s @ weight)[:, None]
    yc, ys = c @ (weight * y), s @ (weight * y)  # eqs. 11-12
    cc, ss, cs = (c * c) @ weight, (s * s) @ weight, (c * s) @ weight  # eqs. 13-15
    variance, determinant = weight @ y**2, cc * ss - cs**2  # eqs. 10, 6
    power: Floats = (ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys) / (variance * determinant)  # eq. 5
    return power


def gls_power_nufft(time: Floats, flux: Floats, frequency: Floats) -> Floats:
    """Power as `gls_power` gives it for equal errors, by a non-uniform FFT.

    Parameters, result and errors are those of `gls_power`; `flux` must not be constant.

    Notes
    -----
    With equal weights eqs. 5-15 depend on the data only through the means of y exp(iwt),
    exp(iwt) and exp(2iwt). One transform gives all three: of y + i, at w, -w, 2w and -2w.
    2.6 ms for 9,000 cadences and 1,000 frequencies on one core, 85 times less than a loop over
    the frequencies.

    References
    ----------
    .. [1] Zechmeister & Kürster 2009, as in `gls_power` (numbers of equations below).
    .. [2] Barnett, Magland & af Klinteberg 2019, SIAM J. Sci. Comput. 41, C479 (FINUFFT).
    """
    _check_length(time)
    y = flux - flux.mean()
    y /= y.std()
    yh, h, h2 = _trigonometric_means(time - time.mean(), y, 2 * np.pi * frequency)
    c, s = h.real, h.imag  # eqs. 8-9
    yc, ys = yh.real, yh.imag  # eqs. 11-12, as the mean of y is 0
    cc = (1 + h2.real) / 2 - c * c  # eq. 13
    ss = (1 - h2.real) / 2 - s * s  # eq. 14
    cs = h2.imag / 2 - c * s  # eq. 15
    power: Floats = (ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys) / (cc * ss - cs**2)  # eqs. 5-6
    return power


def fast_gls_power(
    time: Floats, flux: Floats, frequency: Floats, flux_err: Floats | None = None
) -> Floats:
    """Power as `gls_power` gives it, by a non-uniform FFT.

    Parameters, result and errors are those of `gls_power`; `flux` must not be constant, and
    without `flux_err` all errors are equal.

    Notes
    -----
    Eqs. 5-15 depend on the data only through the weighted means of y exp(iwt), exp(iwt) and
    exp(2iwt). One transform gives all three, as in `gls_power_nufft`.

    References
    ----------
    .. [1] Zechmeister & Kürster 2009, as in `gls_power` (numbers of equations below).
    """
    _check_length(time)
    weight = np.ones_like(time) if flux_err is None else flux_err**-2.0
    weight /= weight.sum()
    y = flux - weight @ flux
    y /= np.sqrt(weight @ y**2)
    yh, h, h2 = _weighted_means(time - time.mean(), y, weight, 2 * np.pi * frequency)
    c, s = h.real, h.imag  # eqs. 8-9
    yc, ys = yh.real, yh.imag  # eqs. 11-12, as the mean of y is 0
    cc = (1 + h2.real) / 2 - c * c  # eq. 13
    ss = (1 - h2.real) / 2 - s * s  # eq. 14
    cs = h2.imag / 2 - c * s  # eq. 15
    power: Floats = (ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys) / (cc * ss - cs**2)  # eqs. 5-6
    return power


def _weighted_means(
    time: Floats, y: Floats, weight: Floats, omega: Floats
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of y exp(iwt), exp(iwt), exp(2iwt) with weights that add up to 1."""
    targets = np.concatenate([omega, -omega, 2 * omega, -2 * omega])
    sums = finufft.nufft1d3(time, weight * (y + 1j), targets, isign=1, eps=TOLERANCE, nthreads=1)
    plus, minus, plus_2, minus_2 = sums.reshape(4, -1)
    # y and 1 are real, so each of their transforms at -w is the conjugate of that at w.
    return (plus + minus.conj()) / 2, (plus - minus.conj()) / 2j, (plus_2 - minus_2.conj()) / 2j


def _trigonometric_means(
    time: Floats, y: Floats, omega: Floats
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over cadences of y exp(iwt), exp(iwt), exp(2iwt), each (n_frequency,) complex."""
    targets = np.concatenate([omega, -omega, 2 * omega, -2 * omega])
    sums = finufft.nufft1d3(time, y + 1j, targets, isign=1, eps=TOLERANCE, nthreads=1)
    plus, minus, plus_2, minus_2 = sums.reshape(4, -1) / len(time)
    # y and 1 are real, so each of their transforms at -w is the conjugate of that at w.
    return (plus + minus.conj()) / 2, (plus - minus.conj()) / 2j, (plus_2 - minus_2.conj()) / 2j


def _check_length(time: Floats) -> None:
    if len(time) < MIN_CADENCES:
        raise TooFewCadences("periodogram", found=f"{len(time)}", expected=f">= {MIN_CADENCES}")
