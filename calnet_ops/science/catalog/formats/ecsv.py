"""ECSV: text that people can read and that keeps types, units and descriptions."""

import io
from typing import BinaryIO

import pyarrow as pa
from astropy.table import Table

from calnet_ops.science.catalog.astropy_table import from_astropy, to_astropy


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog; the same catalog gives the same bytes."""
    text = io.StringIO(newline="")
    to_astropy(table).write(text, format="ascii.ecsv")
    file.write(text.getvalue().encode())


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog."""
    return from_astropy(Table.read(file.read().decode(), format="ascii.ecsv"))
