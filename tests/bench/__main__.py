"""Measure, print a table, write `var/bench/bench.json` (name: value, unit, baseline, ratio)."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.timeseries import LombScargle
from scipy.interpolate import InterpolatedUnivariateSpline

from calnet_ops.cli.output import console, show_rows
from calnet_ops.science.features import extract, v1
from calnet_ops.science.features.gls import gls_power_nufft
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import simulate_sector

OUT = Path("var/bench/bench.json")
ROUNDS = 5
N_FILE = 40


def median_ms(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median CPU time of some rounds [ms]: other users of the machine do not count."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def todays_way(file: Path) -> None:
    """Features of a file with astropy and FITPACK, as the published recipe has them."""
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
    power: np.ndarray = LombScargle(time_d, flux).power(1 / v1.PERIOD, method="cython")
    return power


def measure(folder: Path) -> dict[str, tuple[float, str, float]]:
    """Each figure with its unit and what it is compared with."""
    start = time.perf_counter()
    simulate_sector(folder, 68, n_star=N_FILE, seed=1)
    simulated = N_FILE / (time.perf_counter() - start)
    files = sorted((folder / "s068").glob("*.fits"))
    name, body = files[0].name, files[0].read_bytes()
    light_curve = spoc.read(body)
    good = np.flatnonzero(light_curve.good)[:9000]
    time_d, flux = light_curve.time[good], light_curve.flux[good].astype(np.float64)

    def read() -> None:
        spoc.verify(name, body)
        spoc.read(body)

    def features() -> None:
        spoc.verify(name, body)
        extract(spoc.read(body), "v1")

    return {
        "gls_segment_ms": (
            median_ms(lambda: gls_power_nufft(time_d, flux, 1 / v1.PERIOD)),
            "ms",
            median_ms(lambda: todays_periodogram(time_d, flux)),
        ),
        "file_features_ms": (
            median_ms(features),
            "ms",
            median_ms(lambda: todays_way(files[0])),
        ),
        "verify_and_read_ms": (median_ms(read), "ms", median_ms(lambda: fits.getdata(files[0], 1))),
        "simulated_files_per_s": (simulated, "1/s", 500 / 60),
    }


def main() -> None:
    """Run all benchmarks."""
    with tempfile.TemporaryDirectory() as folder, console.status("measuring …"):
        figures = measure(Path(folder))
    rows = [
        {
            "name": name,
            "value": value,
            "unit": unit,
            "baseline": baseline,
            "ratio": value / baseline if unit.startswith("1/") else baseline / value,
        }
        for name, (value, unit, baseline) in figures.items()
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({row.pop("name"): row for row in map(dict, rows)}, indent=1))
    show_rows(rows, as_json=False, title="Speed (ratio: how many times better than the baseline)")


if __name__ == "__main__":
    main()
