"""Fourier sums of a light curve whose cadences follow a clock, by FFTs over cadence numbers.

Barycentric times are t = a + b n + d, with n the number of a cadence and d a second or two. Sums
over exp(i w b n) are discrete Fourier transforms, read off between the points of an FFT as
non-uniform FFTs do [1]_. What is left, exp(i w d), is a short series of Chebyshev polynomials
in d [2]_, each with FFTs of its own.

References
----------
.. [1] Barnett, Magland & af Klinteberg 2019, SIAM J. Sci. Comput. 41, C479, sections 2-4.
.. [2] Jacobi-Anger expansion: NIST Digital Library of Mathematical Functions, 10.12.3.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.features.compiled import compiled
from calnet_ops.science.lightcurve.light_curve import Floats, Integers

Complexes = NDArray[np.complex128]

TOLERANCE = 3e-8
"""Largest error of a mean of exp(iwt), by the first polynomial left out. Scaled power is then
within 1e-7 of the oracle (8e-8 on 97 real segments), where 1e-6 is asked."""

TWICE_TOLERANCE = 3e-7
"""The same for exp(2iwt). It is reached at the highest frequency alone, and only puts power off
by this share of itself there."""

MAX_ORDER = 8
"""Polynomials in d; with more, finufft is faster."""

MAX_EMPTY = 4
"""Cadence numbers for each cadence; of sparser light curves, finufft is faster."""

OVERSAMPLING = 1.3
"""Points of an FFT for each cadence number: the usual 2 needs fewer neighbours but longer FFTs."""

WIDTH = 12
"""Points of an FFT that make a value between them, to 1e-8 (measured; [1]_, section 4.2). Padded
by 1.25 it is 5e-8, and power was off by 3.5e-7 for one of 97 real segments."""

BETA = 0.976 * np.pi * WIDTH * (1 - 0.5 / OVERSAMPLING)
"""Shape of the kernel exp(beta (sqrt(1 - z^2) - 1)), [1]_, section 4.2."""

DEGREE = 8
"""Of the polynomials that stand for the kernel between two points, to 5e-10 (measured)."""

BLOCK = 256
"""Cadence numbers are rounded up to multiples of this, so that FFTs come in few lengths."""

N_STEP = 255
"""Steps in time whose median is the cadence to begin with."""

N_TERM = 6
"""Terms of the series of a Bessel function: 1e-9 of it for arguments up to 1 (computed)."""

FACTORIAL = np.array([float(math.factorial(n)) for n in range(MAX_ORDER + N_TERM + 1)])

SERIES = np.array(
    [
        [(-1.0) ** k / FACTORIAL[k] / FACTORIAL[m + k] for k in range(N_TERM - 1, -1, -1)]
        for m in range(MAX_ORDER)
    ]
)
"""Coefficients of Bessel functions of order m, highest power first (DLMF 10.2.2)."""


class Clock(NamedTuple):
    """What the times of cadences follow: zero + cadence x number + farthest x offset."""

    number: Integers
    """(n_cadence,) Whole cadences from the middle of the light curve."""
    offset: Floats
    """(n_cadence,) Between -1 and 1."""
    cadence: float
    """[d]."""
    farthest: float
    """Largest distance of a time from the clock [d]."""


def trigonometric_sums(
    time: Floats, weight: Floats, weighted_y: Floats, omega: Floats
) -> tuple[Complexes, Complexes, Complexes] | None:
    """Sums over cadences of w y exp(iwt), w exp(iwt) and w exp(2iwt).

    Parameters
    ----------
    time : (n_cadence,)
        [d], from any zero; the sums have one of their own.
    weight : (n_cadence,)
        With sum 1.
    weighted_y : (n_cadence,)
        Weight times flux.
    omega : (n_frequency,)
        Angular frequencies [rad/d].

    Returns
    -------
    sums
        Each (n_frequency,); None if the times do not follow a clock closely enough to keep the
        two tolerances.
    """
    clock = read_clock(time)
    if clock is None:
        return None
    turn = omega * clock.farthest
    n_y = _n_order(float(turn.max()), TOLERANCE)
    n_one = max(n_y, _n_order(2 * float(turn.max()), TWICE_TOLERANCE))
    if n_one > MAX_ORDER:
        return None
    n_number = 2 * int(max(clock.number.max(), -clock.number.min())) + 1
    n_fft = _fast_length(int(-(-n_number // BLOCK) * BLOCK * OVERSAMPLING))
    grid = np.zeros((n_y + n_one, n_fft))
    _spread(grid[:n_y], clock, weighted_y, _undo_kernel(n_fft))
    _spread(grid[n_y:], clock, weight, _undo_kernel(n_fft))
    spectra = _spectra(grid)
    place = omega * (clock.cadence * n_fft / (2 * np.pi))
    both = _read_off(spectra[: 2 * n_y], n_fft, n_y, place, turn, _kernel_taps())
    twice = _read_off(spectra[n_y:], n_fft, n_one, 2 * place, 2 * turn, _kernel_taps())
    return both[0], both[1], twice[0]


def _spectra(grid: Floats) -> Complexes:
    """FFTs of real rows, (n_order, n_fft // 2 + 1 + WIDTH): half a width more at either end.

    scipy's are no faster, and take 0.4 s to import.
    """
    half, n_point = WIDTH // 2, grid.shape[1] // 2 + 1
    spectra = np.empty((len(grid), n_point + WIDTH), np.complex128)
    np.fft.rfft(grid, out=spectra[:, half:-half])
    # real sequences have the conjugate at -w, and at the highest frequency plus w
    spectra[:, :half] = spectra[:, 2 * half : half : -1].conj()
    spectra[:, -half:] = spectra[:, -half - 2 : -2 * half - 2 : -1].conj()
    return spectra


def read_clock(time: Floats) -> Clock | None:
    """Clock that times follow; None if they do not, or hardly fill it.

    Notes
    -----
    Steps are rounded one by one: over a segment, barycentric times leave any fixed cadence by
    more than half of one.
    """
    n_cadence = len(time)
    some = np.arange(0, n_cadence - 1, max(1, n_cadence // N_STEP))
    cadence = float(np.median(time[some + 1] - time[some]))
    if not cadence > 0 or np.ptp(time) > MAX_EMPTY * n_cadence * cadence:
        return None
    number = np.empty(n_cadence, np.int64)
    offset = np.empty(n_cadence)
    cadence, farthest = _fit_clock(time, cadence, number, offset)
    return Clock(number, offset, cadence, farthest) if cadence > 0 else None


def _n_order(turn: float, tolerance: float) -> int:
    """How many polynomials keep exp(ix), |x| <= `turn`, within a tolerance (DLMF 10.14.4)."""
    enough = (
        order
        for order in range(2, MAX_ORDER + 1)
        if 2 * (turn / 2) ** order / FACTORIAL[order] <= tolerance
    )
    return next(enough, MAX_ORDER + 1)


@lru_cache(maxsize=16)
def _fast_length(least: int) -> int:
    """Even length of an FFT, at least as long, with no prime factor above 5."""
    odd = [3**i * 5**j for i in range(12) for j in range(8)]
    return min(number << max(1, math.ceil(math.log2(least / number))) for number in odd)


@lru_cache(maxsize=16)
def _undo_kernel(n_fft: int) -> Floats:
    """(n_fft // 2 + 1,) What fluxes are multiplied by, so that the kernel changes nothing."""
    node, share = np.polynomial.legendre.leggauss(40)
    kernel = share * np.exp(BETA * (np.sqrt(1 - node**2) - 1))
    waves = np.cos(np.pi * WIDTH / n_fft * np.outer(np.arange(n_fft // 2 + 1), node))
    factor: Floats = 2 / WIDTH / (waves @ kernel)
    return factor


@lru_cache(maxsize=1)
def _kernel_taps() -> Floats:
    """(DEGREE + 1, WIDTH) Kernel at the points around a place, as polynomials.

    They are in the distance from the edge of the kernel to the first point, mapped from 0..1 to
    -1..1; highest power first.
    """
    chebyshev = np.polynomial.chebyshev
    node = chebyshev.chebpts1(64)
    z = ((node[:, None] + 1) / 2 + np.arange(WIDTH)) / (WIDTH / 2) - 1
    fitted = chebyshev.chebfit(node, np.exp(BETA * (np.sqrt(1 - z**2) - 1)), DEGREE)
    powers = [chebyshev.cheb2poly(column) for column in fitted.T]
    return np.ascontiguousarray(np.array(powers).T[::-1])


@compiled
def _fit_clock(
    time: Floats, cadence: float, number: Integers, offset: Floats
) -> tuple[float, float]:
    """Fill in numbers and offsets; cadence [d] (0 if no time differs) and largest offset [d]."""
    n_cadence, rate = len(time), 1 / cadence
    last = low = high = number[0] = 0
    for k in range(1, n_cadence):
        last += int(np.rint((time[k] - time[k - 1]) * rate))
        number[k] = last
        low, high = min(low, last), max(high, last)
    middle, mean_number, mean_time = (low + high) // 2, 0.0, 0.0
    for k in range(n_cadence):
        number[k] -= middle
        mean_number += number[k]
        mean_time += time[k] - time[0]
    mean_number, mean_time = mean_number / n_cadence, mean_time / n_cadence
    both = square = 0.0
    for k in range(n_cadence):
        away = number[k] - mean_number
        both += away * (time[k] - time[0] - mean_time)
        square += away * away
    if square == 0:
        return 0.0, 0.0
    cadence = both / square
    least = most = 0.0
    for k in range(n_cadence):
        offset[k] = time[k] - time[0] - mean_time - cadence * (number[k] - mean_number)
        least, most = min(least, offset[k]), max(most, offset[k])
    farthest = max((most - least) / 2, 1e-12)
    for k in range(n_cadence):
        offset[k] = (offset[k] - (most + least) / 2) * (1 / farthest)
    return cadence, farthest


@compiled
def _spread(grid: Floats, clock: Clock, value: Floats, factor: Floats) -> None:
    """Add values to the grid (n_order, n_fft), times Chebyshev polynomials in the offset."""
    n_order, n_fft = grid.shape
    for k in range(len(value)):
        number, offset = clock.number[k], clock.offset[k]
        place = number if number >= 0 else number + n_fft
        older = value[k] * factor[abs(number)]
        newer = older * offset
        grid[0, place] += older
        for m in range(1, n_order):
            grid[m, place] += newer
            older, newer = newer, 2 * offset * newer - older


@compiled
def _read_off(
    spectra: Complexes, n_fft: int, n_order: int, place: Floats, turn: Floats, taps: Floats
) -> Complexes:
    """Sums between the points of the FFT, of one or more sets of spectra.

    Parameters
    ----------
    spectra : (n_set n_order, n_fft // 2 + 1 + WIDTH)
        Output of `_spectra`, one row for each polynomial; rows beyond are left.
    place : (n_frequency,)
        In points of the FFT, from 0 on.
    turn : (n_frequency,)
        Angle that belongs to an offset of 1.

    Returns
    -------
    sums : (n_set, n_frequency)
    """
    n_set = len(spectra) // n_order
    sums = np.zeros((n_set, len(place)), np.complex128)
    kernel = np.empty(WIDTH)
    for j in range(len(place)):
        point = place[j] - n_fft * np.floor(place[j] / n_fft)
        upper = point > n_fft / 2  # there a real sequence has the conjugate of the lower half
        if upper:
            point = n_fft - point
        first = int(np.ceil(point))  # WIDTH / 2 to the left of it, and as much was put before
        distance = 2 * (first - point) - 1
        for i in range(WIDTH):
            value = taps[0, i]
            for power in range(1, DEGREE + 1):
                value = value * distance + taps[power, i]
            kernel[i] = value
        half, leading = turn[j] / 2, 1 + 0j
        square = half * half
        for m in range(n_order):
            bessel = 0.0
            for k in range(N_TERM):
                bessel = bessel * square + SERIES[m, k]
            for s in range(n_set):
                row, real, imaginary = s * n_order + m, 0.0, 0.0
                for i in range(WIDTH):
                    real += spectra[row, first + i].real * kernel[i]
                    imaginary += spectra[row, first + i].imag * kernel[i]
                # the FFT has exp(-iwt)
                sums[s, j] += leading * bessel * complex(real, imaginary if upper else -imaginary)
            leading *= 1j * half * (2 if m == 0 else 1)
    return sums
