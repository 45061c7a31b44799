"""Write sectors that never were: SPOC light curves, MAST's tables beside them, the truth apart."""

import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from calnet_ops.errors import WrongConfiguration
from calnet_ops.keys import sector_key
from calnet_ops.simulator.binaries import binary_signal
from calnet_ops.simulator.camera import camera_season, sector_timeline
from calnet_ops.simulator.damage import DAMAGES
from calnet_ops.simulator.issues import (
    PlantedIssue,
    check_windows,
    light_at_orbits,
    plant,
    save_issues,
)
from calnet_ops.simulator.lifelike import Lifelike, any_brightness, heated, restless, shallower
from calnet_ops.simulator.mast_tables import Listed, save_tables
from calnet_ops.simulator.pairs import KINDS as PAIR_KINDS
from calnet_ops.simulator.pairs import Pair, crowded, pair_star, set_scene
from calnet_ops.simulator.photometry import observe, white_noise
from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.signals import DEFAULT_MIX, Kind, Signal, allot_kinds
from calnet_ops.simulator.spoc_file import file_name, spoc_file
from calnet_ops.simulator.stars import Star, draw_star, home_sector, own_tic
from calnet_ops.simulator.timeline import Timeline
from calnet_ops.simulator.truth import TruthRow, save_truth
from calnet_ops.simulator.variables import DRAW, TEFF_RANGE

Progress = Callable[[int, int], None]
"""Called with the files written so far and all there will be."""

LONGEST_PERIOD = 11.0
"""Longest period of a binary or planet [d]: at least two eclipses in a sector of 27 days."""

LONGEST_PERIOD_COMPACT = 2.6
"""The same in a compact sector of 8.3 days."""

CHUNK = 8
"""Files that a worker writes before it reports."""

PAIRS_AFTER = 100
"""TIC numbers left free for damaged files between the good stars and the pairs."""

NOTHING_LEARNED = Lifelike(restless=False, brightness=False, shallow=False, heated=False)
"""The stars as they are drawn."""

MAST_FOLDER = "mast"
"""Sub-folder of the tables."""


@dataclass(frozen=True, slots=True)
class Job:
    """One star to be written; small, since it travels to another process."""

    folder: Path
    sector: int
    tic: int
    kind: Kind
    seed: int
    compact: bool
    delivery: int = 1
    damage: str = ""
    issues: tuple[PlantedIssue, ...] = ()
    pair: Pair | None = None
    """The two stars of which this is one."""
    lifelike: Lifelike | None = None
    """What real stars taught, if it is to be heeded."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a job."""

    truth: TruthRow
    listed: Listed
    n_bytes: int


@dataclass(frozen=True)
class SectorReport:
    """What was written."""

    sector: int
    folder: Path
    """Folder of the light curves."""
    truth: tuple[TruthRow, ...]
    """One row a file, by name."""
    n_bytes: int
    wall_s: float

    @property
    def n_file(self) -> int:
        """Light curves, the damaged ones among them."""
        return len(self.truth)


