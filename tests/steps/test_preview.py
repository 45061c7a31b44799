"""Before the click a person sees which stars would come and go."""

import json
from base64 import b64encode

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from calnet_ops import keys
from calnet_ops.adapters.registry import MAX_DESCRIPTION, LoggedModel
from calnet_ops.errors import MissingInput
from calnet_ops.steps import preview_page
from calnet_ops.steps.characterise import CANDIDATES
from calnet_ops.steps.preview import PARTS, preview_promotion
from calnet_ops.steps.score import scores_key
from calnet_ops.steps.version_page import TIERS
from tests.support.graphs import tiny_graph
from tests.support.memory_registry import MemoryRegistry
from tests.support.scored_sectors import MODEL, draw_stars, put_champion, put_sector

FLAT = 0.79
"""The new model's score is the mean flux: above are all stars without eclipses, below are
binaries. It says the opposite of the champion, so that all stars move."""


@pytest.fixture
def scored(platform):
    """Three sectors scored by a champion, and a version that says the opposite."""
    platform.__dict__["registry"] = MemoryRegistry()
    put_champion(platform)
    for sector in (85, 86, 87):
        put_sector(platform, sector, draw_stars(8, sector))
    facts = {"model_id": "new", "features": "v1", "threshold": FLAT, "calibration": {}}
    platform.store.save_new(keys.model("new", "model.json"), json.dumps(facts).encode())
    platform.store.save_new(keys.model("new", "calnet.tflite"), tiny_graph())
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": "new"}, "")
    return platform, version


def add_types(platform, sector, model_id, types):
    """Candidates with types, by TIC number."""
    key = keys.candidates(model_id, sector, "d" * 16)
    rows = [{"tic": tic, "sector": sector, "eb_type": name} for tic, name in types.items()]
    platform.store.save_table(key, pa.Table.from_pylist(rows, schema=CANDIDATES))
    platform.ledger.record("candidates", sector, key, model_id=model_id, facts={"key": key})


def test_what_comes_and_what_goes_is_listed_and_drawn(scored):
    platform, version = scored
    add_types(platform, 87, MODEL, {870_001: "EA"})
    record = preview_promotion(version, platform, 2)
    assert record["sectors"] == ["s087", "s086"]
    assert (record["n_star"], record["n_enter"], record["n_leave"]) == (16, 8, 8)
    rows = platform.store.load_table(record["files"]["preview.parquet"]).to_pylist()
    leaves = {row["tic"]: row for row in rows if row["change"] == "leave"}
    assert set(leaves) == {s * 10_000 + n for s in (86, 87) for n in (1, 3, 5, 7)}
    assert leaves[870_001]["eb_type"] == "EA"
    assert leaves[870_001]["probability_before"] > 0.8 > FLAT > leaves[870_001]["probability"]
    artifacts = platform.registry.attached
    assert set(artifacts) == {f"run-{version}/preview/{part}" for part in PARTS}
    csv = artifacts[f"run-{version}/preview/preview.csv"]
    assert len(pa_csv.read_csv(pa.BufferReader(csv))) == 16
    assert artifacts[f"run-{version}/preview/preview.png"].startswith(b"\x89PNG")
    page = artifacts[f"run-{version}/preview/preview.html"].decode()
    assert "<h2>Would no longer be candidates</h2>" in page
    assert "<td class=n>870001<td>s087" in page
    assert b64encode(artifacts[f"run-{version}/preview/preview.png"]).decode() in page
    n_key = len(platform.store.objects)
    assert preview_promotion(version, platform, 2) == record
    assert len(platform.store.objects) == n_key


def test_the_scores_are_those_that_a_promotion_would_need(scored):
    platform, version = scored
    preview_promotion(version, platform, 1)
    shard = platform.ledger.latest("features-v1", 87).facts["shards"][0]
    assert platform.store.exists(scores_key("new", 87, shard["features"]))


