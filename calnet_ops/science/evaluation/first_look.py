"""Light curves that no model may mistake: a first look at a network from elsewhere.

Made here from formulas, so that they are the same wherever a file is imported: binaries with deep
eclipses, and stars that only have noise. What is told by them is coarse: which output is P(EB), and
whether the network answers at all. How good it is, the test stars tell.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from calnet_ops.science.features import extract
from calnet_ops.science.lightcurve.light_curve import LightCurve

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

N_OF_KIND = 12
"""Stars of each of three kinds: detached and contact binaries, and quiet stars."""

CADENCE_D = 120 / 86400
N_CADENCE = 9_500
"""Two-minute cadences of half a sector, 13.2 days."""

NOISE = 1e-3
"""Of the flux in a cadence: a star of magnitude 10 to 11."""

MIN_SPREAD = 1e-6
"""Of the answers: less is the same answer to everything. Rounding makes 1e-7; networks with random
weights were seen to answer within 1e-4 to 3e-3, those of PyTorch's default within 6e-6 to 3e-5."""

TELLING_SPREAD = 0.05
"""Of the answers: with less the network has hardly learned, and their order is chance."""

CLEAR = 0.8
"""Share of pairs of a binary and a quiet star that are in the right order, from which on the order
is told; trained networks reach 1."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a network says of the light curves."""

    in_order: float
    """Share of pairs of a binary and a quiet star of which the binary scores higher."""
    low: float
    """Lowest and …"""
    high: float
    """… highest score."""
    finite: bool

    @property
    def constant(self) -> bool:
        """Whether it says the same of everything."""
        return self.high - self.low < MIN_SPREAD

    @property
    def order(self) -> str:
        """``right``, ``reversed``, or ``not told`` where it tells binaries from nothing."""
        if self.high - self.low < TELLING_SPREAD:
            return "not told"
        if self.in_order >= CLEAR:
            return "right"
        return "reversed" if self.in_order <= 1 - CLEAR else "not told"


def look_at(score: Floats) -> FirstLook:
    """Judge what a network says of `first_segments`.

    Parameters
    ----------
    score
        (n_segment,) What is taken for P(EB).
    """
    is_eb = first_segments()[2]
    finite = bool(np.isfinite(score).all())
    higher = score[is_eb][:, None] - score[~is_eb][None, :]
    return FirstLook(
        in_order=float(np.mean(higher > 0) + 0.5 * np.mean(higher == 0)) if finite else 0.5,
        low=float(np.min(score)) if finite else 0.0,
        high=float(np.max(score)) if finite else 0.0,
        finite=finite,
    )


@cache
def first_segments() -> tuple[Floats, Floats, Mask]:
    """Features v1 of the light curves.

    Returns
    -------
    flux, power, is_eb
        (n, 4000), (n, 1000) and (n,).
    """
    rng = np.random.default_rng(2504)
    curves = [_detached(rng) for _ in range(N_OF_KIND)] + [_contact(rng) for _ in range(N_OF_KIND)]
    curves += [np.zeros(N_CADENCE) for _ in range(N_OF_KIND)]
    segments = [extract(_light_curve(dip, rng), "v1")[0] for dip in curves]
    is_eb = np.arange(len(curves)) < 2 * N_OF_KIND
    return (
        np.stack([one.flux for one in segments]),
        np.stack([one.power for one in segments]),
        is_eb,
    )


def _phase(rng: np.random.Generator, shortest: float, longest: float) -> npt.NDArray[np.float64]:
    period = rng.uniform(shortest, longest)
    return np.asarray((np.arange(N_CADENCE) * CADENCE_D / period + rng.random()) % 1)


def _detached(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Two trapezia an orbit, the second one shallower."""
    phase = _phase(rng, 1.0, 3.0)
    depth, width = rng.uniform(0.2, 0.5), rng.uniform(0.03, 0.06)
    other = depth * rng.uniform(0.3, 0.9)
    return depth * _trapezium(phase - 0.5, width) + other * _trapezium((phase % 1) - 1, width)


def _trapezium(distance: npt.NDArray[np.float64], width: float) -> npt.NDArray[np.float64]:
    near = np.abs((distance + 0.5) % 1 - 0.5)
    return np.clip(1.5 * (1 - near / width), 0, 1)


def _contact(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Two round minima an orbit, nearly alike, and no flat part."""
    phase = _phase(rng, 0.25, 0.5)
    depth = rng.uniform(0.2, 0.5)
    dip = 0.5 + 0.5 * np.cos(4 * np.pi * phase)
    return depth * dip * (1 - 0.1 * (np.cos(2 * np.pi * phase) < 0))


def _light_curve(dip: npt.NDArray[np.float64], rng: np.random.Generator) -> LightCurve:
    n, unknown = len(dip), np.full(len(dip), np.nan)
    flux = 1e4 * (1 - dip + NOISE * rng.standard_normal(n))
    return LightCurve(
        tic=0,
        sector=0,
        cadence_s=120.0,
        time=np.asarray(3000 + np.arange(n) * CADENCE_D, np.float64),
        flux=flux,
        flux_err=np.full(n, 1e4 * NOISE),
        quality=np.zeros(n, np.int64),
        cadence_no=np.arange(n),
        background=unknown,
        centroid_col=unknown,
        centroid_row=unknown,
        camera=0,
        ccd=0,
        ra=np.nan,
        dec=np.nan,
        tmag=np.nan,
        teff=np.nan,
        crowdsap=np.nan,
        cdpp_1h=np.nan,
        simulated=True,
    )
