"""Tables that ingest writes: what they hold, and how they are made without pandas."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.lineage import lineage_id
from calnet_ops.science.checks import statistics
from calnet_ops.science.checks.sector import STORED
from calnet_ops.steps.ingest_trust import BAD, DIFFERS, RECOVERED, SUSPECT

VERSION = 2
"""Of what ingest makes; part of the lineage of plan, manifest and statistics."""

MANIFEST = pa.schema(
    {
        "file_name": pa.string(),
        "tic": pa.int64(),
        "sector": pa.int32(),
        "delivery": pa.int32(),
        "status": pa.string(),
        "reason": pa.string(),
        "message": pa.string(),
        "key": pa.string(),
        "n_bytes": pa.int64(),
        "sha256": pa.string(),
        "url": pa.string(),
        "source": pa.string(),
        "etag": pa.string(),
        "last_modified": pa.string(),
        "n_try": pa.int32(),
        "trust": pa.string(),
        "n_look": pa.int32(),
        "evidence": pa.string(),
        "compared": pa.string(),
        "date": pa.string(),
        "procver": pa.string(),
        "data_rel": pa.int32(),
        "simulated": pa.bool_(),
    }
)
"""What became of each listed file, by file name. `delivery` is the one that brought these bytes;
`compared` is empty but for the sample that was asked of both sources."""

STATISTICS = pa.schema([*statistics.COLUMNS, ("file_name", pa.string()), ("sha256", pa.string())])
"""What each stored file looks like, by file name; the columns are there without any file too."""

Row = dict[str, Any]


def make_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Table of some rows that have every column.

    Notes
    -----
    `pa.Table.from_pylist`, like anything in pyarrow that takes Python values, imports pandas:
    0.9 s of CPU and 60 MB in each task.

    Examples
    --------
    >>> make_table([{"a": 1}, {"a": None}], pa.schema({"a": pa.int32()}))["a"].to_pylist()
    [1, None]
    """
    columns = [_column([row[field.name] for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def merge(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table of many, by file name."""
    return pa.concat_tables([make_table([], schema), *tables]).sort_by("file_name")


def statistics_key(sector: int, manifest: pa.Table) -> str:
    """Key of the statistics of the files that a manifest believes, told by their bytes.

    Two manifests that believe the same files share it, so that what a slower run wrote always fits
    the manifest that was there first.
    """
    columns = (manifest[name].to_pylist() for name in ("file_name", "sha256", "status"))
    files = [
        [name, digest] for name, digest, status in zip(*columns, strict=True) if status == STORED
    ]
    return keys.statistics(sector, lineage_id("statistics", VERSION, sector=sector, files=files))


class Counts(TypedDict):
    """What a manifest says, in numbers."""

    n_stored: int
    n_quarantined: dict[str, int]
    """By reason."""
    n_bytes: int
    """Of the files that are stored."""
    n_recovered: int
    """Files that were believed, but not at the first look."""
    n_bad: int
    """Files in quarantine of which all sources say the same, or whose name is enough."""
    n_suspect: int
    """Files in quarantine of which the sources do not agree, and files of which no source has any
    bytes but an earlier delivery brought some: they are asked for again."""
    n_unchanged: int
    """Files whose bytes an earlier delivery brought."""
    n_compared: int
    """Files that both sources were asked for though the archive's are good."""
    n_differ: int
    """Of these, files of which the second source has other bytes."""


def count_rows(manifest: pa.Table, delivery: int) -> Counts:
    """Count what became of the files of a delivery."""
    columns = ("status", "reason", "trust", "compared", "n_bytes", "delivery")
    rows = manifest.select(columns).to_pylist()
    stored = [row for row in rows if row["status"] == STORED]
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    compared = Counter(row["compared"] for row in rows if row["compared"])
    trust = Counter(row["trust"] for row in rows)
    return Counts(
        n_stored=len(stored),
        n_quarantined=dict(sorted(reasons.items())),
        n_bytes=sum(row["n_bytes"] for row in stored),
        n_recovered=trust[RECOVERED],
        n_bad=trust[BAD],
        n_suspect=trust[SUSPECT],
        n_unchanged=sum(row["delivery"] < delivery for row in rows),
        n_compared=compared.total(),
        n_differ=compared[DIFFERS],
    )


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Column of texts, numbers or truths, from the buffers that make it up."""
    known = np.array([value is not None for value in values], bool)
    mask = None if known.all() else _bits(known)
    if pa.types.is_string(kind):
        texts = [(value or "").encode() for value in values]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        parts = [pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    elif pa.types.is_boolean(kind):
        parts = [_bits(np.array([bool(value) for value in values], bool))]
    else:
        filled = [0 if value is None else value for value in values]
        letter = "f" if pa.types.is_floating(kind) else "i"
        parts = [pa.py_buffer(np.array(filled, f"{letter}{kind.bit_width // 8}"))]
    return pa.Array.from_buffers(kind, len(values), [mask, *parts])


def _bits(truths: "np.ndarray[Any, np.dtype[np.bool_]]") -> pa.Buffer:
    return pa.py_buffer(np.packbits(truths, bitorder="little"))
