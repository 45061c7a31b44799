"""A promotion has stored features scored, and a rollback nothing that stands already."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.adapters.registry import LoggedModel
from calnet_ops.lineage import sha256_hex
from calnet_ops.steps import attribute, characterise, extract, score
from calnet_ops.steps.features_version import version_to_extract
from calnet_ops.steps.promote import follow_champion
from calnet_ops.web.candidates import champion_candidates
from tests.support.graphs import tiny_graph
from tests.support.memory_registry import MemoryRegistry
from tests.support.noting_store import NotingStore
from tests.support.spoc_files import spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

TIC = 900_000_000_001
SECTORS = (87, 86)


@pytest.fixture(scope="module")
def files():
    return {one: {spoc_name(TIC, one): spoc_bytes(tic=TIC, sector=one)} for one in SECTORS}


def add_model(platform, model_id, threshold):
    """A version that passed the gate."""
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": model_id}, "")
    model = {"model_id": model_id, "features": "v1", "threshold": threshold, "simulated": True}
    platform.store.save_new(keys.model(model_id, "model.json"), json.dumps(model).encode())
    platform.store.save_new(keys.model(model_id, "calnet.tflite"), tiny_graph())
    facts = {"version": version, "verdict": "pass", "reasons": []}
    platform.ledger.record("train", 0, f"train {model_id}", model_id=model_id, facts=facts)
    platform.ledger.record("gate", 0, f"gate {model_id}", model_id=model_id, facts=facts)
    return version


@pytest.fixture
def played(platform, files):
    """Two sectors, and two models of which each has been in production."""
    platform.__dict__.update(registry=MemoryRegistry(), store=NotingStore())
    for sector in SECTORS:
        store_sector(platform, files[sector], sector)
    first, second = add_model(platform, "one", 0.0), add_model(platform, "two", 2.0)
    # what a sector gets before there is a model
    for sector in SECTORS:
        bring_features(platform, sector)
    for version in (first, second):
        for sector in move(platform, version)["sectors"]:
            bring_features(platform, sector)
            bring_scores(platform, sector)
            bring_candidates(platform, sector)
    return platform


def move(platform, version):
    platform.registry.set_champion(version)
    return follow_champion(platform)


def bring_features(platform, sector):
    """The first tasks of `score_sector`."""
    version = version_to_extract(platform)
    shards = extract.plan_shards(sector, version, platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    extract.close_features(sector, version, tallies, platform)


def bring_scores(platform, sector):
    """The next ones."""
    shards = score.plan_shards(sector, platform)
    score.combine_targets(sector, [score.score_shard(s, platform) for s in shards], platform)


def bring_candidates(platform, sector):
    """The last ones."""
    characterise.characterise_sector(sector, platform)
    attribute.attribute_sector(sector, platform)


def test_a_promotion_scores_from_stored_features_and_reads_no_light_curve(played):
    third = add_model(played, "three", 0.5)
    before = dict(played.store.objects)
    played.store.read.clear()
    record = move(played, third)
    assert record["sectors"] == [87, 86]
    for sector in record["sectors"]:
        bring_features(played, sector)
        bring_scores(played, sector)
    assert not [key for key in played.store.read if key.startswith("tess/")]
    assert [key for key in played.store.read if key.startswith("features/")]
    new = played.store.objects.keys() - before.keys()
    assert {key.split("/")[1] for key in new if key.startswith("scores/")} == {"three"}
    assert all(played.store.objects[key] == body for key, body in before.items())


def test_a_rollback_needs_no_scoring_and_brings_the_old_candidates_at_once(played):
    assert champion_candidates(played) == {}
    before = set(played.store.objects)
    record = move(played, 1)
    assert (record["moved"], record["sectors"]) == (True, [])
    assert set(champion_candidates(played)[TIC]) == set(SECTORS)
    assert set(played.store.objects) == before
    assert move(played, 2)["sectors"] == []


def test_a_rollback_scores_what_was_delivered_again_meanwhile(played):
    redeliver(played, 86, spoc_bytes(tic=TIC, sector=86, cards={"PROCVER": "spoc-5.0.9"}))
    assert move(played, 1)["sectors"] == [86]


def test_a_rollback_scores_what_the_checks_have_refused_meanwhile(played):
    delivery = played.ledger.delivery(87)
    rejected = {"tic": TIC, "sector": 87, "file_name": spoc_name(TIC, 87), "reason": "too noisy"}
    report = {"manifest": delivery.facts["manifest"], "rejected": [{**rejected, "message": ""}]}
    played.store.save_new("checks/report", json.dumps(report).encode())
    played.ledger.move_delivery(delivery, facts={"report": "checks/report"})
    assert move(played, 1)["sectors"] == [87]


def test_a_rollback_scores_what_was_left_half_done(played):
    ledger = played.ledger
    facts = ledger.latest("candidates", 86, "one").facts
    ledger.record("candidates", 86, "attributed by nobody", model_id="one", facts=facts)
    facts = ledger.latest("score", 87, "one").facts
    ledger.record("score", 87, "searched by nobody", model_id="one", facts=facts)
    assert move(played, 1)["sectors"] == [87, 86]


def test_a_halted_sector_is_left_out(played):
    delivery = played.ledger.delivery(86)
    played.ledger.move_delivery(delivery, state="halted", facts={})
    assert move(played, add_model(played, "three", 0.5))["sectors"] == [87]
    assert move(played, 1)["sectors"] == []


def redeliver(platform, sector, body):
    """Delivery 2 of a sector: its one file has changed."""
    ledger, store = platform.ledger, platform.store
    old = ledger.delivery(sector)
    table = store.load_table(old.facts["manifest"])
    row = table.to_pylist()[0]
    key = keys.raw(sector, 2, row["file_name"])
    store.save_new(key, body)
    changed = row | {"key": key, "sha256": sha256_hex(body), "delivery": 2}
    facts = {**old.facts, "manifest": keys.manifest(sector, "again"), "delivery": 2}
    store.save_table(facts["manifest"], table.from_pylist([changed], schema=table.schema))
    ledger.add_delivery(sector, 2, state="raw", n_listed=1, listing_sha256="1" * 64, facts=facts)