def simulate_sector(
    folder: Path,
    sector: int,
    *,
    n_star: int,
    seed: int,
    truth: Path | None = None,
    mix: Mapping[str, float] = DEFAULT_MIX,
    compact: bool = False,
    damaged: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
    first_tic: int | None = None,
    delivery: int = 1,
    issues: Sequence[PlantedIssue] = (),
    n_pair: int = 0,
    scattered_light: float = 0.0,
    lifelike: bool = False,
) -> SectorReport:
    """Write a sector as the archive would hold it.

    Parameters
    ----------
    folder
        Gets ``s087/<light curves>`` and ``mast/<CDPP table, target list>``, and with `issues`
        also ``mast/known_issues.csv``.
    sector
        1 to 106.
    n_star
        Good light curves.
    seed
        The same seed gives the same bytes, whatever the number of workers.
    truth
        CSV file of what each star really is; must not lie in `folder`, which is served. Rows of
        other sectors in it are kept.
    mix
        Share of each `Kind`; the numbers of stars match it exactly.
    compact
        6000 rows and one gap in place of a whole sector.
    damaged
        Add one bad file of each kind in `damage.DAMAGES`.
    workers
        Processes; 1 works in this one.
    progress
        Told about every few files.
    first_tic
        Number of the first star. Given that of another sector, with the same seed, mix and
        number of stars, the same stars are observed again.
    delivery
        2 and later: the same names and light, newly processed (DATE, DATA_REL, PROCVER).
    issues
        Windows in which something goes wrong.
    n_pair
        So many pairs of stars more, 0.2 to 3 pixels apart: a binary, and a quiet star that has some
        of its light, and so its eclipses, in the aperture.
    scattered_light
        Share of each orbit in scattered light that no flag tells of, in all cameras.
    lifelike
        Heed what real stars taught, see `lifelike`: most stars wander about their mean, magnitudes
        reach further, and half of the binaries are shallower. Pairs stay as they are.

    Raises
    ------
    WrongConfiguration
        If an option makes no sense.
    """
    began = clock.monotonic()
    if truth is not None and truth.resolve().is_relative_to(folder.resolve()):
        raise WrongConfiguration(
            "truth", found=str(truth), expected=f"a file outside {folder}, which is served"
        )
    timeline = sector_timeline(sector, compact=compact)
    issues = (*issues, *light_at_orbits(timeline, scattered_light))
    check_windows(sector, timeline.clock, issues)
    first_tic = own_tic(sector, 0) if first_tic is None else first_tic
    lights = folder / sector_key(sector)
    lights.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(
            lights,
            sector,
            first_tic + i,
            kind,
            seed,
            compact,
            delivery,
            issues=issues,
            lifelike=Lifelike() if lifelike else None,
        )
        for i, kind in enumerate(allot_kinds(mix, n_star, seed))
    ]
    if damaged:
        jobs += _damaged_jobs(jobs, first_tic + n_star)
    jobs += _paired_jobs(jobs[0], n_pair, first_tic + n_star + PAIRS_AFTER) if n_pair else []
    done: list[Written] = []
    for written in _run(jobs, workers):
        done += written
        if progress is not None:
            progress(len(done), len(jobs))
    save_tables(folder / MAST_FOLDER, pointing_of(sector), _each_once(done))
    save_issues(folder / MAST_FOLDER, sector, issues)
    rows = tuple(sorted((one.truth for one in done), key=lambda row: row.file_name))
    if truth is not None:
        save_truth(truth, rows)
    n_bytes = sum(one.n_bytes for one in done)
    return SectorReport(sector, lights, rows, n_bytes, clock.monotonic() - began)


def light_curve(job: Job) -> tuple[str, bytes, Star, Signal, Listed]:
    """Name and bytes of a star's light curve, and what is true of it.

    What the star is and does is seeded by its number, the rest by number and sector.
    """
    pointing = pointing_of(job.sector)
    timeline = sector_timeline(job.sector, compact=job.compact)
    star, signal = _star_and_signal(job, timeline)
    time = timeline.barycentric(star.ra, star.dec)
    seen = np.random.default_rng([job.seed, job.tic, job.sector])
    camera = camera_season(job.sector, star.camera, compact=job.compact)
    observation = observe(seen, star, signal, timeline, camera, time)
    plant(observation.table, time[0], [i for i in job.issues if i.meets(star.camera, star.ccd)])
    body = spoc_file(seen, star, pointing, observation, job.delivery)
    listed = Listed(star, observation.white, observation.red)
    return file_name(pointing, job.tic), body, star, signal, listed


