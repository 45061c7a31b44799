"""Light curves made by formula, so that they are the same on every machine."""

from dataclasses import replace
from typing import Any

import numpy as np

from calnet_ops.science.lightcurve.light_curve import LightCurve


def eclipsing_binary(
    n_cadence: int = 5000, *, cadence_s: float = 120.0, start: float = 3660.1
) -> LightCurve:
    """EA with unequal eclipses, ellipsoidal variation and repeatable noise; no gaps."""
    number = np.arange(n_cadence)
    time = start + number * cadence_s / 86400
    time = time + 3e-3 * np.sin((time - start) / 9)  # as the barycentre shifts it
    phase = (time - start) / 1.7 % 1
    dips = 0.3 * np.exp(-(((phase - 0.35) / 0.02) ** 2))
    dips = dips + 0.1 * np.exp(-(((phase - 0.85) / 0.02) ** 2))
    noise = np.sin(number * number * 0.7853) + np.sin(number * 12.9898) + np.cos(number * 78.233)
    flux = 1e4 * (1 - dips + 0.01 * np.cos(4 * np.pi * phase) + 1e-3 * noise)
    return light_curve(time, flux, cadence_s=cadence_s)


def light_curve(
    time: np.ndarray, flux: np.ndarray, quality: np.ndarray | None = None, cadence_s: float = 120.0
) -> LightCurve:
    """Light curve of a simulated star; its arrays are read-only."""
    n_cadence = len(time)
    arrays: dict[str, Any] = {
        "time": np.array(time, np.float64),
        "flux": np.array(flux, np.float64),
        "flux_err": np.full(n_cadence, 10.0),
        "quality": np.zeros(n_cadence, np.int64) if quality is None else np.array(quality),
        "cadence_no": np.arange(n_cadence),
        "background": np.full(n_cadence, 900.0),
        "centroid_col": np.full(n_cadence, 1000.5),
        "centroid_row": np.full(n_cadence, 500.5),
    }
    for array in arrays.values():
        array.flags.writeable = False
    return LightCurve(
        tic=900_000_000_001,
        sector=87,
        cadence_s=cadence_s,
        camera=1,
        ccd=2,
        ra=100.5,
        dec=-20.25,
        tmag=10.4,
        teff=5800.0,
        crowdsap=0.98,
        cdpp_1h=200.0,
        simulated=True,
        **arrays,
    )


def with_gaps(whole: LightCurve, lengths: list[int], gap_d: float = 1.0) -> LightCurve:
    """Light curve of pieces of the given lengths, `gap_d` apart."""
    pieces = np.repeat(np.arange(len(lengths)), lengths)
    n_cadence = len(pieces)
    return light_curve(
        whole.time[:n_cadence] + pieces * gap_d, whole.flux[:n_cadence], cadence_s=whole.cadence_s
    )


def with_flux(whole: LightCurve, flux: np.ndarray) -> LightCurve:
    """Light curve with another flux."""
    return replace(whole, flux=np.array(flux, np.float64))
