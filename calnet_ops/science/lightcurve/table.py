"""Plain tables (CSV, ECSV, Parquet) with columns time, flux and, if you like, more.

``time`` is BTJD or BJD_TDB [d]; ``flux`` (or ``pdcsap_flux``) any unit; ``flux_err`` and
``quality`` are optional. ``tic`` and ``sector`` come from columns of that name, else from a
file name such as ``tic261136679_s0001.csv``.
"""

import io
import math
import re

import numpy as np

from calnet_ops.errors import WrongLayout
from calnet_ops.science.lightcurve.hdus import SHOWN
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO, Floats, Integers, LightCurve

DAY_S = 86400.0
"""Seconds in a day."""

PARQUET = b"PAR1"
"""First bytes of a Parquet file."""

ECSV = b"# %ECSV"
"""First bytes of an ECSV file."""

HEAD = 65536
"""Bytes of a text table in which its header must be found; ECSV lists its columns first."""

TOO_LARGE = 2.0**53
"""Beyond it, a float no longer holds every whole number."""

_TIC = re.compile(r"tic[-_ ]?0*(\d+)", re.IGNORECASE)
_SECTOR = re.compile(r"(?<![a-z0-9])s(?:ector)?0*(\d{1,4})(?![0-9])", re.IGNORECASE)

Columns = dict[str, Floats]


def claims(body: bytes) -> bool:
    """Whether it is Parquet, or text whose first line (but for comments) names time and flux."""
    if body.startswith(PARQUET):
        return True
    lines = body[:HEAD].decode("latin-1").lower().splitlines()
    header = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    names = set(re.split(r"[,;\s]+", header.replace('"', " ").strip()))
    # a damaged FITS header speaks of time and flux as well, but goes on into numbers
    text = not header.startswith("<") and header.replace("\t", " ").isprintable()
    return text and "time" in names and bool(names & {"flux", "pdcsap_flux"})


def read(name: str, body: bytes) -> LightCurve:
    """Light curve in order of time; of cadences with the same time the first is kept.

    Raises
    ------
    WrongLayout
        If it cannot be read as a table, or has no time or no flux.
    """
    columns = _columns(name, body)
    flux_name = "pdcsap_flux" if "pdcsap_flux" in columns else "flux"
    if not {"time", flux_name} <= columns.keys():
        found = f"columns {sorted(columns)}"[:SHOWN]
        raise WrongLayout(name, found=found, expected="time and flux")
    time = columns["time"]
    # times later than that can only be full Julian dates
    time = np.where(time > BTJD_ZERO, time - BTJD_ZERO, time)
    order = np.unique(time, return_index=True)[1]
    order = order[np.isfinite(time[order])]
    missing = np.full(len(time), np.nan)
    return LightCurve(
        tic=_number("tic", _TIC, name, columns),
        sector=_number("sector", _SECTOR, name, columns),
        cadence_s=_cadence_s(time[order]),
        time=time[order],
        flux=columns[flux_name][order],
        flux_err=columns.get(f"{flux_name}_err", missing)[order],
        quality=_quality(columns, len(time))[order],
        cadence_no=np.arange(len(order)),
        background=missing[order],
        centroid_col=missing[order],
        centroid_row=missing[order],
        camera=0,
        ccd=0,
        ra=math.nan,
        dec=math.nan,
        tmag=math.nan,
        teff=math.nan,
        crowdsap=math.nan,
        cdpp_1h=math.nan,
        simulated=False,
    )


def _columns(name: str, body: bytes) -> Columns:
    """Numeric columns by lower-case name; what is masked or no number is NaN."""
    from astropy.table import Table
    from pyarrow import parquet

    try:
        if body.startswith(PARQUET):
            table = parquet.read_table(io.BytesIO(body), use_threads=False)
            wide = {column: table[column].to_numpy() for column in table.column_names}
        else:
            lines = body.decode().splitlines()
            ecsv = body.startswith(ECSV)
            kind, kept = ("ascii.ecsv", lines) if ecsv else ("ascii.csv", _without_comments(lines))
            text = Table.read(kept, format=kind)
            wide = {column: text[column] for column in text.colnames}
    except Exception as error:  # what the two libraries raise at damaged bytes is not promised
        found = f"{error}".partition("\n")[0][:SHOWN] or type(error).__name__
        raise WrongLayout(name, found=found, expected="a table") from error
    return {
        column.lower(): _floats(values) for column, values in wide.items() if _is_number(values)
    }


def _is_number(values: np.ndarray) -> bool:
    return values.dtype.kind in "iufb"


def _without_comments(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("#")]


def _floats(values: np.ndarray) -> Floats:
    return np.array(np.ma.filled(np.ma.array(values, dtype=np.float64), np.nan))


def _quality(columns: Columns, n_cadence: int) -> Integers:
    """Quality flags; good if the table has none, not good where it leaves one out."""
    quality = columns.get("quality", np.zeros(n_cadence))
    known = np.abs(quality) < TOO_LARGE
    return np.where(known, quality, 1).astype(np.int64)


def _number(column: str, pattern: re.Pattern[str], name: str, columns: Columns) -> int:
    """Whole number from a column, else from the file name, else 0."""
    known = columns.get(column, np.empty(0))
    known = known[(known >= 0) & (known < TOO_LARGE)]
    if len(known):
        return int(known[0])
    match = pattern.search(name)
    return int(match[1]) if match else 0


def _cadence_s(time: Floats) -> float:
    return round(float(np.median(np.diff(time))) * DAY_S, 3) if len(time) > 1 else math.nan
