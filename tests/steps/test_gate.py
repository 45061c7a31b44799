"""The gate holds a model against the champion on the same stars, whatever features each needs."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.adapters.registry import LoggedModel
from calnet_ops.errors import FeaturesDiffer
from calnet_ops.science.evaluation.gate import Margins
from calnet_ops.steps.dataset import freeze_dataset
from calnet_ops.steps.evaluation import evaluate_model
from calnet_ops.steps.gate import judge_version, read_margins
from tests.support.graphs import tiny_graph
from tests.support.labelled_sky import fill_platform
from tests.support.memory_registry import MemoryRegistry

THRESHOLD = 0.5
"""All stars of the labelled sky are above: the tiny graph calls every star that it sees."""


def add_model(platform, model_id, features):
    """A registered version with its evidence, and the data set that it was judged on."""
    labels = platform.ledger.latest("labels", 0)
    dataset = freeze_dataset(labels.key, features, platform)
    evidence = {
        "litert_difference": 0.0,
        "features": features,
        "output_index": 0,
        "dataset_id": dataset.dataset_id,
    }
    facts = {"model_id": model_id, "features": features, "threshold": THRESHOLD}
    for part, content in (("evidence.json", evidence), ("model.json", facts)):
        platform.store.save_new(keys.model(model_id, part), json.dumps(content).encode())
    platform.store.save_new(keys.model(model_id, "calnet.tflite"), tiny_graph())
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": model_id}, "")
    trained = {"label_set": labels.facts["set_id"]}
    platform.ledger.record("train", 0, f"models/{model_id}", model_id=model_id, facts=trained)
    return version


@pytest.fixture
def labelled(platform):
    """Stars with features of both versions, and a champion that learned from v1."""
    platform.__dict__["registry"] = MemoryRegistry()
    fill_platform(platform, 100, versions=("v1", "v2"))
    version = add_model(platform, "champion", "v1")
    platform.ledger.add_promotion(
        model_version=version, model_id="champion", action="promoted", reason="",
        threshold=THRESHOLD, simulated=True,
    )  # fmt: skip
    return platform


def compared(platform, version):
    """What the gate expected of the challenger because the champion reaches it."""
    judged = judge_version(version, platform)
    record = platform.ledger.latest("gate", 0, judged["model_id"])
    findings = json.loads(platform.store.load(record.key))["findings"]
    assert judged["champion"] == "champion"
    return {f["rule"]: f for f in findings if f["rule"].endswith("t the champion")}


def test_the_champion_sees_the_same_stars_through_its_own_features(labelled):
    same = compared(labelled, add_model(labelled, "same", "v1"))
    other = compared(labelled, add_model(labelled, "other", "v2"))
    for found in (same, other):
        found.pop("speed against the champion")
    assert other == same
    assert {"recall against the champion", "precision against the champion"} <= set(same)


def test_a_star_that_the_champion_cannot_see_is_not_found_by_it(labelled):
    version = add_model(labelled, "other", "v2")
    assert compared(labelled, version)["recall against the champion"]["found"].startswith("+0.000")
    shard = labelled.ledger.latest("features-v1", 61).facts["shards"][0]
    table = labelled.store.load_table(shard["features"])
    less = keys.features("v1", 61, "c" * 16)
    labelled.store.save_table(less, table.slice(0, len(table) // 2))
    labelled.ledger.record("features-v1", 61, "less", facts={"shards": [{"features": less}]})
    recall = compared(labelled, version)["recall against the champion"]["found"]
    assert 0.2 < float(recall.split()[0]) < 0.8


def test_a_sector_without_the_features_of_the_champion_stops_the_comparison(labelled):
    fill_platform(labelled, 120, sector=62, versions=("v2",))
    version = add_model(labelled, "other", "v2")
    with pytest.raises(FeaturesDiffer, match=r"s062.*calnet-ops extract SECTOR --features v1"):
        judge_version(version, labelled)


def test_a_version_says_what_a_person_needs_before_the_click(labelled):
    version = add_model(labelled, "new", "v1")
    labels = labelled.ledger.latest("labels", 0)
    evaluate_model("new", freeze_dataset(labels.key, "v1", labelled), labelled)
    labelled.registry.describe(version, "**Production:** refused\n\nNot judged yet.")
    record = judge_version(version, labelled)
    assert record["verdict"] == "fail"  # the mean flux tells no binaries
    tags = labelled.registry.version(version)["tags"]
    assert (tags["gate"], tags["verdict"]) == ("fail", "fail")
    assert float(tags["gate.recall_diff"]) == 0
    assert float(tags["gate.canary_specificity"]) < 0.7
    assert float(tags["gate.segments_per_s"]) > 0
    text = labelled.registry.descriptions[version]
    assert text.startswith("**Production:** refused\n\n**Gate: fail**")
    assert "Not judged yet" not in text
    for part in (
        "**Gate: fail**", "**Critical** (each must hold)", "**Supporting** (one may fail)",
        "canary, specificity", "| as published", "| **test stars**", "learned from",
        "/artifacts/figures/missed.png)", "(#/runs/run-",
    ):  # fmt: skip
        assert part in text, part


def test_margins_are_kept_with_the_verdict(labelled, monkeypatch):
    version = add_model(labelled, "new", "v1")
    stored = []
    for margins in (None, Margins(loss=0.1)):
        judge_version(version, labelled, margins)
        record = labelled.ledger.latest("gate", 0, "new")
        stored.append(json.loads(labelled.store.load(record.key))["margins"]["loss"])
    monkeypatch.setenv("CALNET_MAX_LOSS", "0.07")
    assert read_margins({"max_part_loss": 0.2}, labelled) == Margins(0.07, 0.2)
    assert read_margins({"max_loss": 0, "max_part_loss": None}, labelled) == Margins(0.0)
    judge_version(version, labelled)
    record = labelled.ledger.latest("gate", 0, "new")
    stored.append(json.loads(labelled.store.load(record.key))["margins"]["loss"])
    assert stored == [0.02, 0.1, 0.07]


def test_without_evidence_nothing_is_believed(labelled):
    version = labelled.registry.register(LoggedModel("r", "m"), {"model_id": "bare"}, "")
    record = judge_version(version, labelled)
    assert record["verdict"] == "fail"
    assert len(record["reasons"]) > 10
