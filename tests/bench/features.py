"""From the bytes of a light curve to its features, beside the published steps and today's tools."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nifty_ls
import numpy as np
from astropy.io import fits
from astropy.timeseries import LombScargle
from scipy.interpolate import InterpolatedUnivariateSpline

from calnet_ops.lineage import sha256_hex
from calnet_ops.science.features import extract, v1
from calnet_ops.science.features.gls import fast_gls_power, gls_power, gls_power_nufft
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import simulate_sector
from tests.bench.measure import Figure, medians_ms
from tests.support.published import loop_power, write_features

N_FILE = 40
SECTOR = 27
"""Two segments a star, as in most sectors up to 55."""

N_CADENCE = 9000
"""Of a segment: half a sector, less what is flagged."""

N_QUICK = 20
"""What takes milliseconds is done so often in a row: a worker does nothing else either."""

SAMPLES_A_PEAK = 30
"""Of the regular grid that nifty-ls needs; then cubic interpolation is right to 6e-6."""

FREQUENCY = 1 / v1.PERIOD

START = """
import resource, sys
from tests.support.light_curves import eclipsing_binary
from calnet_ops.science import features
if sys.argv[1] == "extract":
    features.extract(eclipsing_binary(4000))
usage = resource.getrusage(resource.RUSAGE_SELF)
print(1000 * (usage.ru_utime + usage.ru_stime))
"""


def todays_way(file: Path) -> None:
    """Features of a file with astropy and FITPACK, without the published detours."""
    with fits.open(file) as hdus:
        table = hdus[1].data
        good = (table["QUALITY"] == 0) & np.isfinite(table["PDCSAP_FLUX"])
        time_d, flux = (table[name][good].astype(float) for name in ("TIME", "PDCSAP_FLUX"))
    for piece in np.split(np.arange(len(time_d)), np.flatnonzero(np.diff(time_d) > 0.75) + 1):
        kept = piece[flux[piece] < np.percentile(flux[piece], 99)]
        if len(piece) >= 2000:
            InterpolatedUnivariateSpline(time_d[kept], flux[kept])(
                np.linspace(time_d[kept[0]], time_d[kept[-1]], 4000)
            )
            todays_periodogram(time_d[kept], flux[kept])


def todays_periodogram(time_d: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """GLS at the published periods: astropy's fast method takes no period grid."""
    power: np.ndarray = LombScargle(time_d, flux).power(FREQUENCY, method="cython")
    return power


def nifty_periodogram(time_d: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """GLS at the published periods by nifty-ls: a regular grid, and cubics through four points."""
    step = 1 / np.ptp(time_d) / SAMPLES_A_PEAK
    lowest = FREQUENCY.min() - 2 * step
    n_grid = int((FREQUENCY.max() - lowest) / step) + 4
    found = nifty_ls.lombscargle(
        time_d, flux, fmin=lowest, fmax=lowest + (n_grid - 1) * step, Nf=n_grid, nthreads=1
    ).power
    place = (FREQUENCY - lowest) / step
    left = place.astype(int) - 1
    u = place - left
    before, here, there, after = (found[left + shift] for shift in range(4))
    power: np.ndarray = (
        -before * (u - 1) * (u - 2) * (u - 3) / 6
        + here * u * (u - 2) * (u - 3) / 2
        - there * u * (u - 1) * (u - 3) / 2
        + after * u * (u - 1) * (u - 2) / 6
    )
    return power


def oracle(time_d: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """GLS by the equations, 50 periods at once."""
    parts = np.split(FREQUENCY, 20)
    return np.concatenate([gls_power(time_d, flux, np.ones_like(flux), part) for part in parts])


def measure(folder: Path, _known: object) -> list[Figure]:
    """Figures of the core, for one file on one core."""
    start = time.perf_counter()
    simulate_sector(folder, SECTOR, n_star=N_FILE, seed=1)
    simulated = N_FILE / (time.perf_counter() - start)
    file = min((folder / f"s{SECTOR:03d}").glob("*.fits"))
    return [
        *_periodogram_figures(file),
        *_file_figures(file, folder),
        Figure("features_start_ms", _start_ms("extract"), "ms", _start_ms("import")),
        Figure("simulated_files_per_s", simulated, "1/s", 500 / 60, more_is_better=True),
    ]


def _periodogram_figures(file: Path) -> list[Figure]:
    light_curve = spoc.read(file.read_bytes())
    good = np.flatnonzero(light_curve.good)[:N_CADENCE]
    time_d, flux, flux_err = (
        np.ascontiguousarray(values[good])
        for values in (light_curve.time, light_curve.flux, light_curve.flux_err)
    )
    took = _medians_ms(
        quick={
            "gls": lambda: fast_gls_power(time_d, flux, FREQUENCY),
            "weighted": lambda: fast_gls_power(time_d, flux, FREQUENCY, flux_err),
            "nufft": lambda: gls_power_nufft(time_d, flux, FREQUENCY),
        },
        slow={
            "port": lambda: loop_power(time_d, flux),
            "oracle": lambda: oracle(time_d, flux),
            "astropy": lambda: todays_periodogram(time_d, flux),
            "nifty": lambda: nifty_periodogram(time_d, flux),
        },
    )
    return [
        Figure("gls_segment_ms", took["gls"], "ms", took["port"]),
        Figure("gls_vs_oracle_ms", took["gls"], "ms", took["oracle"]),
        Figure("gls_vs_astropy_ms", took["gls"], "ms", took["astropy"]),
        Figure("gls_vs_nifty_ls_ms", took["gls"], "ms", took["nifty"]),
        Figure("gls_weighted_ms", took["weighted"], "ms", took["port"]),
        Figure("gls_any_times_ms", took["nufft"], "ms", took["port"]),
    ]


def _file_figures(file: Path, folder: Path) -> list[Figure]:
    name, body = file.name, file.read_bytes()
    took = _medians_ms(
        quick={
            "features": lambda: _hash_and_extract(name, body),
            "read": lambda: spoc.verify_and_read(name, body),
        },
        slow={
            "published": lambda: write_features(file, folder),
            "todays": lambda: todays_way(file),
            "todays read": lambda: fits.getdata(file, 1),
        },
    )
    return [
        Figure("file_features_ms", took["features"], "ms", took["published"]),
        Figure("file_vs_astropy_ms", took["features"], "ms", took["todays"]),
        Figure("verify_and_read_ms", took["read"], "ms", took["todays read"]),
    ]


def _hash_and_extract(name: str, body: bytes) -> object:
    """Everything that is done with a file: SHA-256, checksums and checks, features."""
    return sha256_hex(body), extract(spoc.verify_and_read(name, body)[1], "v1")


def _medians_ms(
    quick: dict[str, Callable[[], Any]], slow: dict[str, Callable[[], Any]]
) -> dict[str, float]:
    def often(work: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: [work() for _ in range(N_QUICK)]

    for work in quick.values():
        work()  # which compiles it, or loads what was compiled: `features_start_ms`
    took = medians_ms({name: often(work) for name, work in quick.items()} | slow)
    return {name: value / (N_QUICK if name in quick else 1) for name, value in took.items()}


def _start_ms(what: str) -> float:
    """CPU time of a new process that imports all that features need, and makes the first ones."""
    done = subprocess.run(
        [sys.executable, "-c", START, what],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    return float(done.stdout)
