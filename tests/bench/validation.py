"""What it costs to judge a whole sector: 20,000 files, in a process of its own."""

import json
import multiprocessing
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from calnet_ops.keys import SpocName
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps.validate import validate_sector
from tests.bench.measure import Figure
from tests.support.platforms import make_platform
from tests.support.stored_sectors import store_statistics

N_FILE = 20_000
"""Two-minute targets of a sector."""

SECTOR = 68

N_STAR = 40
"""Stars that are simulated; each stands for 500."""

MOST_SHARE = 0.1
"""Of the time of ingest that validation may take."""

FILE_BYTES = 2_013_120
"""A light curve of a sector of 27 days."""

SHARE_ODD = 0.01
"""Files that some expectation does not hold for."""


@dataclass(frozen=True)
class Cost:
    """What a validation took, Great Expectations and its import included."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    """Memory of the process at its largest; 150 MiB of it are numpy and pyarrow."""
    n_marked: int

    def share_of_ingest(self, files_per_s: float) -> float:
        """Time it took over that of pulling as many files at that rate."""
        return self.wall_s * files_per_s / N_FILE


def measure(folder: Path, known: Mapping[str, Mapping[str, float]]) -> list[Figure]:
    """Share of the time of an ingest at the rate that was just measured, and the memory."""
    cost = validation_cost(folder)
    files_per_s = 1e6 * known["ingest_vs_copy"]["value"] / FILE_BYTES
    return [
        Figure("validate_share_of_ingest", cost.share_of_ingest(files_per_s), "", MOST_SHARE),
        Figure("validate_20000_files_s", cost.wall_s, "s", N_FILE / files_per_s),
    ]


def validation_cost(folder: Path) -> Cost:
    """Judge a sector of 20,000 files in a new process.

    Parameters
    ----------
    folder
        Empty; gets a simulated sector and a ledger.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_validate, folder, _sector(folder)).result()


def _sector(folder: Path) -> pa.Table:
    """Statistics of a sector, each star under many numbers, with values that differ a little."""
    simulate_sector(folder / "sky", SECTOR, n_star=N_STAR, seed=1, workers=1)
    files = sorted((folder / "sky" / f"s{SECTOR:03d}").glob("*.fits"))
    stars = [file_statistics(spoc.read(file.read_bytes())) for file in files]
    rng = np.random.default_rng(1)
    jitter = 1 + 1e-4 * rng.standard_normal(N_FILE)
    odd = rng.random(N_FILE) < SHARE_ODD
    first = SpocName.parse(files[0].name)
    rows = []
    for number in range(N_FILE):
        tic = 10**11 + number
        name = str(SpocName(first.stamp, SECTOR, tic, first.scid))
        row = stars[number % N_STAR] | {"tic": tic, "file_name": name, "sha256": "0" * 64}
        row |= {"camera": 1 + number % 4, "ccd": 1 + number // 4 % 4}
        for column in ("tmag", "median_flux", "flux_err_ppm", "scatter_ppm", "background_median"):
            row[column] = row[column] * jitter[number]
        if odd[number]:
            row |= {"share_good": 0.2, "magnitude_residual": 0.9}
        rows.append(row)
    return pa.Table.from_pylist(rows)


def _validate(folder: Path, statistics: pa.Table) -> Cost:
    platform = make_platform(folder)
    store_statistics(platform, statistics, SECTOR, n_expected=N_FILE)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    record = validate_sector(SECTOR, platform)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    report = json.loads(platform.store.load(record["report"]))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(cpu_s, wall_s, peak_mib, report["n_marked"])
