"""A sector whose files are all set aside goes the whole way, alone or beside others."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.science.labels.records import LabelRecord
from calnet_ops.steps import attribute, characterise, extract, publish, score, watch_drift
from calnet_ops.steps.dataset import freeze_dataset
from calnet_ops.steps.freeze import freeze_labels, load_labels
from tests.support.graphs import tiny_graph
from tests.support.spoc_files import spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector
from tests.support.verdicts import pass_checks

MODEL = "aaaa"
TIC = 900_000_000_001


@pytest.fixture
def empty(platform):
    """A model in production, and a sector without a believed file."""
    facts = {"model_id": MODEL, "features": "v1", "threshold": 0.0}
    platform.store.save_new(keys.model(MODEL, "model.json"), json.dumps(facts).encode())
    platform.store.save_new(keys.model(MODEL, "calnet.tflite"), tiny_graph())
    platform.ledger.add_promotion(
        model_version=1, model_id=MODEL, action="promoted", reason="", threshold=0.0,
        simulated=True,
    )  # fmt: skip
    store_sector(platform, {})
    return platform


def run(platform, sector):
    shards = extract.plan_shards(sector, "v1", platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    extract.close_features(sector, "v1", tallies, platform)
    scored = [score.score_shard(s, platform) for s in score.plan_shards(sector, platform)]
    score.combine_targets(sector, scored, platform)
    watch_drift.watch_drift(sector, platform)
    found = characterise.characterise_sector(sector, platform)
    attribute.attribute_sector(sector, platform)
    return found


def test_it_has_features_scores_and_candidates_of_nothing(empty):
    assert len(extract.plan_shards(87, "v1", empty)) == 1
    record = run(empty, 87)
    assert (record["n_target"], record["n_candidate"]) == (0, 0)
    assert run(empty, 87) == record
    staged = publish.stage_release(empty)
    assert staged is not None
    pass_checks(staged, empty)
    assert publish.publish_release(staged, "ada", empty)["n_searched"] == 0


def test_a_data_set_and_a_release_of_the_other_sectors_can_be_made(empty):
    store_sector(empty, {spoc_name(TIC, 86): spoc_bytes(tic=TIC, sector=86)}, 86)
    for sector in (86, 87):
        run(empty, sector)
    load_labels([LabelRecord(TIC, "EB", "", "a list", "catalog")], empty)
    dataset = freeze_dataset(freeze_labels(empty)["key"], "v1", empty)
    assert dataset.table["sector"].to_pylist() == [86, 86]
    staged = publish.stage_release(empty)
    assert staged is not None
    assert staged["n_row"] == 1
