"""What is done once is not done again, and nothing is read that is not needed."""

import subprocess
import sys

import pytest

from calnet_ops import keys
from calnet_ops.steps import extract, score
from calnet_ops.steps.stored_model import WEIGHTS
from tests.steps.test_score import promote
from tests.support.noting_store import NotingStore
from tests.support.spoc_files import spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

FIRST = 900_000_000_001


@pytest.fixture(scope="module")
def files():
    return {spoc_name(tic): spoc_bytes(tic=tic) for tic in range(FIRST, FIRST + 2)}


@pytest.fixture
def sector(platform, files):
    """A stored sector and a champion, in a store that notes reads."""
    platform.__dict__["store"] = NotingStore()
    store_sector(platform, files)
    promote(platform)
    platform.store.read.clear()
    return platform


def extract_all(platform):
    tallies = [
        extract.extract_shard(shard, platform) for shard in extract.plan_shards(87, "v1", platform)
    ]
    return extract.close_features(87, "v1", tallies, platform)


def features_of(platform):
    record = platform.ledger.latest("features-v1", 87)
    return [shard["features"] for shard in record.facts["shards"]]


def score_all(platform):
    shards = score.plan_shards(87, platform)
    tallies = [score.score_shard(shard, platform) for shard in shards]
    return score.combine_targets(87, tallies, platform)


def test_each_light_curve_is_read_once(sector, files):
    extract_all(sector)
    assert sorted(sector.store.reads_of("tess/")) == [keys.raw(87, 1, name) for name in files]
    extract_all(sector)
    (features,) = features_of(sector)
    assert features not in sector.store.read
    assert sector.store.reads_of("tess/") == []


def test_a_new_model_scores_stored_features_and_reads_no_light_curve(sector):
    extract_all(sector)
    score_all(sector)
    promote(sector, "bbbb")
    sector.store.read.clear()
    extract_all(sector)
    assert sector.store.reads_of("tess/") == []  # and forgets the others
    score_all(sector)
    assert sector.store.reads_of("tess/", "features/") == features_of(sector)


def test_scores_that_are_there_take_neither_features_nor_a_network(sector):
    extract_all(sector)
    first = score_all(sector)
    sector.store.read.clear()
    assert score_all(sector) == first
    network = [keys.model("aaaa", part) for part in ("calnet.tflite", WEIGHTS)]
    assert sector.store.reads_of("tess/", "features/", *network) == []


def test_planning_and_combining_read_no_features(sector):
    extract_all(sector)
    shards = score.plan_shards(87, sector)
    tallies = [score.score_shard(shard, sector) for shard in shards]
    sector.store.read.clear()
    score.plan_shards(87, sector)
    score.combine_targets(87, tallies, sector)
    assert sector.store.reads_of("tess/", "features/") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "heavy"),
    [
        ("extract", ("tensorflow", "keras", "great_expectations", "mlflow", "boto3", "pandas")),
        (
            "score",
            ("tensorflow", "keras", "great_expectations", "mlflow", "boto3", "pandas", "scipy"),
        ),
    ],
)
def test_a_shard_loads_nothing_heavy(step, heavy):
    code = f"""
import sys
from calnet_ops.platform import open_platform
from calnet_ops.adapters.store import open_store
from calnet_ops.steps import {step}
from calnet_ops.steps.stored_model import make_scorer
from calnet_ops.science.network import forward, weights
open_store("http://127.0.0.1:1", "bucket", "a", "b")
print(*sorted(set({heavy!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
