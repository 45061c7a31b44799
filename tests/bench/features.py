"""From the bytes of a light curve to its features, beside astropy and FITPACK."""

import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.timeseries import LombScargle
from scipy.interpolate import InterpolatedUnivariateSpline

from calnet_ops.science.features import extract, v1
from calnet_ops.science.features.gls import gls_power_nufft
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import simulate_sector
from tests.bench.measure import Figure, medians_ms

N_FILE = 40


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


def measure(folder: Path, _known: object) -> list[Figure]:
    """Figures of the core, for one file on one core."""
    start = time.perf_counter()
    simulate_sector(folder, 68, n_star=N_FILE, seed=1)
    simulated = N_FILE / (time.perf_counter() - start)
    files = sorted((folder / "s068").glob("*.fits"))
    name, body = files[0].name, files[0].read_bytes()
    light_curve = spoc.read(body)
    good = np.flatnonzero(light_curve.good)[:9000]
    time_d, flux = light_curve.time[good], light_curve.flux[good].astype(np.float64)
    took = medians_ms(
        {
            "gls": lambda: gls_power_nufft(time_d, flux, 1 / v1.PERIOD),
            "todays gls": lambda: todays_periodogram(time_d, flux),
            "features": lambda: extract(spoc.verify_and_read(name, body)[1], "v1"),
            "todays features": lambda: todays_way(files[0]),
            "read": lambda: spoc.verify_and_read(name, body),
            "todays read": lambda: fits.getdata(files[0], 1),
        }
    )
    return [
        Figure("gls_segment_ms", took["gls"], "ms", took["todays gls"]),
        Figure("file_features_ms", took["features"], "ms", took["todays features"]),
        Figure("verify_and_read_ms", took["read"], "ms", took["todays read"]),
        Figure("simulated_files_per_s", simulated, "1/s", 500 / 60, more_is_better=True),
    ]
