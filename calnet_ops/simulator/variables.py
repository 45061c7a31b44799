"""Light curves of what is confused with eclipsing binaries."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.binaries import (
    Binary,
    draw_binary,
    first_epoch,
    fold,
    signal_of,
)
from calnet_ops.simulator.discs import visible_share
from calnet_ops.simulator.signals import Kind, Signal
from calnet_ops.simulator.spots import spotted_flux
from calnet_ops.simulator.stars import Star

Floats = npt.NDArray[np.float64]

Draw = Callable[[np.random.Generator, Star, Floats, float], Signal]
"""(rng, star, time, longest period) to what the star does."""


def constant(_rng: np.random.Generator, _star: Star, time: Floats, _longest: float) -> Signal:
    """Nothing."""
    return Signal(flux=np.ones_like(time))


def ramp(_rng: np.random.Generator, _star: Star, time: Floats, _longest: float) -> Signal:
    """Nothing either, but scattered light will shine through."""
    return Signal(flux=np.ones_like(time), ramp=True)


def spotted(rng: np.random.Generator, _star: Star, time: Floats, longest: float) -> Signal:
    """Draw a rotator."""
    period = float(np.exp(rng.uniform(np.log(0.4), np.log(1.3 * longest))))
    amplitude = float(np.exp(rng.normal(np.log(0.012), 0.8)))
    return Signal(flux=spotted_flux(rng, time, period, amplitude), period=period)


def delta_scuti(rng: np.random.Generator, _star: Star, time: Floats, _longest: float) -> Signal:
    """Several modes; one in six is of high amplitude, with harmonics."""
    strong = rng.random() < 1 / 6
    n_mode = 1 if strong else int(rng.integers(3, 15))
    frequency = rng.uniform(6, 16, n_mode) if strong else rng.uniform(6, 50, n_mode)
    first = rng.uniform(0.05, 0.2) if strong else np.exp(rng.normal(np.log(0.003), 0.9))
    amplitude = rng.power(0.5, n_mode)
    amplitude *= first / amplitude.max()
    magnitude = np.zeros_like(time)
    for nu, a in zip(frequency, amplitude, strict=True):
        angle = 2 * np.pi * (nu * (time - 2000.0) + rng.uniform())
        magnitude += a * np.cos(angle)
        if strong:
            magnitude += a * (0.35 * np.cos(2 * angle + 4.0) + 0.12 * np.cos(3 * angle + 2.0))
    flux = 10 ** (-0.4 * magnitude)
    return Signal(flux=flux / flux.mean(), period=float(1 / frequency[np.argmax(amplitude)]))


RRAB_SHAPE = ((1.0, 0.0), (0.47, 4.6), (0.33, 2.9), (0.22, 1.35), (0.14, 6.1), (0.09, 4.5))
"""Amplitude ratios and phase differences of a typical RRab in the I band, cosine series of the
magnitude (means of the Fourier parameters in Soszynski et al. 2016, Acta Astron. 66, 131)."""


def rr_lyrae(rng: np.random.Generator, _star: Star, time: Floats, _longest: float) -> Signal:
    """Three in four with a steep rise (RRab), the rest nearly sinusoidal (RRc)."""
    fundamental = rng.random() < 0.75  # noqa: PLR2004
    if fundamental:
        period, amplitude = float(rng.normal(0.56, 0.06)), rng.uniform(0.14, 0.32)
        terms: tuple[tuple[float, float], ...] = RRAB_SHAPE
    else:
        period, amplitude = float(rng.normal(0.33, 0.035)), rng.uniform(0.08, 0.16)
        terms = ((1.0, 0.0), (float(rng.uniform(0.08, 0.2)), float(rng.uniform(4.2, 5.2))))
    angle = 2 * np.pi * ((time - 2000.0) / period + rng.uniform())
    magnitude = np.sum(
        [a * np.cos(k * angle + shift) for k, (a, shift) in enumerate(terms, 1)], axis=0
    )
    blazhko = np.ones_like(time)
    if rng.random() < 0.3:  # noqa: PLR2004
        blazhko = 1 + rng.uniform(0.03, 0.15) * np.sin(
            2 * np.pi * (time / rng.uniform(15, 60) + rng.uniform())
        )
    flux = 10 ** (-0.4 * amplitude * blazhko * magnitude)
    return Signal(flux=flux / flux.mean(), period=period)


def planet(rng: np.random.Generator, star: Star, time: Floats, longest: float) -> Signal:
    """Draw a transit, flat at the bottom and without any light of its own."""
    period = float(np.clip(3.5 * np.exp(rng.normal(0, 0.6)), 0.8, longest))
    axis = 4.208 * (star.mass * period**2) ** (1 / 3) / star.radius
    axis = max(axis, 2.5)
    epoch = first_epoch(rng.uniform() * period, period, float(time[0]))
    phase = np.linspace(-0.5, 0.5, 4001)
    grid = visible_share(
        phase,
        ratio=float(rng.uniform(0.03, 0.15)),
        radius=1 / axis,
        inclination=float(np.degrees(np.arccos(rng.uniform(0, 0.85) / axis))),
    )
    flux = np.interp(((time - epoch) / period + 0.5) % 1 - 0.5, phase, grid)
    return Signal(
        flux=flux / grid.mean(),
        period=period,
        epoch=epoch,
        depth_1=float(1 - grid.min()),
        duration_1=float(np.mean(grid < 1 - 1e-9)) * period,
    )


def flaring(rng: np.random.Generator, star: Star, time: Floats, longest: float) -> Signal:
    """Draw a spotted red dwarf with flares of a power law in amplitude."""
    calm = spotted(rng, star, time, longest)
    flux = 1 + 0.6 * (calm.flux - 1)
    span = time[-1] - time[0]
    for _ in range(max(3, rng.poisson(0.8 * span))):
        peak = min(0.008 * rng.pareto(1.1) + 0.006, 0.8)
        width = 0.006 * (peak / 0.02) ** 0.4 * rng.uniform(0.5, 2)
        flux = flux + peak * flare_shape((time - rng.uniform(time[0], time[-1])) / width)
    return Signal(flux=flux, period=calm.period)


def flare_shape(phase: Floats) -> Floats:
    """Compute a flare of height one against time in half-widths.

    Davenport et al. 2014, ApJ 797, 122, eqs. 1 and 4.
    """
    rise = 1 + phase * (1.941 + phase * (-0.175 + phase * (-2.246 - 1.125 * phase)))
    late = np.clip(phase, 0.0, 400.0)
    decay = 0.6890 * np.exp(-1.600 * late) + 0.3030 * np.exp(-0.2783 * late)
    result: Floats = np.where(phase < -1, 0.0, np.where(phase < 0, rise, decay))
    return result


def blend(rng: np.random.Generator, star: Star, time: Floats, longest: float) -> Signal:
    """Draw a quiet star; a much fainter binary nearby lends it shallow eclipses.

    The neighbour adds 1 to 6 % to the star's light, so eclipses are at most a few per cent deep
    and the centroid moves away from it while they last.
    """
    neighbour: Binary = draw_binary(rng, Kind.EA, star, longest)
    share = float(np.exp(rng.uniform(np.log(0.01), np.log(0.06))))
    signal = signal_of(rng, neighbour, fold(neighbour), time)
    lost = share * (1 - signal.flux / signal.flux.max())
    return Signal(
        flux=1 - lost,
        period=signal.period,
        epoch=signal.epoch,
        depth_1=share * signal.depth_1,
        depth_2=share * signal.depth_2,
        duration_1=signal.duration_1,
        neighbour=lost,
        neighbour_light=share,
    )


DRAW: dict[Kind, Draw] = {
    Kind.SPOTTED: spotted,
    Kind.DSCT: delta_scuti,
    Kind.RRLYR: rr_lyrae,
    Kind.PLANET: planet,
    Kind.FLARE: flaring,
    Kind.RAMP: ramp,
    Kind.BLEND: blend,
    Kind.CONSTANT: constant,
}
"""How each kind that is not an eclipsing binary is drawn."""

TEFF_RANGE: dict[Kind, tuple[float, float]] = {
    Kind.EA: (4500, 10000),
    Kind.EB: (6000, 12000),
    Kind.EW: (4500, 7200),
    Kind.SPOTTED: (3500, 6200),
    Kind.DSCT: (6700, 8400),
    Kind.RRLYR: (6100, 7200),
    Kind.PLANET: (4500, 6800),
    Kind.FLARE: (3000, 3700),
    Kind.RAMP: (3800, 9000),
    Kind.BLEND: (4500, 8000),
    Kind.CONSTANT: (3800, 9000),
}
"""Temperatures [K] at which each kind is found."""
