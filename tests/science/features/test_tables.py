"""Stored features are those of memory, to 16 bits."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calnet_ops.adapters.store import to_parquet
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.features.tables import STORED, features_table, matrix, stored_table


def table(n_row, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n_row):
        flux, power = (rng.random(size).astype(np.float32) for size in (N_FLUX, N_POWER))
        flux[:2] = power[:2] = 0, 1
        rows.append((number, 87, Segment(1, 9000, 3660.0, 3672.5, flux, power)))
    return features_table(rows)


def read(body, columns=None):
    return pq.ParquetFile(pa.BufferReader(body)).read(columns=columns)


@pytest.mark.parametrize("n_row", [0, 1, 40])
def test_values_come_back_to_half_a_step(n_row):
    whole = table(n_row)
    stored = read(to_parquet(stored_table(whole)))
    for column in ("flux", "power"):
        kept = matrix(stored, column)
        assert kept.dtype == np.float32
        assert not kept.flags.writeable
        np.testing.assert_allclose(kept, matrix(whole, column), atol=0.51 / 65535)
        np.testing.assert_array_equal(kept[:, :2], np.tile([0, 1], (n_row, 1)))


def test_a_second_rounding_changes_nothing():
    once = stored_table(table(3))
    assert stored_table(once).equals(once)


def test_columns_are_read_one_by_one_and_take_half_the_room():
    whole = table(40)
    body, floats = to_parquet(stored_table(whole)), to_parquet(whole)
    assert read(body, ["tic", "power"]).column_names == ["tic", "power"]
    assert len(body) < 0.75 * len(floats)  # noise, which no compression makes smaller
    assert read(body).schema.names == STORED.names


def test_what_is_no_feature_goes_to_an_end_and_warns_nobody():
    rows = features_table(
        [(1, 1, Segment(1, 9, 0.0, 1.0, _with(N_FLUX, np.nan, -0.5, 1.5), _with(N_POWER)))]
    )
    np.testing.assert_array_equal(matrix(stored_table(rows), "flux")[0, :3], [0, 0, 1])


def _with(size, *values):
    row = np.zeros(size, np.float32)
    row[: len(values)] = values
    return row
