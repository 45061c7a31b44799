"""CALNet's published steps from light curve to features, written anew from their description.

An oracle for `features.v1` (without the mask), and the peer of its speed (with it).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.interpolate import InterpolatedUnivariateSpline

PERIOD = np.logspace(-3, 1, 1125)[125:]
N_FLUX = 4000
CUT = 3.0
"""Standard deviations of the outlier mask."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution whose median absolute deviation is 1."""

TRIMMED = -0.15405 + 0.90723 * CUT - 0.23584 * CUT**2 + 0.020142 * CUT**3
"""Standard deviation of a normal distribution cut at three of its own (a known fit: 0.989)."""

Pieces = Iterator[tuple[np.ndarray, np.ndarray]]


def long_segments(time: np.ndarray, flux: np.ndarray, n_least: int = 2000) -> Pieces:
    """Times and fluxes between gaps, cadence by cadence, less the highest percentile."""
    start = 0
    for stop in range(1, len(time) + 1):
        if stop == len(time) or time[stop] - time[stop - 1] > 0.75:
            if stop - start >= n_least:
                piece = slice(start, stop)
                low = flux[piece] < np.percentile(flux[piece], 99)
                yield time[piece][low], flux[piece][low]
            start = stop


def spline_samples(time: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """FITPACK's spline through all points, scaled."""
    spline = InterpolatedUnivariateSpline(_elapsed(time), flux, k=3)
    return scaled(spline(np.linspace(0, 1, N_FLUX)))


def masked_samples(time: np.ndarray, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as published: after two cuts in the residuals of such splines; and what was kept."""
    elapsed, kept = _elapsed(time), np.arange(len(time))
    for _ in range(3):
        spline = InterpolatedUnivariateSpline(elapsed[kept], flux[kept], k=3)
        samples, used = spline(np.linspace(0, 1, N_FLUX)), kept
        kept = kept[_near(flux[kept] - spline(elapsed[kept]))]
    return scaled(samples), used


def _near(residual: np.ndarray) -> np.ndarray:
    """Mask of what lies near the median, by a robust standard deviation, refined once."""
    away = np.abs(residual - np.median(residual))
    sigma = MAD_TO_SIGMA * np.median(away)
    if sigma < 1e-24:
        sigma = 1.253 * np.mean(away)
    inner = residual[away <= CUT * sigma]
    return away <= CUT * np.std(inner) / TRIMMED


def loop_power(time: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """GLS power, period by period: Zechmeister & Kürster 2009, eqs. 5-15, equal weights."""
    weight = np.full(len(time), 1 / len(time))
    mean = (weight * flux).sum(dtype=np.float64)
    variance = (weight * flux**2).sum(dtype=np.float64) - mean**2
    power = np.empty(len(PERIOD))
    for number, omega in enumerate(2 * np.pi / PERIOD):
        cosine, sine = np.cos(omega * time), np.sin(omega * time)
        c = (weight * cosine).sum(dtype=np.float64)
        s = (weight * sine).sum(dtype=np.float64)
        yc = (weight * flux * cosine).sum(dtype=np.float64) - mean * c
        ys = (weight * flux * sine).sum(dtype=np.float64) - mean * s
        cc = (weight * cosine**2).sum(dtype=np.float64) - c * c
        ss = (weight * sine**2).sum(dtype=np.float64) - s * s
        cs = (weight * cosine * sine).sum(dtype=np.float64) - c * s
        explained = ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys
        power[number] = explained / (variance * (cc * ss - cs**2))
    return power


def write_features(file: Path, folder: Path) -> int:
    """Published features of a file, as two rows a segment in two CSV files; how many segments."""
    table = fits.getdata(file)
    good = (table["QUALITY"] == 0) & ~np.isnan(table["PDCSAP_FLUX"])
    n_segment = 0
    for time, flux in long_segments(table["TIME"][good], table["PDCSAP_FLUX"][good]):
        samples, _ = masked_samples(time, flux)
        _append(folder / "flux.csv", file.name, samples)
        _append(folder / "power.csv", file.name, scaled(loop_power(time, flux)))
        n_segment += 1
    return n_segment


def scaled(values: np.ndarray) -> np.ndarray:
    """From 0 to 1."""
    return (values - values.min()) / (values.max() - values.min())


def _append(file: Path, name: str, values: np.ndarray) -> None:
    with file.open("a", newline="") as open_file:
        csv.writer(open_file).writerow([name, *values])


def _elapsed(time: np.ndarray) -> np.ndarray:
    return (time - time[0]) / (time[-1] - time[0])
