"""Parquet: for programs and for the store. Units, UCDs and descriptions are in the schema."""

from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog.schema import FACTS, conform


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog; the same catalog gives the same bytes."""
    pq.write_table(table, file, compression="zstd")


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog."""
    table = pq.ParquetFile(file).read(use_threads=False)
    metadata = table.schema.metadata or {}
    missing = [fact.name for fact in FACTS if fact.name.encode() not in metadata]
    if missing:
        raise WrongLayout("catalog", found=f"no {', '.join(missing)}", expected="in its metadata")
    facts = {fact.name: metadata[fact.name.encode()].decode() for fact in FACTS}
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    return conform(columns, facts)
