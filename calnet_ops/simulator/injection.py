"""Eclipses that never were on real stars: known truth on real noise, and real noise without truth.

A real quiet light curve is multiplied by a binary's, turned upside down, or has its pieces dealt
anew. What comes out keeps the star's own noise, gaps and trends, which no simulation has in full.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.binaries import Binary, draw_binary, first_epoch, fold
from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.stars import draw_star
from calnet_ops.simulator.variables import TEFF_RANGE, planet

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = get_args(Side)

SHALLOWEST, DEEPEST = 0.002, 0.6
"""Depths asked for, evenly in their logarithm: from what a bright star still shows (Prsa et al.
2022 list EBs from 0.1%) to more than an equal pair has."""

LONGEST_PERIOD = 13.0
"""[d] An orbit of TESS, the length of a segment in most sectors: one eclipse in each."""

KINDS = (Kind.EA, Kind.EA, Kind.EB, Kind.EW)
"""In turn: half of them detached, as among known EBs (training list of CALNet: 66% EA)."""

LEAST_IN_ECLIPSE = 15
"""Good cadences below half of the depth: half an hour. With fewer the eclipse fell into a gap, and
there is nothing that anything could find."""

PIECE = 360
"""Cadences of a piece that is dealt anew: half a day, longer than most eclipses last."""

TEST_SHARE, VALIDATION_SHARE = 0.5, 0.1
"""Of the base stars. Few real stars, so half of them are for the test."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to the flux of a light curve, in this order."""

    upside_down: bool = False
    source: npt.NDArray[np.intp] | None = None
    """(n_cadence,) Cadence that each takes its flux from, see `dealt_anew`."""
    factor: Floats | None = None
    """(n_cadence,) What the star's own light is multiplied by; NaN where there is no time."""

    def apply(self, flux: Floats, flux_err: Floats, good: Mask, own: float = 1.0) -> list[Floats]:
        """Flux and its error (n_cadence,) after the change, of which `own` is the star's own."""
        if self.upside_down:
            flux = inverted(flux, good & np.isfinite(flux))
        if self.source is not None:
            flux, flux_err = flux[self.source], flux_err[self.source]
        if self.factor is None:
            return [flux, flux_err]
        factor = 1 + own * (np.where(np.isfinite(self.factor), self.factor, 1.0) - 1)
        return [flux * factor, flux_err * factor]


@dataclass(frozen=True, slots=True)
class MadeStar:
    """A star made of a real one."""

    kind: str
    """EA, EB or EW; or quiet, inverted, shuffled, "inverted, shuffled", PLANET."""
    is_eb: bool
    change: Change
    truth: dict[str, Any]
    """Of a binary: period_d, epoch_btjd, depth, depth_2, duration_h, snr; of a planet most."""


@dataclass(frozen=True, slots=True)
class Injection:
    """Eclipses for one light curve."""

    kind: Kind
    factor: Floats
    """(n_cadence,) What the star's own light is multiplied by; 1 on average over a revolution, NaN
    where there is no time."""
    period: float
    """[d]"""
    epoch: float
    """Middle of the first deeper eclipse [BTJD]."""
    depth_1: float
    """Below the brightest phase."""
    depth_2: float
    duration_1: float
    """From first to last contact [d]."""


