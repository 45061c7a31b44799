import numpy as np
import pyarrow.compute as pc
import pytest

from calnet_ops.errors import MissingInput
from calnet_ops.science.features.tables import matrix
from calnet_ops.science.labels.records import LabelRecord
from calnet_ops.steps.dataset import freeze_dataset, judge_stars, load_segments, through_features
from calnet_ops.steps.freeze import freeze_labels, load_labels
from tests.support.labelled_sky import fill_platform


@pytest.fixture
def dataset(platform):
    fill_platform(platform, 30)
    return freeze_dataset(platform.ledger.latest("labels", 0).key, "v1", platform)


def test_all_segments_of_a_star_are_on_one_side(dataset):
    sides: dict[int, set[str]] = {}
    for row in dataset.table.to_pylist():
        sides.setdefault(row["tic"], set()).add(row["split"])
    assert len(sides) == 30
    assert all(len(side) == 1 for side in sides.values())


def test_the_same_inputs_give_the_same_data_set(platform, dataset):
    before = dict(platform.store.objects)
    again = freeze_dataset(platform.ledger.latest("labels", 0).key, "v1", platform)
    assert again.dataset_id == dataset.dataset_id
    assert platform.store.objects == before


def test_more_labels_move_no_star(platform, dataset):
    more = [LabelRecord(77, "EB", "", "another list", "catalog")]
    load_labels(more, platform)
    larger = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert larger.dataset_id != dataset.dataset_id
    sides = {(row["tic"], row["split"]) for row in dataset.table.to_pylist()}
    assert sides <= {(row["tic"], row["split"]) for row in larger.table.to_pylist()}


def test_segments_come_in_the_order_of_the_rows(platform, dataset):
    rows = dataset.table.take([5, 2, 40])
    flux, power = load_segments(rows, platform.store)
    whole = platform.store.load_table(rows["features_key"][0].as_py())
    assert np.array_equal(flux, matrix(whole, "flux")[[5, 2, 40]])
    assert np.array_equal(power, matrix(whole, "power")[[5, 2, 40]])


def test_stars_without_labels_and_labels_without_features_are_left_out(platform):
    fill_platform(platform, 4)
    load_labels([LabelRecord(77, "EB", "", "another list", "catalog")], platform)
    dataset = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert 77 not in dataset.table["tic"].to_pylist()


def test_no_features_is_an_error_that_says_what_to_do(platform):
    load_labels([LabelRecord(77, "EB", "", "a list", "catalog")], platform)
    with pytest.raises(MissingInput, match="Extract the features"):
        freeze_dataset(freeze_labels(platform)["key"], "v1", platform)


def test_a_star_counts_once_by_its_newest_sector(dataset):
    rows = dataset.table.slice(0, 2)
    older = rows.to_pylist()
    newer = [row | {"sector": 62} for row in older]
    both = type(rows).from_pylist(older + newer, schema=rows.schema)
    stars = judge_stars(both, np.array([0.1, 0.1, 0.9, 0.9], np.float32))
    assert stars.probability == pytest.approx([0.9])


def test_the_same_stars_are_seen_through_other_features_as_they_were_told_then(platform):
    fill_platform(platform, 20, versions=("v1", "v2"))
    frozen = freeze_dataset(platform.ledger.latest("labels", 0).key, "v1", platform).table
    rows = frozen.filter(pc.less(frozen["tic"], frozen["tic"][12]))
    # labels of now say nothing of it
    load_labels([LabelRecord(rows["tic"][0].as_py(), "UNSURE", "", "new", "catalog")], platform)
    freeze_labels(platform)
    other = through_features(rows, "v2", platform)
    assert set(other["features_key"].to_pylist()) == {"features/v2/s061/" + "a" * 16 + ".parquet"}
    assert other.drop_columns("features_key").to_pylist() == approx_rows(rows)
    flux, _ = load_segments(other, platform.store)
    assert np.array_equal(flux, load_segments(rows, platform.store)[0])


def approx_rows(table):
    """Rows in which NaN equals NaN."""
    rows = table.drop_columns("features_key").to_pylist()
    unknown = pytest.approx(np.nan, nan_ok=True)
    return [
        {name: unknown if name in {"period_d", "depth"} else value for name, value in row.items()}
        for row in rows
    ]
