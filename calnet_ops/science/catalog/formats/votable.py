"""VOTable 1.4: for the Virtual Observatory (TOPCAT, Aladin, ADQL clients)."""

import io
from typing import Any, BinaryIO

import pyarrow as pa
from astropy.io import votable
from astropy.io.votable.tree import CooSys, Info, TableElement, TimeSys, VOTableFile
from astropy.table import Table

from calnet_ops.science.catalog.astropy_table import FILL, from_astropy, to_astropy
from calnet_ops.science.catalog.schema import COLUMNS, FACTS, TITLE, facts_of

FRAME_OF = {"ra": "icrs", "dec": "icrs", "epoch_bjd_tdb": "bjd_tdb"}
"""Columns that are measured in a frame, and the id of that frame."""


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog with UCDs, frames and facts; the same catalog gives the same bytes."""
    masked = to_astropy(table)
    masked.meta.clear()
    document = VOTableFile.from_table(masked)
    document.description = TITLE
    resource = document.resources[0]
    resource.coordinate_systems.append(CooSys(ID="icrs", system="ICRS", epoch="J2000"))
    resource.time_systems.append(
        TimeSys(
            ID="bjd_tdb",
            timeorigin="JD-origin",
            timescale="TDB",
            refposition="BARYCENTER",
            config={"version_1_4_or_later": True},
        )
    )
    for name, value in facts_of(table).items():
        resource.infos.append(Info(ID=f"fact_{name}", name=name, value=value))
    _describe(document.get_first_table())
    document.to_xml(file)


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog."""
    document = votable.parse(io.BytesIO(file.read()))
    masked: Table = document.get_first_table().to_table(use_names_over_ids=True)
    names = {fact.name for fact in FACTS}
    infos = document.resources[0].infos
    masked.meta = {info.name: info.value for info in infos if info.name in names}
    return from_astropy(masked)


def _describe(table: TableElement) -> None:
    table.name = "catalog"
    fields: list[Any] = list(table.fields)
    for column, field in zip(COLUMNS, fields, strict=True):
        if column.name in FRAME_OF:
            field.ref = FRAME_OF[column.name]
        if column.datatype == "text":
            field.arraysize = "*"  # a width of 1, as of an empty column, is deprecated
        if column.null and column.datatype in ("int32", "int64"):
            field.values.null = FILL[column.datatype]
