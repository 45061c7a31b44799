"""FITS binary table: for astronomers' own programs. Units, UCDs and comments per column."""

import io
import re
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.table import Table

from calnet_ops.science.catalog.astropy_table import FILL, from_astropy, to_astropy
from calnet_ops.science.catalog.schema import COLUMNS, FACTS, Column, facts_of

FORM = {"int64": "K", "int32": "J", "float64": "D", "bool": "L"}
"""TFORM code of each type; texts are as wide as their longest."""

COMMENT_LENGTH = 68
"""Characters that fit a card as a quoted string; more would need the CONTINUE convention."""

SHORT = 30
"""Values below this length leave room for a comment on their card."""

CHECKSUM_COMMENT = "of this HDU"
"""In place of astropy's, which is the time of day."""


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog; the same catalog gives the same bytes."""
    masked = to_astropy(table)
    columns = [_column(column, masked[column.name]) for column in COLUMNS]
    hdu = fits.BinTableHDU.from_columns(fits.ColDefs(columns), name="CATALOG")
    for number, column in enumerate(COLUMNS, start=1):
        hdu.header[f"TUCD{number}"] = (column.ucd, "UCD1+")
        # stilts and TOPCAT show TCOMM as the column's description
        hdu.header[f"TCOMM{number}"] = _short(column.description)
    primary = fits.PrimaryHDU()
    for header in (primary.header, hdu.header):
        _add_facts(header, facts_of(table))
    document = fits.HDUList([primary, hdu])
    for part in document:
        part.add_checksum(when=CHECKSUM_COMMENT)
    document.writeto(file)


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog."""
    with fits.open(io.BytesIO(file.read()), memmap=False) as document:
        header = document["CATALOG"].header
        masked = Table.read(document["CATALOG"])
        masked.meta = {fact.name: header.get(fact.keyword) for fact in FACTS}
    masked.meta["simulated"] = "true" if masked.meta["simulated"] else "false"
    return from_astropy(masked)


def _column(column: Column, values: np.ma.MaskedArray) -> fits.Column:
    filled = np.ma.filled(values, FILL[column.datatype])
    if column.datatype == "text":
        # a width of 0 is legal FITS, but not every reader survives it
        width = max([1, *(len(value) for value in filled)])
        return fits.Column(column.name, f"{width}A", array=filled.astype(f"S{width}"))
    null = FILL[column.datatype] if column.null and column.datatype.startswith("int") else None
    return fits.Column(
        column.name, FORM[column.datatype], unit=column.unit or None, null=null, array=filled
    )


def _add_facts(header: fits.Header, facts: dict[str, str]) -> None:
    for fact in FACTS:
        value = facts[fact.name]
        stated = value == "true" if fact.name == "simulated" else value
        header[fact.keyword] = (stated, fact.description) if len(value) < SHORT else stated
    header["RADESYS"] = ("ICRS", "frame of ra and dec")
    header["TIMESYS"] = ("TDB", "time scale of epoch_bjd_tdb")


def _short(text: str) -> str:
    if len(text) <= COMMENT_LENGTH:
        return text
    return re.sub(r"[,;:]?\s+\S*$", "", text[: COMMENT_LENGTH + 1])
