"""Simulated eclipsing binaries with all that is true of them, without files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.simulator.binaries import binary_signal
from calnet_ops.simulator.camera import camera_season, sector_timeline
from calnet_ops.simulator.photometry import observe, white_noise
from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.sectors import LONGEST_PERIOD
from calnet_ops.simulator.signals import Kind, Signal
from calnet_ops.simulator.spoc_file import spoc_file
from calnet_ops.simulator.stars import draw_star, own_tic
from calnet_ops.simulator.variables import TEFF_RANGE


@dataclass(frozen=True)
class SimulatedBinary:
    """A binary, what is true of it, and what was seen of it."""

    kind: str
    tic: int
    tmag: float
    period: float
    epoch: float
    depth_1: float
    depth_2: float
    duration_1: float
    """First to last contact [d]."""
    light_curves: tuple[LightCurve, ...]
    """One a sector."""


def simulate_binaries(
    kinds: Iterable[str],
    *,
    seed: int,
    sectors: tuple[int, ...] = (27,),
    longest: float = LONGEST_PERIOD,
) -> Iterator[SimulatedBinary]:
    """One binary for each of some types, seen in the same sectors.

    Parameters
    ----------
    kinds
        EA, EB or EW.
    seed
        The same seed gives the same stars.
    sectors
        The first is where it was placed.
    longest
        Longest period [d].
    """
    for index, kind in enumerate(kinds):
        yield _simulate(Kind(kind), own_tic(sectors[0], index), seed, sectors, longest)


def _simulate(
    kind: Kind, tic: int, seed: int, sectors: tuple[int, ...], longest: float
) -> SimulatedBinary:
    seen: list[LightCurve] = []
    first: Signal | None = None
    for sector in sectors:
        born = np.random.default_rng([seed, tic])
        star = draw_star(born, tic, pointing_of(sectors[0]), TEFF_RANGE[kind])
        timeline = sector_timeline(sector, compact=False)
        time = timeline.barycentric(star.ra, star.dec)
        noise = white_noise(star.tmag, star.crowdsap)
        signal = binary_signal(born, kind, star, time[0], longest=longest, noise=noise)
        first = first or signal
        if signal.period != first.period:  # drawn again, for a sector of another length
            continue
        rng = np.random.default_rng([seed, tic, sector])
        camera = camera_season(sector, star.camera, compact=False)
        observation = observe(rng, star, signal, timeline, camera, time)
        seen.append(spoc.read(spoc_file(rng, star, pointing_of(sector), observation, 1)))
    assert first is not None
    return SimulatedBinary(
        kind=kind.value,
        tic=tic,
        tmag=star.tmag,
        period=first.period,
        epoch=first.epoch,
        depth_1=first.depth_1,
        depth_2=first.depth_2,
        duration_1=first.duration_1,
        light_curves=tuple(seen),
    )