def _star_and_signal(job: Job, timeline: Timeline) -> tuple[Star, Signal]:
    """Draw who the star is and what it does."""
    home = pointing_of(home_sector(job.tic, job.sector))
    longest = LONGEST_PERIOD_COMPACT if job.compact else LONGEST_PERIOD
    if job.pair is not None:
        place = set_scene(job.pair, job.seed, home)[0].eclipsing
        time = timeline.barycentric(place.ra, place.dec)[0]
        return pair_star(job.pair, job.tic, job.seed, home, time, longest)
    born = np.random.default_rng([job.seed, job.tic])
    star = draw_star(born, job.tic, home, TEFF_RANGE[job.kind])
    life = job.lifelike or NOTHING_LEARNED
    alive = np.random.default_rng([job.seed, job.tic, 1])
    if life.brightness:
        star = any_brightness(alive.spawn(1)[0], star)
    time = timeline.barycentric(star.ra, star.dec)[0]
    if job.kind.is_eb:
        noise = white_noise(star.tmag, star.crowdsap)
        signal = binary_signal(born, job.kind, star, time, longest=longest, noise=noise)
        if life.heated and job.kind is Kind.EA:
            signal = heated(alive.spawn(1)[0], time) or signal
        if life.shallow:
            signal = shallower(alive.spawn(1)[0], signal, star)
    else:
        signal = DRAW[job.kind](born, star, time, longest)
    if signal.neighbour is not None:
        star = replace(star, crowdsap=crowded(star.crowdsap, signal.neighbour_light))
    if life.restless:
        signal = replace(signal, flux=signal.flux * restless(alive.spawn(1)[0], time))
    return star, signal


def _write(job: Job) -> Written:
    """Write one file, damaged if the job says so."""
    name, body, star, signal, listed = light_curve(job)
    if job.damage:
        damage = DAMAGES[job.damage]
        name, body = damage.name(name), damage.body(body)
    (job.folder / name).write_bytes(body)
    truth = TruthRow(
        file_name=name,
        tic=star.tic,
        sector=job.sector,
        kind=job.kind.value,
        is_eb=job.kind.is_eb,
        period=signal.period,
        epoch_btjd=signal.epoch,
        depth_1=signal.depth_1,
        depth_2=signal.depth_2,
        duration_1_h=24 * signal.duration_1,
        ra=star.ra,
        dec=star.dec,
        tmag=star.tmag,
        damage=job.damage,
    )
    return Written(truth, listed, len(body))


def _write_chunk(jobs: list[Job]) -> list[Written]:
    """Write a few files; what a worker runs."""
    return [_write(job) for job in jobs]


def _run(jobs: list[Job], workers: int) -> Iterator[list[Written]]:
    """Write all files, reporting chunk by chunk in order."""
    chunks = [jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK)]
    if workers <= 1 or len(chunks) == 1:
        yield from map(_write_chunk, chunks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write_chunk, chunks)


def _damaged_jobs(good: list[Job], next_tic: int) -> list[Job]:
    """One job for each kind of damage, made of eclipsing binaries with numbers of their own."""
    jobs = []
    for i, (name, damage) in enumerate(DAMAGES.items()):
        first = good[0]
        tic, kind = (first.tic, first.kind) if damage.same_star else (next_tic + i, Kind.EA)
        jobs.append(replace(first, tic=tic, kind=kind, damage=name))
    return jobs


def _paired_jobs(first: Job, n_pair: int, next_tic: int) -> list[Job]:
    """Two jobs a pair: the binary first, then the quiet star next door."""
    jobs = []
    for i in range(n_pair):
        pair = Pair(next_tic + 2 * i, next_tic + 2 * i + 1, PAIR_KINDS[i % len(PAIR_KINDS)])
        jobs.append(replace(first, tic=pair.eclipsing, kind=pair.kind, pair=pair))
        jobs.append(replace(first, tic=pair.quiet, kind=Kind.BLEND, pair=pair))
    return jobs


def _each_once(done: list[Written]) -> list[Listed]:
    """Every star once, although a duplicate has two files."""
    return list({one.listed.star.tic: one.listed for one in done}.values())
