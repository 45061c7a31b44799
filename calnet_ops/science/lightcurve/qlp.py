"""Quick-Look Pipeline light curves (HLSP): full-frame, detrended, relative flux."""

from calnet_ops.science.lightcurve.fits_curve import build_curve, check_times
from calnet_ops.science.lightcurve.hdus import Hdu, split_hdus, table_rows
from calnet_ops.science.lightcurve.light_curve import LightCurve

ORIGIN = "MIT/QLP"
"""ORIGIN card of its files."""

FLUX_COLUMNS = ("KSPSAP_FLUX", "DET_FLUX")
"""Detrended flux: by splines up to sector 55, under the other name from sector 56 on."""


def claims(hdus: list[Hdu]) -> bool:
    """Whether the Quick-Look Pipeline made it."""
    return len(hdus) > 1 and hdus[0].text("ORIGIN") == ORIGIN


def read(name: str, body: bytes) -> LightCurve:
    """Light curve with the detrended flux, median 1.

    Raises
    ------
    WrongLayout
        If neither of the flux columns is there, or another one is missing.
    TimesNotIncreasing
        If time stands still or runs backwards.
    """
    primary, table = split_hdus(name, body)[:2]
    rows = table_rows(table, body)
    names = rows.dtype.names or ()
    flux = next((column for column in FLUX_COLUMNS if column in names), FLUX_COLUMNS[0])
    columns = {
        "flux": flux,
        "flux_err": f"{flux}_ERR",
        "background": "SAP_BKG",
        "centroid_col": "SAP_X",
        "centroid_row": "SAP_Y",
    }
    curve = build_curve(primary, table, rows, columns)
    check_times(name, curve.time)
    return curve