def side_of(tic: int, seed: int) -> Side:
    """Side of a base star, with all that is made of it; other stars do not change it."""
    digest = hashlib.sha256(f"injection {seed} {tic}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < TEST_SHARE:
        return "test"
    return "validation" if share < TEST_SHARE + VALIDATION_SHARE else "train"


def make_binary(
    seed: int, tic: int, sector: int, number: int, time: Floats, flux: Floats, good: Mask
) -> MadeStar:
    """The `number`-th binary on a light curve, its eclipses in the star's own noise.

    Parameters
    ----------
    seed, tic, sector, number
        Decide what is drawn.
    time, flux, good : (n_cadence,)
        Of the real light curve.
    """
    rng = np.random.default_rng([seed, tic, sector, number])
    one = draw_injection(rng, KINDS[number % len(KINDS)], sector, time, good)
    shape = one.factor[good]
    truth = {
        "period_d": one.period,
        "epoch_btjd": one.epoch,
        "depth": one.depth_1,
        "depth_2": one.depth_2,
        "duration_h": 24 * one.duration_1,
        "snr": float(np.linalg.norm(shape - shape.mean()) / scatter(flux[good])),
    }
    return MadeStar(one.kind.value, True, Change(factor=one.factor), truth)


def make_other(
    seed: int, tic: int, sector: int, number: int, _time: Floats, _flux: Floats, good: Mask
) -> MadeStar:
    """The `number`-th star without eclipses; see `make_binary`.

    The first is the star itself, the second upside down; from then on pieces are dealt anew, of
    the star and of itself upside down in turn.
    """
    rng = np.random.default_rng([seed, tic, sector, number, 1])
    upside_down, kind = number % 2 == 1, "inverted" if number % 2 else "quiet"
    source = None
    if number > 1:
        source = dealt_anew(rng, good)
        kind = "inverted, shuffled" if upside_down else "shuffled"
    return MadeStar(kind, False, Change(upside_down, source), {})


def make_planet(
    seed: int, tic: int, sector: int, number: int, time: Floats, _flux: Floats, _good: Mask
) -> MadeStar:
    """The `number`-th star with a planet: transits of 0.1 to 2%; see `make_binary`."""
    rng = np.random.default_rng([seed, tic, sector, number, 3])
    there = np.isfinite(time)
    host = draw_star(rng, 0, pointing_of(sector), TEFF_RANGE[Kind.PLANET])
    one = planet(rng, host, np.where(there, time, np.nanmin(time)), LONGEST_PERIOD)
    truth = {
        "period_d": one.period,
        "epoch_btjd": one.epoch,
        "depth": one.depth_1,
        "duration_h": 24 * one.duration_1,
    }
    factor = np.where(there, one.flux, np.nan)
    return MadeStar(Kind.PLANET.value, False, Change(factor=factor), truth)


def scatter(flux: Floats) -> float:
    """Relative noise of a cadence, from second differences: slow signals drop out."""
    bend = flux[:-2] - 2 * flux[1:-1] + flux[2:]
    return float(1.4826 * np.median(np.abs(bend)) / np.sqrt(6) / np.median(flux))


def draw_injection(
    rng: np.random.Generator, kind: Kind, sector: int, time: Floats, good: Mask
) -> Injection:
    """Draw a binary that eclipses while a light curve lasts.

    Parameters
    ----------
    rng
        Seeded by light curve and number of the injection.
    kind
        EA, EB or EW.
    sector
        Of the light curve.
    time, good : (n_cadence,)
        BTJD [d], NaN where nothing was measured, and which cadences count.
    """
    while True:
        star = draw_star(rng, 0, pointing_of(sector), TEFF_RANGE[kind])
        binary = draw_binary(rng, kind, star, LONGEST_PERIOD)
        wanted = float(np.exp(rng.uniform(np.log(SHALLOWEST), np.log(DEEPEST))))
        epoch = float(rng.uniform()) * binary.period
        injection = make_injection(binary, kind, wanted, epoch, time)
        if injection is None:  # the pair itself is shallower
            continue
        floor = np.nanmax(injection.factor) * (1 - injection.depth_1 / 2)
        if np.count_nonzero(injection.factor[good] < floor) >= LEAST_IN_ECLIPSE:
            return injection


def make_injection(
    binary: Binary, kind: Kind, depth: float, epoch: float, time: Floats
) -> Injection | None:
    """Unroll a binary at the times of a light curve, with light of a third star for its depth.

    Parameters
    ----------
    binary
        The pair.
    kind
        What it is called.
    depth
        Wanted depth of the deeper eclipse, below the brightest phase.
    epoch
        Middle of a deeper eclipse [BTJD].
    time : (n_cadence,)
        BTJD [d].

    Returns
    -------
    injection
        None if the pair's own eclipse is shallower than wanted.
    """
    folded = fold(binary)
    if not depth <= folded.depth_1:
        return None
    # with light x added everywhere, depth = (max - min) / (max + x)
    highest = float(folded.flux.max())
    added = highest * (folded.depth_1 / depth - 1)
    flux = (folded.flux + added) / (1 + added)
    phase = ((time - epoch) / binary.period + 0.5) % 1.0 - 0.5
    start = float(time[np.isfinite(time)][0])
    return Injection(
        kind=kind,
        factor=np.interp(phase, folded.phase, flux),
        period=binary.period,
        epoch=first_epoch(epoch, binary.period, start),
        depth_1=depth,
        depth_2=folded.depth_2 * depth / folded.depth_1,
        duration_1=folded.duration_1 * binary.period,
    )


def inverted(flux: Floats, good: Mask) -> Floats:
    """Flux (n_cadence,) turned upside down about the median of its good cadences."""
    return 2 * np.median(flux[good]) - flux


def dealt_anew(rng: np.random.Generator, good: Mask) -> npt.NDArray[np.intp]:
    """Which cadence each cadence takes its flux from: pieces of the good ones change places.

    Parameters
    ----------
    rng
        Shuffles the pieces, and draws where the first one begins.
    good : (n_cadence,)
        Which cadences count; the others keep their own.

    Returns
    -------
    source : (n_cadence,)
        A permutation.
    """
    source = np.arange(len(good))
    here = np.flatnonzero(good)
    rolled = np.roll(here, int(rng.integers(PIECE)))
    pieces = [rolled[start : start + PIECE] for start in range(0, len(rolled), PIECE)]
    source[here] = np.concatenate([pieces[k] for k in rng.permutation(len(pieces))])
    return source
