"""In which files a delivery differs from the one before."""

from typing import Any

import pyarrow as pa

from calnet_ops.steps.ingest_tables import Row, make_table

ADDED, REMOVED, CHANGED, UNCHANGED = "added", "removed", "changed", "unchanged"

COMPARED = ("status", "reason", "sha256", "key", "date", "procver", "data_rel")
"""Columns of a manifest that a row of the difference has of both deliveries."""

DIFF = pa.schema(
    [
        ("file_name", pa.string()),
        ("tic", pa.int64()),
        ("change", pa.string()),
        *(
            (f"{column}_{when}", pa.int32() if column == "data_rel" else pa.string())
            for when in ("before", "after")
            for column in COMPARED
        ),
    ]
)
"""A row for each file that was added, removed or changed; text that there is none of is empty."""

IDENTITY = ("status", "sha256", "reason")
"""A file is the same if these are: a name is used again when a sector is processed again."""


def compare_deliveries(before: pa.Table, after: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Rows in which two manifests differ, by file name, and how many files did what.

    Parameters
    ----------
    before, after
        Manifests of two deliveries of a sector.
    """
    old, new = _rows_of(before), _rows_of(after)
    counts = dict.fromkeys((ADDED, REMOVED, CHANGED, UNCHANGED), 0)
    rows = []
    for name in sorted(old.keys() | new.keys()):
        change = _change(old.get(name), new.get(name))
        counts[change] += 1
        if change != UNCHANGED:
            rows.append(_row(name, change, old.get(name, {}), new.get(name, {})))
    return make_table(rows, DIFF), counts


def _rows_of(manifest: pa.Table) -> dict[str, Row]:
    columns = ["file_name", "tic", *COMPARED]
    return {row["file_name"]: row for row in manifest.select(columns).to_pylist()}


def _change(old: Row | None, new: Row | None) -> str:
    if old is None:
        return ADDED
    if new is None:
        return REMOVED
    return UNCHANGED if all(old[part] == new[part] for part in IDENTITY) else CHANGED


def _row(name: str, change: str, old: Row, new: Row) -> Row:
    row: dict[str, Any] = {"file_name": name, "tic": (new or old)["tic"], "change": change}
    for when, side in (("before", old), ("after", new)):
        row |= {f"{column}_{when}": side.get(column) for column in COMPARED}
    return row
