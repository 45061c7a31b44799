"""Scores come from stored features, once a model, and become one probability a star."""

import json

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer, MissingInput
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.features.tables import matrix
from calnet_ops.steps import extract, score
from calnet_ops.steps.features_version import version_to_extract
from tests.support.graphs import tiny_graph, tiny_score
from tests.support.spoc_files import spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

FIRST = 900_000_000_001
THRESHOLD = 0.55


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Three stars of two segments each."""
    return {spoc_name(tic): spoc_bytes(tic=tic) for tic in range(FIRST, FIRST + 3)}


@pytest.fixture
def extracted(platform, files, monkeypatch):
    """A sector with features in two shards."""
    monkeypatch.setattr(extract, "SHARD_FILES", 2)
    store_sector(platform, files)
    shards = extract.plan_shards(87, "v1", platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    extract.close_features(87, "v1", tallies, platform)
    return platform


def promote(platform, model_id="aaaa", features="v1"):
    facts = {"model_id": model_id, "features": features, "threshold": THRESHOLD}
    store = platform.store
    store.save_new(keys.model(model_id, "model.json"), json.dumps(facts).encode())
    store.save_new(keys.model(model_id, "calnet.tflite"), tiny_graph())
    platform.ledger.add_promotion(
        model_version=1,
        model_id=model_id,
        action="promoted",
        reason="test",
        threshold=THRESHOLD,
        simulated=True,
    )


def run(platform):
    shards = score.plan_shards(87, platform)
    tallies = [score.score_shard(shard, platform) for shard in shards]
    return tallies, score.combine_targets(87, tallies, platform)


def test_nothing_is_planned_without_a_champion(extracted):
    assert score.plan_shards(87, extracted) == []
    with pytest.raises(MissingInput, match="no shards"):
        score.combine_targets(87, [], extracted)


def test_each_segment_gets_the_score_of_its_features(extracted):
    promote(extracted)
    tallies, _ = run(extracted)
    assert [tally["n_segment"] for tally in tallies] == [2, 4]
    for shard, tally in zip(score.plan_shards(87, extracted), tallies, strict=True):
        features = extracted.store.load_table(shard["features"])
        scores = extracted.store.load_table(tally["scores"]).cast(score.SCORES)
        assert scores.select(["tic", "segment"]).equals(features.select(["tic", "segment"]))
        np.testing.assert_allclose(
            scores["score"].to_numpy(), tiny_score(matrix(features, "flux")), atol=1e-6
        )


def test_a_star_has_one_probability_and_keeps_its_taint(extracted):
    promote(extracted)
    tallies, record = run(extracted)
    targets = extracted.store.load_table(record["targets"]).cast(score.TARGET_SCORES)
    assert targets["tic"].to_pylist() == [FIRST, FIRST + 1, FIRST + 2]
    assert targets["n_segment"].to_pylist() == [2, 2, 2]
    assert targets["simulated"].to_pylist() == [True] * 3
    own = extracted.store.load_table(tallies[0]["scores"])["score"].to_pylist()
    assert targets["probability"][0].as_py() == pytest.approx(combine_segments(own))


def test_a_calibrated_model_gives_calibrated_probabilities_without_scoring_again(extracted):
    promote(extracted)
    _, plain = run(extracted)
    line = {"slope": 0.6, "intercept": -0.4, "covariance": [0.1, 0, 0.1], "n_star": 50}
    line |= {"eb_share": 0.4}
    facts = json.loads(extracted.store.load(keys.model("aaaa", "model.json")))
    body = json.dumps(facts | {"calibration": line}).encode()
    extracted.store.objects[keys.model("aaaa", "model.json")] = body
    del extracted.store.objects[keys.model("aaaa", "calnet.tflite")]  # nothing left to score with
    _, record = run(extracted)
    assert record["targets"] != plain["targets"]
    before, after = (
        extracted.store.load_table(one["targets"])["probability"].to_numpy()
        for one in (plain, record)
    )
    np.testing.assert_allclose(after, Calibration.from_json(line).apply(before), rtol=1e-9)


def test_the_ledger_knows_what_came_out(extracted):
    promote(extracted)
    tallies, record = run(extracted)
    noted = extracted.ledger.latest("score", 87, "aaaa")
    above = extracted.store.load_table(record["targets"])["probability"].to_numpy() >= THRESHOLD
    assert noted.facts == record
    assert noted.key == record["targets"]
    assert (record["n_target"], record["n_segment"], record["n_above"]) == (3, 6, above.sum())
    assert record["shards"] == [tally["scores"] for tally in tallies]


def test_a_second_run_finds_all_done(extracted):
    promote(extracted)
    _, record = run(extracted)
    del extracted.store.objects[keys.model("aaaa", "calnet.tflite")]  # nothing left to score with
    assert run(extracted)[1] == record
    assert len(extracted.ledger.records("score")) == 1


def test_another_model_writes_scores_of_its_own(extracted):
    promote(extracted)
    _, first = run(extracted)
    promote(extracted, "bbbb")
    _, second = run(extracted)
    assert second["targets"] != first["targets"]
    assert extracted.store.exists(first["targets"])
    assert extracted.ledger.latest("score", 87, "aaaa").key == first["targets"]


def test_features_of_another_version_are_refused(extracted):
    promote(extracted, features="v2")
    with pytest.raises(FeaturesDiffer, match="features-v2, which the model learned from"):
        score.plan_shards(87, extracted)


def test_a_shard_of_another_version_is_refused(extracted):
    promote(extracted)
    shard = score.plan_shards(87, extracted)[0]
    promote(extracted, "cccc", features="v2")
    with pytest.raises(FeaturesDiffer, match="calnet-ops extract 87 --features v2"):
        score.score_shard({**shard, "model_id": "cccc"}, extracted)


def test_a_sector_is_given_the_features_that_its_model_learned_from(platform, files):
    store_sector(platform, files)
    promote(platform, features="v2")
    version = version_to_extract(platform)
    shards = extract.plan_shards(87, version, platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    extract.close_features(87, tallies[0]["version"], tallies, platform)
    assert all(shard["features"].startswith("features/v2/s087/") for shard in tallies)
    _, record = run(platform)
    assert (record["n_target"], record["n_segment"]) == (3, 6)


def test_a_sector_without_features_is_a_missing_input(platform):
    promote(platform)
    with pytest.raises(MissingInput, match="no features"):
        score.plan_shards(12, platform)
