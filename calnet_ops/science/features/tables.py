"""Features as tables: one row a segment, and one row for each file that gave none."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from calnet_ops.errors import RejectedInput
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment

FEATURES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("segment", pa.int32()),
        ("n_cadence", pa.int32()),
        ("time_start", pa.float64()),
        ("time_stop", pa.float64()),
        ("flux", pa.list_(pa.float32(), N_FLUX)),
        ("power", pa.list_(pa.float32(), N_POWER)),
    ]
)
"""Columns of the features table; times are BTJD [d], flux and power in [0, 1]."""

SKIPPED = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("file_name", pa.string()),
        ("reason", pa.string()),
        ("message", pa.string()),
    ]
)
"""Columns of the table of files without features; tic and sector are null if nobody knows."""


def features_table(rows: Iterable[tuple[int, int, Segment]]) -> pa.Table:
    """Table of segments (tic, sector, segment), sorted by these three."""
    ordered = sorted(rows, key=lambda row: (row[0], row[1], row[2].segment))
    segments = [segment for _, _, segment in ordered]
    columns = {
        "tic": [tic for tic, _, _ in ordered],
        "sector": [sector for _, sector, _ in ordered],
        "segment": [segment.segment for segment in segments],
        "n_cadence": [segment.n_cadence for segment in segments],
        "time_start": [segment.time_start for segment in segments],
        "time_stop": [segment.time_stop for segment in segments],
        "flux": _lists([segment.flux for segment in segments], N_FLUX),
        "power": _lists([segment.power for segment in segments], N_POWER),
    }
    return pa.table(columns, schema=FEATURES)


def skipped_row(
    tic: int | None, sector: int | None, file_name: str, error: RejectedInput
) -> dict[str, int | str | None]:
    """Row of the table of files without features."""
    return {
        "tic": tic,
        "sector": sector,
        "file_name": file_name,
        "reason": error.reason,
        "message": str(error),
    }


def skipped_table(rows: Iterable[dict[str, int | str | None]]) -> pa.Table:
    """Table of files without features, sorted by file name."""
    ordered = sorted(rows, key=lambda row: str(row["file_name"]))
    return pa.Table.from_pylist(ordered, schema=SKIPPED)


def matrix(table: pa.Table, column: str) -> NDArray[np.float32]:
    """Array of the lists in a column.

    Returns
    -------
    values : (n_row, n_value)
        Read-only.
    """
    n_value = {"flux": N_FLUX, "power": N_POWER}[column]
    values = table[column].combine_chunks()
    flat: NDArray[np.float32] = values.flatten().to_numpy()
    return flat.reshape(-1, n_value)


def _lists(arrays: list[NDArray[np.float32]], size: int) -> pa.Array:
    values = np.concatenate([np.empty(0, np.float32), *arrays])
    return pa.FixedSizeListArray.from_arrays(pa.array(values), size)
