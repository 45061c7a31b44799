"""Numbers of features and of a catalog."""

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops.science.catalog import schema
from calnet_ops.science.checks.expectations import CATALOG, FEATURES, Kind, Scope
from calnet_ops.science.checks.products import (
    SEGMENTS,
    catalog_columns,
    feature_statistics,
    segment_statistics,
)
from calnet_ops.science.features import extract
from calnet_ops.science.features.tables import features_table
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary

FACTS = dict.fromkeys((fact.name for fact in schema.FACTS), "")


def features(n_star: int = 2) -> pa.Table:
    segments = extract(eclipsing_binary())
    return features_table([(tic, 87, item) for tic in range(n_star) for item in segments])


def bounds_of(column: str):
    return next(item for item in FEATURES if item.column == column and item.kind is Kind.BETWEEN)


def row(tic: int, **changes):
    values = {"int64": tic, "int32": 1, "float64": 0.5, "text": "x", "bool": False}
    plain = {column.name: values[column.datatype] for column in schema.COLUMNS}
    return plain | {"sectors": "1", "tier": "model", "eb_type": "EA"} | changes


def test_features_of_a_light_curve_are_as_expected():
    segments = segment_statistics(features())
    assert segments.schema.equals(SEGMENTS)
    for column in ("flux_low", "flux_high", "power_low", "power_high", "n_cadence", "span_d"):
        expected = bounds_of(column)
        assert all(expected.low <= value <= expected.high for value in segments[column].to_pylist())
    assert segments["name"].to_pylist() == ["TIC 0 segment 1", "TIC 1 segment 1"]


def test_features_of_all_real_files_are_as_expected(shared_data):
    for file in sorted((shared_data / "tess").glob("*/*.fits"))[::4]:
        light_curve = spoc.read(file.read_bytes())
        table = features_table([(1, 1, item) for item in extract(light_curve)])
        segments = segment_statistics(table)
        for item in FEATURES:
            if item.scope is Scope.SEGMENT and item.kind is Kind.BETWEEN:
                values = segments[item.column].to_numpy()
                assert ((values >= item.low) & (values <= item.high)).all(), item.name


def test_values_that_are_not_numbers_are_counted():
    table = features(1)
    flux = np.array(table["flux"].to_pylist(), np.float32)
    flux[0, :7] = np.nan
    lists = pa.FixedSizeListArray.from_arrays(pa.array(flux.ravel()), flux.shape[1])
    odd = table.set_column(table.column_names.index("flux"), "flux", lists)
    assert segment_statistics(odd)["n_not_finite"].to_pylist() == [7]


def test_lost_files_are_counted():
    whole = feature_statistics(segment_statistics(features()), n_file=4, n_skipped=1)
    assert (whole["n_lost"], whole["n_segment"], whole["share_with_features"]) == (1, 2, 0.5)
    nothing = feature_statistics(SEGMENTS.empty_table(), n_file=0, n_skipped=0)
    assert (nothing["n_lost"], nothing["share_with_features"]) == (0, 0)


def test_columns_of_a_catalog_that_contradict_each_other_are_told():
    rows = [row(1, n_sector=2), row(2, sectors="1,2,2", n_sector=3, n_sector_scored=2)]
    table = catalog_columns(schema.from_rows(rows, FACTS))
    assert table["sector_surplus"].to_pylist() == [1, 1]
    assert table["scored_surplus"].to_pylist() == [1, 1]
    assert table["duration_share"].to_pylist() == pytest.approx([1 / 24, 1 / 24])
    assert table["name"].to_pylist() == ["TIC 1", "TIC 2"]


def test_empty_catalog_has_the_columns_too():
    table = catalog_columns(schema.from_rows([], FACTS))
    assert {item.column for item in CATALOG} <= set(table.column_names)
