"""What it costs to judge a whole sector: 20,000 files, in a process of its own."""

import json
import multiprocessing
import resource
import time
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
from tests.support.platforms import make_platform
from tests.support.stored_sectors import store_statistics

N_FILE = 20_000
"""Two-minute targets of a sector."""

SECTOR = 68

N_STAR = 40
"""Stars that are simulated; each stands for 500."""

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

    def share_of_ingest(self, ingest_s_per_file: float) -> float:
        """CPU time over that of pulling as many files [s a file, all processes]."""
        return self.cpu_s / (N_FILE * ingest_s_per_file)


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
