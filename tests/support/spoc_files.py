"""Small light-curve files with the layout of SPOC, made to order."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.io import fits

from calnet_ops.keys import SpocName
from calnet_ops.science.lightcurve.spoc import COLUMNS

STAMP, SCID = "2024353092137", "0284"


def spoc_name(tic: int = 900_000_000_001, sector: int = 87) -> str:
    """File name of a two-minute light curve."""
    return str(SpocName(STAMP, sector, tic, SCID))


def eclipses(time: np.ndarray, period: float = 1.3, level: float = 1e4) -> np.ndarray:
    """Flux of a star with narrow eclipses, some noise and a slow trend."""
    rng = np.random.default_rng(7)
    phase = (time / period + 0.3) % 1
    dip = 0.2 * np.exp(-(((phase - 0.5) / 0.02) ** 2))
    return level * (1 - dip + 0.002 * np.sin(time / 5) + 1e-3 * rng.standard_normal(len(time)))


def spoc_arrays(n_row: int = 9000, gap: tuple[int, int] | None = (4400, 5000)) -> dict[str, Any]:
    """Columns of a light curve of two segments, without anything odd."""
    cadence = np.arange(n_row)
    time = 3663.1 + cadence * 120 / 86400
    arrays: dict[str, Any] = {name: np.full(n_row, np.nan) for name, _ in COLUMNS}
    flux = eclipses(time)
    arrays |= {"TIME": time, "CADENCENO": 900_000 + cadence, "QUALITY": np.zeros(n_row, int)}
    arrays |= {"TIMECORR": np.zeros(n_row), "SAP_FLUX": flux, "PDCSAP_FLUX": flux}
    arrays |= {"SAP_BKG": np.full(n_row, 900.0), "PDCSAP_FLUX_ERR": np.full(n_row, 12.0)}
    if gap:
        rows = slice(*gap)
        arrays["QUALITY"][rows] = 8
        for name in ("TIME", "PDCSAP_FLUX", "SAP_FLUX"):
            arrays[name] = arrays[name].copy()
            arrays[name][rows] = np.nan
    return arrays


def spoc_bytes(
    arrays: dict[str, Any] | None = None,
    *,
    tic: int = 900_000_000_001,
    sector: int = 87,
    cards: dict[str, Any] | None = None,
    columns: tuple[tuple[str, str], ...] = COLUMNS,
    units: Sequence[str] = (),
) -> bytes:
    """FITS bytes with valid checksums; `cards` go to every header that has them already."""
    arrays = spoc_arrays() if arrays is None else arrays
    primary = fits.PrimaryHDU()
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=arrays[name]) for name, form in columns]
    )
    aperture = fits.ImageHDU(np.ones((11, 11), np.int32))
    shared = {"TICID": tic, "OBJECT": f"TIC {tic}", "SIMDATA": True, "TELESCOP": "TESS"}
    headers = (
        {"NEXTEND": 2, "EXTNAME": "PRIMARY", "ORIGIN": "NASA/Ames", "SECTOR": sector}
        | {"DATE": "2025-01-20", "PROCVER": "spoc-5.0.1", "DATA_REL": 110, "CAMERA": 1, "CCD": 2}
        | {"RA_OBJ": 100.5, "DEC_OBJ": -20.25, "TESSMAG": 10.4, "TEFF": 5800.0}
        | shared,
        {"EXTNAME": "LIGHTCURVE", "TIMEDEL": 120 / 86400, "CROWDSAP": 0.98, "CDPP1_0": 200.0}
        | shared,
        {"EXTNAME": "APERTURE"} | shared,
    )
    for number, unit in enumerate(units, 1):
        table.header[f"TUNIT{number}"] = unit
    for hdu, own in zip((primary, table, aperture), headers, strict=True):
        changed = {name: value for name, value in (cards or {}).items() if name in own}
        for name, value in (own | changed).items():
            hdu.header[name] = value
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([primary, table, aperture]).writeto(buffer, checksum=True)
    return buffer.getvalue()
