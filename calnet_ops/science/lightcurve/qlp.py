"""Quick-Look Pipeline light curves (HLSP): full-frame, detrended, relative flux."""

import math

import numpy as np

from calnet_ops.errors import WrongLayout
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.hdus import Hdu, split_hdus, table_columns, table_rows
from calnet_ops.science.lightcurve.light_curve import Floats, LightCurve

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
        If neither of the flux columns is there.
    TimesNotIncreasing
        If time stands still or runs backwards.
    """
    primary, table = split_hdus(name, body)[:2]
    columns = {column.upper() for column, _ in table_columns(table)}
    flux = next((column for column in FLUX_COLUMNS if column in columns), None)
    needed = {"TIME", "QUALITY", "CADENCENO"}
    if flux is None or not needed <= columns:
        raise WrongLayout(name, found=f"columns {sorted(columns)}", expected=f"{FLUX_COLUMNS[0]}")
    rows = table_rows(table, body)
    time = spoc.floats(rows, "TIME")
    spoc.check_times(name, time)

    def floats(column: str) -> Floats:
        if column not in columns:
            return np.full(len(rows), np.nan)
        return spoc.floats(rows, column)

    return LightCurve(
        tic=primary.integer("TICID"),
        sector=primary.integer("SECTOR"),
        cadence_s=round(table.number("TIMEDEL") * spoc.DAY_S, 3),
        time=time,
        flux=floats(flux),
        flux_err=floats(f"{flux}_ERR"),
        quality=rows["QUALITY"].astype(np.int64),
        cadence_no=rows["CADENCENO"].astype(np.int64),
        background=floats("SAP_BKG"),
        centroid_col=floats("SAP_X"),
        centroid_row=floats("SAP_Y"),
        camera=primary.integer("CAMERA"),
        ccd=primary.integer("CCD"),
        ra=primary.number("RA_OBJ"),
        dec=primary.number("DEC_OBJ"),
        tmag=primary.number("TESSMAG"),
        teff=primary.number("TEFF"),
        crowdsap=math.nan,
        cdpp_1h=math.nan,
        simulated=primary.value("SIMDATA") is True,
    )
