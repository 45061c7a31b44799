"""What real quiet stars taught: restless ones, bright and faint ones, and shallow eclipses.

A network that had learned from stars without these found nine in ten simulated binaries and half of
those put on real light curves (`docs/training.md`, "On real stars").
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from calnet_ops.simulator.binaries import (
    N_PHASE,
    Binary,
    FoldedBinary,
    eclipses,
    signal_of,
)
from calnet_ops.simulator.photometry import white_noise
from calnet_ops.simulator.signals import Signal
from calnet_ops.simulator.stars import Star

Floats = npt.NDArray[np.float64]

RESTLESS_SHARE = 0.6
"""Of all stars. In 30 real quiet stars the scatter of six-hour means is 9 times what white noise
leaves in the median; simulated ones had 2.5, and constant ones 1.2."""

RESTLESS_AMPLITUDE = (1e-4, 1e-2)
"""Scatter of the flux, evenly in its logarithm: granulation of dwarfs and giants (Kallinger et al.
2014, A&A 570, A41, figs. 7-8: 30 ppm to several 1000 ppm), and the low-frequency variability of hot
stars (Bowman et al. 2019, Nature Astronomy 3, 760: 0.02 to 10 mmag)."""

RESTLESS_TIME = (0.03, 3.0)
"""Correlation time [d], evenly in its logarithm: characteristic frequencies of 0.05 to 5 per day
(Bowman et al. 2019) and of granulation from dwarfs to giants."""

TMAG_MEAN, TMAG_SPREAD, TMAG_RANGE = 9.8, 2.2, (3.0, 14.5)
"""Two-minute targets reach from the brightest stars to M dwarfs beyond 14."""

SHALLOW_SHARE, SHALLOWEST = 0.5, 0.002
"""Share of the binaries with so much light of a third star that the depth lies anywhere between
this and the pair's own, evenly in its logarithm; see `injection`."""

HEATED_SHARE = 0.05
"""Share of the detached binaries that are a hot subdwarf and a cool companion close by, whose
heated side goes round with it (HW Vir type). One of the four sure binaries among the real stars
is one, and networks that had never seen one missed it."""

HEATED_PERIOD, HEATED_LIGHT = (0.07, 0.6), (0.02, 0.25)
"""Period [d] and full amplitude of the heated side's light, evenly in their logarithms:
Schaffenroth et al. 2022, A&A 666, A182 (1.7 to 16 h; per cent to a fifth in the TESS band)."""

LEAST_SIGNAL = 20.0
"""No eclipse is made shallower than so many times its noise, see `binaries.ENOUGH_SIGNAL`."""

STEP = 1 / 96
"""Of the noise that is interpolated [d]: a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Lifelike:
    """Which of the lessons are heeded; all, but to find out what each is worth."""

    restless: bool = True
    brightness: bool = True
    shallow: bool = True
    heated: bool = True


def any_brightness(rng: np.random.Generator, star: Star) -> Star:
    """The star with a magnitude from the whole range."""
    tmag = float(np.clip(rng.normal(TMAG_MEAN, TMAG_SPREAD), *TMAG_RANGE))
    return replace(star, tmag=tmag)


def restless(rng: np.random.Generator, time: Floats) -> Floats:
    """Flux (n_cadence,) of a star that wanders about its mean, or 1 if it is one that does not."""
    happens = rng.random() < RESTLESS_SHARE
    amplitude, scale = (
        float(np.exp(rng.uniform(*np.log(limits))))
        for limits in (RESTLESS_AMPLITUDE, RESTLESS_TIME)
    )
    n_step = int((time[-1] - time[0]) / STEP) + 2
    kicks = rng.standard_normal(n_step)
    if not happens:
        return np.ones_like(time)
    keep = np.exp(-STEP / scale)
    kicks[1:] *= np.sqrt(1 - keep**2)
    walk = lfilter([1.0], [1.0, -keep], kicks)
    return 1 + amplitude * np.interp(time, time[0] + STEP * np.arange(n_step), walk)


def heated(rng: np.random.Generator, time: Floats) -> Signal | None:
    """Draw a hot subdwarf eclipsed by a cool companion with one bright side, or None mostly."""
    if rng.random() > HEATED_SHARE:
        return None
    period, light = (
        float(np.exp(rng.uniform(*np.log(limits)))) for limits in (HEATED_PERIOD, HEATED_LIGHT)
    )
    r1, r2 = rng.uniform(0.12, 0.25, 2)
    pair = Binary(
        period=period,
        r1=float(r1),
        r2=float(r2),
        q=0.3,
        surface_brightness=0.003,
        inclination=float(np.degrees(np.arccos(rng.uniform(0, 0.8 * (r1 + r2))))),
    )
    phase = np.linspace(-0.5, 0.5, N_PHASE)
    disc_1, disc_2, _ = eclipses(pair, phase)
    bright_side = light / 2 * (1 - np.cos(2 * np.pi * phase))
    flux = disc_1 + (pair.surface_brightness * (r2 / r1) ** 2 + bright_side) * disc_2
    folded = FoldedBinary(
        phase=phase,
        flux=flux / flux.mean(),
        depth_1=float(1 - flux.min() / flux.max()),
        depth_2=float(1 - flux[np.abs(phase) > 0.49].min() / flux.max()),  # noqa: PLR2004
        duration_1=float(np.mean(disc_1 < 1 - 1e-9)),
    )
    return signal_of(rng, pair, folded, time)


def shallower(rng: np.random.Generator, signal: Signal, star: Star) -> Signal:
    """The binary with the light of a third star on it, if it is one of those that have it."""
    happens, part = rng.random() < SHALLOW_SHARE, rng.random()
    in_eclipse = len(signal.flux) * signal.duration_1 / signal.period
    noise = white_noise(star.tmag, star.crowdsap)
    least = max(SHALLOWEST, LEAST_SIGNAL * noise / np.sqrt(max(1.0, in_eclipse)))
    if not happens or least >= signal.depth_1:
        return signal
    depth = float(least * (signal.depth_1 / least) ** part)
    # with light x added everywhere, depth = (max - min) / (max + x)
    added = float(signal.flux.max()) * (signal.depth_1 / depth - 1)
    return replace(
        signal,
        flux=(signal.flux + added) / (1 + added),
        depth_1=depth,
        depth_2=signal.depth_2 * depth / signal.depth_1,
    )