def test_pictures_and_lines_are_bounded_and_the_rest_is_counted(scored, monkeypatch):
    platform, version = scored
    monkeypatch.setattr(preview_page, "N_SHOWN", 2)
    monkeypatch.setattr(preview_page, "N_LISTED", 3)
    record = preview_promotion(version, platform, 1)
    page = platform.store.load(record["files"]["preview.html"]).decode()
    assert "2 of 4 are drawn" in page
    assert "And 1 more, in <code>preview.csv</code>." in page


def test_without_a_champion_every_candidate_is_new(platform):
    platform.__dict__["registry"] = MemoryRegistry()
    put_sector(platform, 87, draw_stars(8, 87))
    facts = {"model_id": "new", "features": "v1", "threshold": FLAT, "calibration": {}}
    platform.store.save_new(keys.model("new", "model.json"), json.dumps(facts).encode())
    platform.store.save_new(keys.model("new", "calnet.tflite"), tiny_graph())
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": "new"}, "")
    record = preview_promotion(version, platform)
    assert (record["champion"], record["n_enter"], record["n_leave"]) == ("", 4, 0)


def test_a_sector_that_the_champion_has_not_scored_is_left_out_and_said(scored):
    platform, version = scored
    put_sector(platform, 88, draw_stars(2, 88), model_id="somebody")
    record = preview_promotion(version, platform)
    assert (record["sectors"], record["left_out"]) == (["s087", "s086"], ["s088"])
    page = platform.store.load(record["files"]["preview.html"]).decode()
    assert "has not scored it: s088" in page


def test_types_differ_only_where_both_models_were_in_production(scored):
    platform, version = scored
    tic = 870_000
    targets = platform.ledger.latest("score", 87, MODEL).facts["targets"]
    rows = platform.store.load_table(targets).to_pylist()
    rows[0]["probability"] = 0.9  # a candidate of both
    other = keys.target_scores(MODEL, 87, "e" * 16)
    schema = platform.store.load_table(targets).schema
    platform.store.save_table(other, pa.Table.from_pylist(rows, schema=schema))
    platform.ledger.record("score", 87, other, model_id=MODEL, facts={"targets": other})
    add_types(platform, 87, MODEL, {tic: "EA"})
    assert preview_promotion(version, platform, 1)["n_type"] == 0
    add_types(platform, 87, "new", {tic: "EW"})
    record = preview_promotion(version, platform, 1)
    assert (record["n_type"], record["n_stay"]) == (1, 1)
    page = platform.store.load(record["files"]["preview.html"]).decode()
    assert "EA → EW" in page


def test_a_version_of_nobody_cannot_be_previewed(scored):
    platform, _ = scored
    version = platform.registry.register(LoggedModel("r", "m"), {}, "")
    with pytest.raises(MissingInput, match="no tag model_id"):
        preview_promotion(version, platform)


def test_the_description_links_to_the_preview(scored):
    platform, version = scored
    key = keys.model("new", "verdict.json")
    check = {"rule": "recall of EW", "found": "0.9", "expected": "at least 0.8", "passed": True}
    findings = [{**check, "tier": tier} for tier in TIERS for _ in range(50)]
    platform.store.save_new(key, json.dumps({"findings": findings}).encode())
    verdict = {"version": version, "model_id": "new", "verdict": "pass", "champion": MODEL}
    verdict |= {"reasons": [], "warnings": []}
    platform.ledger.record("gate", 0, key, model_id="new", facts=verdict)
    preview_promotion(version, platform, 1)
    text = platform.registry.descriptions[version]
    page = f"#/run-{version}/artifacts/preview/preview.html"
    assert f"**[Preview]({page})** of the candidates of s087: 4 would enter, 4 leave" in text
    assert f"(#/runs/run-{version})" in text
    assert len(text) < MAX_DESCRIPTION
    *_, last, empty, more = text.split("\n")
    assert last.endswith("| yes |")
    whole = f"#/run-{version}/artifacts/gate/description.md"
    assert (empty, more) == ("", f"And more: [description.md]({whole}).")
    attached = platform.registry.attached[f"run-{version}/gate/description.md"]
    assert attached.decode().count("| yes |") == len(findings)
