"""Segments of a data set from the store, shard by shard, and states of a training."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from typing_extensions import override

from calnet_ops import keys
from calnet_ops.science.checks.products import SHAPE, segment_shape
from calnet_ops.science.features.segment import Segment
from calnet_ops.science.features.tables import as_floats, features_table, stored_table
from calnet_ops.steps import checkpoints
from calnet_ops.steps.checkpoints import StoredCheckpoints, forget_given_up
from calnet_ops.steps.dataset import load_segments
from calnet_ops.steps.stored_segments import StoredSegments
from tests.support.memory_store import MemoryStore


class Counting(MemoryStore):
    """Notes which tables are read."""

    def __init__(self):
        super().__init__()
        self.read = []

    @override
    def load_table(self, key, columns=None):
        self.read.append(key)
        return super().load_table(key, columns)


class MeanFlux:
    """Scores with the mean flux."""

    def score(self, flux, power):
        return flux.mean(axis=1)


@pytest.fixture
def store():
    """Three tables of features, of 6 segments each."""
    rng = np.random.default_rng(1)
    store = Counting()
    for number in range(3):
        rows = [(tic, 61, _segment(rng, s)) for tic in range(number, 90, 30) for s in (1, 2)]
        store.save_table(f"features/{number}", stored_table(features_table(rows)))
    return store


def _segment(rng, number):
    flux, power = (rng.random(width, np.float32) for width in (4000, 1000))
    return Segment(number, 9000, 0.0, 13.0, flux, power)


@pytest.fixture
def rows():
    """Rows of a data set in its order, by star: all tables in turn, and not all of each."""
    named = [(tic, number) for tic in range(90) for number in (1, 2) if tic % 30 < 3]
    chosen = [name for name in named if name != (31, 2)]
    return pa.table(
        {
            "tic": [tic for tic, _ in chosen],
            "sector": [61] * len(chosen),
            "segment": [number for _, number in chosen],
            "verdict": ["EB" if tic % 2 else "NOT_EB" for tic, _ in chosen],
            "weight": pa.array([1.0 + tic for tic, _ in chosen], pa.float32()),
            "features_key": [f"features/{tic % 30}" for tic, _ in chosen],
        }
    )


@pytest.fixture
def segments(rows, store, tmp_path):
    return StoredSegments(rows, store, tmp_path / "scratch")


def test_shards_hold_the_rows_as_the_store_keeps_them(segments, rows, store):
    assert segments.n_in_shard == [6, 5, 6]
    flux, power = load_segments(rows, store)
    for shard, (n_segment, start) in enumerate(zip((6, 5, 6), (0, 6, 11), strict=True)):
        parts = segments.load(shard)
        assert {part.dtype for part in parts} == {np.dtype(np.uint16)}
        of_rows = segments.order[start : start + n_segment]
        np.testing.assert_array_equal(as_floats(parts[0]), flux[of_rows])
        np.testing.assert_array_equal(as_floats(parts[1]), power[of_rows])
    tic = rows["tic"].to_numpy()[segments.order]
    np.testing.assert_array_equal(segments.is_eb, tic % 2 == 1)
    np.testing.assert_array_equal(segments.weight, 1 + tic)


def test_the_store_is_asked_once(segments, store):
    first = [segments.load(shard) for shard in (1, 0)]
    again = [segments.load(shard) for shard in (1, 0)]
    assert store.read == ["features/1", "features/0"]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_scores_and_shapes_come_in_the_order_of_the_rows(segments, rows, store):
    flux, power = load_segments(rows, store)
    np.testing.assert_array_equal(segments.score(MeanFlux()), flux.mean(axis=1))
    expected = segment_shape(flux, power)
    for name, values in segments.shapes().items():
        np.testing.assert_array_equal(values, expected[name])
    assert set(expected) == set(SHAPE)


def test_the_newest_state_stays_and_is_gone_when_there_is_a_model(monkeypatch):
    monkeypatch.setattr(checkpoints, "KEPT_AFTER_S", 0.0)
    store = MemoryStore()
    one, other = (StoredCheckpoints(lineage, store) for lineage in ("abc", "def"))
    assert one.newest() is None
    other.offer(1, lambda: b"of another training")
    for epoch in (9, 10, 11):
        one.offer(epoch, f"state {epoch}".encode)
    assert list(store.iter_keys("training/abc/")) == [keys.training_state("abc", 11)]
    assert StoredCheckpoints("abc", store).newest() == b"state 11"
    one.forget()
    assert one.newest() is None
    assert other.newest() == b"of another training"


def test_states_that_nobody_takes_up_again_go_when_another_training_begins(platform, monkeypatch):
    """Not those of the training that begins, nor those that somebody may still go on from."""
    monkeypatch.setattr(checkpoints, "KEPT_AFTER_S", 0.0)
    store = platform.store
    for lineage in ("mine", "old", "young"):
        StoredCheckpoints(lineage, store).offer(1, lineage.encode)
    store.save_new("models/old", b"no state")
    ages = {"mine": 31, "old": 31, "young": 29}
    for lineage, days in ages.items():
        key = keys.training_state(lineage, 1)
        store.written[key] = platform.now() - timedelta(days=days)
    store.written["models/old"] = datetime(2018, 8, 1)  # noqa: DTZ001
    forget_given_up("mine", platform)
    assert sorted(store.objects) == [
        "models/old", keys.training_state("mine", 1), keys.training_state("young", 1)
    ]  # fmt: skip


def test_a_state_is_made_only_when_it_is_time():
    store = MemoryStore()

    def never():
        raise AssertionError

    StoredCheckpoints("abc", store).offer(1, never)
    assert not store.objects


def test_the_same_training_elsewhere_does_not_stop_this_one(monkeypatch):
    monkeypatch.setattr(checkpoints, "KEPT_AFTER_S", 0.0)
    store = MemoryStore()
    StoredCheckpoints("abc", store).offer(1, lambda: b"rounded up")
    StoredCheckpoints("abc", store).offer(1, lambda: b"rounded down")
    assert StoredCheckpoints("abc", store).newest() == b"rounded up"
