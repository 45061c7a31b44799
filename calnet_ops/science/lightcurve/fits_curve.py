"""The light curve in a FITS file, of the cards of its headers and the columns of its table."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from calnet_ops.errors import TimesNotIncreasing, WrongLayout
from calnet_ops.science.lightcurve.hdus import SHOWN, Hdu
from calnet_ops.science.lightcurve.light_curve import Floats, Integers, LightCurve

DAY_S = 86400.0
"""Seconds in a day, as TIMEDEL is in days."""

LATEST_BTJD = 1e5
"""Later times [d] are no BTJD: it is the year 2288."""

Rows = NDArray[np.void]


def build_curve(primary: Hdu, table: Hdu, rows: Rows, columns: Mapping[str, str]) -> LightCurve:
    """Light curve of a table with TIME, QUALITY, CADENCENO and a flux.

    Parameters
    ----------
    primary, table
        Headers; what they do not say is NaN.
    rows
        Of the table.
    columns
        Column for flux, flux_err, background, centroid_col and centroid_row; but for flux, NaN
        if the table has none of that name.

    Raises
    ------
    WrongLayout
        If a column is missing, or a card is not what it should be.
    """
    names = rows.dtype.names or ()
    if not {"TIME", "QUALITY", "CADENCENO", columns["flux"]}.issubset(names):
        found = f"columns {', '.join(sorted(names))}"[:SHOWN]
        expected = f"TIME, QUALITY, CADENCENO, {columns['flux']}"
        raise WrongLayout("light curve", found=found, expected=expected)
    missing = np.full(len(rows), np.nan) if set(columns.values()) - set(names) else np.empty(0)
    arrays = {
        field: floats(rows, column) if column in names else missing
        for field, column in columns.items()
    }
    return LightCurve(
        tic=primary.integer("TICID"),
        sector=primary.integer("SECTOR"),
        cadence_s=round(table.number("TIMEDEL") * DAY_S, 3),
        time=floats(rows, "TIME"),
        flux=arrays["flux"],
        flux_err=arrays["flux_err"],
        quality=integers(rows, "QUALITY"),
        cadence_no=integers(rows, "CADENCENO"),
        background=arrays["background"],
        centroid_col=arrays["centroid_col"],
        centroid_row=arrays["centroid_row"],
        camera=primary.integer("CAMERA"),
        ccd=primary.integer("CCD"),
        ra=primary.number("RA_OBJ"),
        dec=primary.number("DEC_OBJ"),
        tmag=primary.number("TESSMAG"),
        teff=primary.number("TEFF"),
        crowdsap=table.number("CROWDSAP"),
        cdpp_1h=table.number("CDPP1_0"),
        simulated=primary.value("SIMDATA") is True,
        time_unit=_unit(table, names, "TIME"),
        flux_unit=_unit(table, names, columns["flux"]),
    )


def check_times(what: str, time: Floats) -> None:
    """Check that finite times increase, and are no later than BTJD can be.

    Raises
    ------
    TimesNotIncreasing
        If one is not later than the one before it.
    WrongLayout
        If they are in other units, or out of all bounds.
    """
    known = time[np.isfinite(time)]
    falls = np.flatnonzero(known[1:] <= known[:-1])
    if len(falls):
        at = f"{len(falls)} steps back or still, the first at BTJD {known[falls[0]]:.10g}"
        raise TimesNotIncreasing(what, found=at, expected="every TIME later than the last")
    if len(known) and max(-known[0], known[-1]) > LATEST_BTJD:
        found = f"TIME from {known[0]:.6g} to {known[-1]:.6g}"
        raise WrongLayout(what, found=found, expected="BTJD [d]")


def floats(rows: Rows, column: str) -> Floats:
    """Column as native float64 (n_row,); of NaNs, damaged bytes may hold any kind."""
    with np.errstate(invalid="ignore"):
        return rows[column].astype(np.float64)


def integers(rows: Rows, column: str) -> Integers:
    """Column as native int64 (n_row,); of a column of floats, what no integer can hold is any."""
    with np.errstate(invalid="ignore"):
        return rows[column].astype(np.int64)


def _unit(table: Hdu, names: tuple[str, ...], column: str) -> str:
    """Unit of a column in the words of the file."""
    return table.text(f"TUNIT{names.index(column) + 1}")
