"""Features as tables: one row a segment, and one row for each file that gave none."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from calnet_ops.errors import RejectedInput
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment

LENGTHS = {"flux": N_FLUX, "power": N_POWER}
"""Columns that hold a list a row, and its length."""

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

STEPS = 65535
"""Steps from 0 to 1 of features in the store, as 16 bits have. Scores move by 2e-5 at most, and
by ten times as much with floats of 16 bits (`tests/science/network/test_storage.py`)."""

STORED = pa.schema(
    [
        pa.field(field.name, pa.list_(pa.uint16(), field.type.list_size))
        if pa.types.is_fixed_size_list(field.type)
        else field
        for field in FEATURES
    ]
)
"""Columns of features in the store: flux and power are whole numbers of `STEPS`."""

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


def stored_table(features: pa.Table) -> pa.Table:
    """Table of `FEATURES` as the store keeps it, in half the room.

    What lies outside of 0..1 goes to its end, and NaN to 0: the statistics by which features are
    judged are taken before.
    """
    columns = {
        name: _whole_numbers(matrix(features, name)) if name in LENGTHS else features[name]
        for name in STORED.names
    }
    return pa.table(columns, schema=STORED)


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

    Parameters
    ----------
    table
        Of features, as `features_table` makes them or as the store keeps them.
    column
        ``flux`` or ``power``.

    Returns
    -------
    values : (n_row, n_value)
        Between 0 and 1; read-only.
    """
    values = as_floats(stored_matrix(table, column))
    values.flags.writeable = False
    return values


def stored_matrix(table: pa.Table, column: str) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Array (n_row, n_value) of the lists in a column as they are, see `as_floats`."""
    flat = table[column].combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, LENGTHS[column])


def as_floats(values: NDArray[np.uint16] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Flux or power in 0..1 from what a table holds: whole numbers of `STEPS`, or just that."""
    if values.dtype == np.uint16:
        return _from_steps(values)
    return values.astype(np.float32, copy=False)


def as_stored(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flux or power as they come back from the store, so that they get the very same score."""
    return _from_steps(_to_steps(values))


def _to_steps(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(np.nan_to_num(values).clip(0, 1) * STEPS).astype(np.uint16)


def _from_steps(steps: NDArray[np.uint16] | NDArray[np.float32]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.divide(steps, np.float32(STEPS), dtype=np.float32)
    return values


def _whole_numbers(values: NDArray[np.float32]) -> pa.Array:
    steps = _to_steps(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(steps.ravel()), values.shape[1])


def _lists(arrays: list[NDArray[np.float32]], size: int) -> pa.Array:
    values = np.concatenate([np.empty(0, np.float32), *arrays])
    return pa.FixedSizeListArray.from_arrays(pa.array(values), size)
