"""The formats of a release, each a module with ``write(table, file)`` and ``read(file)``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from calnet_ops.science.catalog.formats import csv, ecsv, fits, fixed_width, parquet, votable


@dataclass(frozen=True, slots=True)
class Format:
    """How a catalog is written in one format."""

    name: str
    file_name: str
    """Of the catalog in a release."""
    content_type: str
    write: Callable[[pa.Table, BinaryIO], None]
    read: Callable[[BinaryIO], pa.Table]
    keeps_facts: bool = True
    """Whether there is a place for facts about the whole catalog."""


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format(
            "parquet",
            "catalog.parquet",
            "application/vnd.apache.parquet",
            parquet.write,
            parquet.read,
        ),
        Format("fits", "catalog.fits", "application/fits", fits.write, fits.read),
        Format("votable", "catalog.vot", "application/x-votable+xml", votable.write, votable.read),
        Format("ecsv", "catalog.ecsv", "text/plain", ecsv.write, ecsv.read),
        Format("csv", "catalog.csv", "text/csv", csv.write, csv.read, keeps_facts=False),
        Format("fixed_width", "catalog.dat", "text/plain", fixed_width.write, fixed_width.read),
    )
}
"""Every format by name; tests and releases follow from here."""
