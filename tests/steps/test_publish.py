"""Releases: staged, approved, out; once."""

import json
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput, ReleaseRefused
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.combine import combine_sectors
from calnet_ops.science.catalog.contents import Contents, find_faults
from calnet_ops.science.catalog.schema import facts_of
from calnet_ops.steps import publish, publish_contents
from calnet_ops.steps.attribute import ATTRIBUTION, PHOTOCENTRES
from calnet_ops.steps.characterise import CANDIDATES
from tests.support.verdicts import pass_checks

MODEL = "fedcba9876543210"

DAY = date(2026, 11, 23)


def candidate(tic: int, sector: int, probability: float = 0.99, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tic": tic, "sector": sector, "probability": probability, "n_segment": 2, "period": 1.5,
        "period_err": 1e-4, "epoch_bjd_tdb": 2458326.5, "depth_1": 0.2, "depth_2": 0.1,
        "duration_1": 3.0, "duration_2": 3.0, "eb_type": "EA", "n_eclipse": 15, "ra": 10.0,
        "dec": -60.0, "tmag": 9.5, "teff": 6000.0, "camera": 4, "ccd": 1, "simulated": False,
        "curve": [1.0] * 200,
    }  # fmt: skip
    return row | changes


def score_sector(
    platform: Platform, sector: int, rows: list[dict[str, Any]], **more: float
) -> None:
    """What the steps before this one leave behind: candidates, and others that were scored."""
    table = pa.Table.from_pylist(rows, CANDIDATES)
    names = ["tic", "sector", "n_segment", "probability", "simulated"]
    quiet = [
        {"tic": int(tic), "sector": sector, "n_segment": 2, "probability": p, "simulated": False}
        for tic, p in more.items()
    ]
    targets = pa.concat_tables(
        [table.select(names), pa.Table.from_pylist(quiet, table.select(names).schema)]
    )
    name = f"{len(platform.ledger.records()):016d}"
    key, scored = keys.candidates(MODEL, sector, name), keys.target_scores(MODEL, sector, name)
    platform.store.save_table(key, table)
    platform.store.save_table(scored, targets)
    platform.ledger.record("candidates", sector, key, model_id=MODEL, facts={"targets": scored})


def decide(platform: Platform, tic: int, verdict: str, **changes: Any) -> None:
    decision = {
        "tic": tic, "sector": 1, "verdict": verdict, "eb_type": "", "vetter": "ada",
        "source": "person", "simulated": False, "note": "",
    }  # fmt: skip
    platform.ledger.add_decisions([decision | changes])


def promote(platform: Platform, *, simulated: bool) -> None:
    platform.ledger.add_promotion(
        model_version=3, model_id=MODEL, action="promoted", reason="", threshold=0.875,
        simulated=simulated,
    )  # fmt: skip


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """A real model in production, and the same day every time."""
    platform.__dict__["today"] = lambda: DAY
    promote(platform, simulated=False)
    return platform


def stage(platform: Platform) -> publish.StagedRecord:
    staged = publish.stage_release(platform)
    assert staged is not None
    pass_checks(staged, platform)
    return staged


def released(platform: Platform, version: str) -> dict[str, bytes]:
    prefix = keys.release(version)
    return {
        key.removeprefix(prefix): platform.store.load(key)
        for key in platform.store.iter_keys(prefix)
    }


def test_a_release_is_whole_and_latest_names_it(platform):
    score_sector(platform, 1, [candidate(11, 1), candidate(12, 1)], **{"13": 0.1})
    record = publish.publish_release(stage(platform), "ada", platform)
    files = released(platform, "v2026.11.0")
    assert find_faults(files) == []
    assert record["version"] == "v2026.11.0"
    assert record["uri"] == "s3://memory/releases/v2026.11.0/"
    assert (record["n_row"], record["n_searched"], record["approved_by"]) == (2, 3, "ada")
    pointer = json.loads(platform.store.load(keys.LATEST))
    assert (pointer["version"], pointer["approved_by"]) == ("v2026.11.0", "ada")
    assert platform.ledger.latest("release", 0).facts == record
    assert publish.list_releases(platform) == [record]


def build(platform: Platform) -> Contents:
    """What a release would say, without writing its files."""
    inputs = publish_contents.collect_inputs(platform)
    return publish_contents.build_release(inputs, "v2026.11.0", "", platform.store)


def test_sectors_of_a_star_become_one_row(platform):
    score_sector(platform, 1, [candidate(11, 1, 0.9, period_err=0.1)], **{"12": 0.2})
    score_sector(platform, 27, [candidate(11, 27, 0.95, period=1.501, period_err=1e-5)])
    score_sector(platform, 28, [], **{"11": 0.3})
    contents = build(platform)
    (row,) = contents.catalog.to_pylist()
    assert (row["sectors"], row["n_sector"], row["n_sector_scored"]) == ("1,27", 2, 3)
    assert (row["period"], row["n_segment"]) == (1.501, 4)
    assert row["probability"] == pytest.approx(combine_sectors([0.9, 0.95, 0.3]), abs=1e-6)
    searched = contents.searched.to_pylist()
    assert [star["tic"] for star in searched] == [11, 12]
    assert searched[0]["sectors"] == "1,27,28"
    assert searched[0]["probability_by_sector"] == [0.9, 0.95, 0.3]
    assert searched[0]["probability"] == pytest.approx(row["probability"], abs=1e-6)
    assert [star["candidate"] for star in searched] == [True, False]


def test_what_people_say_decides_on_tier_and_presence(platform):
    score_sector(platform, 1, [candidate(tic, 1) for tic in (11, 12, 13, 14, 15)])
    decide(platform, 11, "EB", eb_type="EB")
    decide(platform, 12, "NOT_EB")
    decide(platform, 13, "EB")
    decide(platform, 13, "NOT_EB", vetter="bob")
    decide(platform, 14, "NOT_EB", sector=0, vetter="toi", source="planet_host")
    decide(platform, 15, "NOT_EB")
    decide(platform, 15, "EB")  # a correction: the last word counts
    rows = {row["tic"]: row for row in build(platform).catalog.to_pylist()}
    tiers = {tic: row["tier"] for tic, row in rows.items()}
    assert tiers == {11: "confirmed", 13: "model", 14: "model", 15: "confirmed"}
    assert rows[11]["eb_type"] == "EB"
    assert (rows[13]["n_vote_eb"], rows[13]["n_vote_not_eb"]) == (1, 1)
    assert [tic for tic, row in rows.items() if row["planet_host"]] == [14]


def attribute(platform: Platform, sector: int, distance: dict[int, float | None]) -> None:
    """What attribution leaves behind: no photocentre measured, nearest stars as given."""
    name = f"{len(platform.ledger.records()):016d}"
    (candidates,) = (r.key for r in platform.ledger.records("candidates") if r.sector == sector)
    key, measured = keys.attribution(MODEL, sector, name), keys.photocentres(MODEL, sector, name)
    rows = [{"tic": tic, "sector": sector, "neighbour_distance": d} for tic, d in distance.items()]
    platform.store.save_table(key, pa.Table.from_pylist(rows, ATTRIBUTION))
    flux = [{"tic": tic, "sector": sector, "flux": 1e4} for tic in distance]
    platform.store.save_table(measured, pa.Table.from_pylist(flux, PHOTOCENTRES))
    facts = {"candidates": candidates, "photocentres": measured}
    platform.ledger.record("attribution", sector, key, model_id=MODEL, facts=facts)


def test_candidates_of_different_sectors_are_judged_together(platform):
    """Two stars 18 arcsec apart with one ephemeris, each a candidate in its own sector."""
    score_sector(platform, 1, [candidate(11, 1, depth_1=0.2), candidate(14, 1, ra=90.0)])
    score_sector(platform, 2, [candidate(12, 2, dec=-60.0 + 18 / 3600, depth_1=0.02)])
    attribute(platform, 1, {11: 40.0, 14: None})
    attribute(platform, 2, {12: None})
    contents = build(platform)
    rows = {row["tic"]: row for row in contents.catalog.to_pylist()}
    assert [rows[tic]["group_id"] for tic in (11, 12, 14)] == [11, 11, 14]
    assert [rows[tic]["n_match"] for tic in (11, 12, 14)] == [1, 1, 0]
    assert rows[11]["p_on_target"] > 0.8
    assert rows[12]["p_on_target"] < 0.1
    assert rows[11]["neighbour_distance"] == pytest.approx(18, abs=0.01)
    assert rows[14]["neighbour_distance"] is None
    counts = contents.release["counts"]
    assert (counts["n_attributed"], counts["n_off_target"]) == (3, 1)
    assert (counts["n_matched"], counts["n_group"]) == (2, 1)
    assert set(contents.release["attributions"]) == {"s001", "s002"}


def test_what_was_never_attributed_is_missing(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    before = build(platform)
    (row,) = before.catalog.to_pylist()
    assert row["p_on_target"] is None
    assert row["group_id"] is None
    attribute(platform, 1, {11: None})
    after = build(platform)
    assert after.release["lineage"] != before.release["lineage"]
    (row,) = after.catalog.to_pylist()
    assert row["group_id"] == 11


@pytest.mark.parametrize("ancestor", ["model", "star", "vetting"])
def test_simulated_ancestor_marks_the_release(platform, ancestor):
    promote(platform, simulated=ancestor == "model")
    score_sector(platform, 1, [candidate(11, 1, simulated=ancestor == "star")])
    if ancestor == "vetting":
        decide(platform, 11, "EB", source="simulated", simulated=True)
    contents = build(platform)
    assert contents.release["version"] == "v2026.11.0-simulated"
    assert contents.release["simulated"] is True
    assert facts_of(contents.catalog)["simulated"] == "true"


def test_recall_counts_only_stars_the_model_did_not_learn_from(platform):
    key = keys.dataset("d")
    platform.store.save_table(key, pa.table({"tic": [11, 12], "split": ["train", "test"]}))
    body = json.dumps({"dataset": key}).encode()
    platform.store.save_new(keys.model(MODEL, "model.json"), body)
    score_sector(platform, 1, [candidate(11, 1), candidate(12, 1)], **{"13": 0.4})
    for tic in (11, 12, 13):
        decide(platform, tic, "EB", sector=0, source="catalog", vetter="prsa")
    assert build(platform).known == {12: "EB", 13: "EB"}


def test_nothing_new_is_not_staged_again(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    publish.publish_release(stage(platform), "ada", platform)
    assert publish.stage_release(platform) is None
    decide(platform, 11, "EB")
    assert publish.is_due(platform) is False
    platform.__dict__["today"] = lambda: DAY + timedelta(days=3650)
    assert publish.is_due(platform)


def test_staging_or_publishing_twice_changes_nothing(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    staged = stage(platform)
    assert stage(platform) == staged
    record = publish.publish_release(staged, "ada", platform)
    held = dict(platform.store.objects)
    assert publish.publish_release(staged, "bob", platform) == record
    assert platform.store.objects == held


def test_second_release_says_what_changed(platform):
    score_sector(platform, 1, [candidate(11, 1), candidate(12, 1)])
    publish.publish_release(stage(platform), "ada", platform)
    decide(platform, 11, "EB")
    decide(platform, 12, "NOT_EB")
    score_sector(platform, 2, [candidate(13, 2)])
    staged = stage(platform)
    assert staged["previous"] == "v2026.11.0"
    assert "1 stars added, 1 removed, 1 changed, 0 unchanged" in staged["summary"]
    publish.publish_release(staged, "ada", platform)
    readme = released(platform, "v2026.11.1")["README.md"].decode()
    assert "Since v2026.11.0: 1 stars added, 1 removed, 1 changed, 0 unchanged" in readme
    assert "Removed: TIC 12." in readme


def test_outdated_draft_is_refused(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    old = stage(platform)
    decide(platform, 11, "EB")
    new = stage(platform)
    publish.publish_release(new, "ada", platform)
    with pytest.raises(ReleaseRefused, match="Stage it again"):
        publish.publish_release(old, "ada", platform)


def test_simulated_release_without_the_mark_is_refused(platform):
    score_sector(platform, 1, [candidate(900_000_000_001, 1, simulated=True)])
    staged = stage(platform)
    prefix = staged["staging"]
    manifest = json.loads(platform.store.load(f"{prefix}release.json")) | {
        "simulated": False, "version": "v2026.11.0",
    }  # fmt: skip
    forged = json.dumps(manifest).encode()
    files = platform.store.objects
    sums = files[f"{prefix}SHA256SUMS"].decode()
    sums = sums.replace(sha256_hex(files[f"{prefix}release.json"]), sha256_hex(forged))
    files[f"{prefix}release.json"] = forged
    files[f"{prefix}SHA256SUMS"] = sums.encode()
    with pytest.raises(ReleaseRefused, match="-simulated"):
        publish.publish_release(staged | {"version": "v2026.11.0"}, "ada", platform)


def test_damaged_draft_is_refused(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    staged = stage(platform)
    platform.store.objects[staged["staging"] + "catalog.csv"] += b"\n"
    with pytest.raises(ReleaseRefused, match=r"catalog\.csv: other bytes"):
        publish.publish_release(staged, "ada", platform)
    assert not platform.store.exists(keys.LATEST)


def test_catalog_without_a_star_can_be_released(platform):
    score_sector(platform, 1, [], **{"11": 0.01})
    record = publish.publish_release(stage(platform), "ada", platform)
    assert (record["n_row"], record["n_searched"]) == (0, 1)
    assert find_faults(released(platform, record["version"])) == []


def test_without_a_scored_sector_there_is_nothing_to_stage(platform):
    with pytest.raises(MissingInput, match="no sector scored"):
        publish.stage_release(platform)


def test_release_is_due_a_week_after_the_last_if_anything_changed(platform):
    assert not publish.is_due(platform)
    score_sector(platform, 1, [candidate(11, 1)])
    started = platform.ledger.records("candidates")[0].at_utc.date()
    platform.__dict__["today"] = lambda: started + timedelta(days=6)
    assert not publish.is_due(platform)
    platform.__dict__["today"] = lambda: started + timedelta(days=7)
    assert publish.is_due(platform)


def test_catalog_that_was_not_checked_is_refused(platform):
    score_sector(platform, 1, [candidate(11, 1)])
    staged = publish.stage_release(platform)
    assert staged is not None
    with pytest.raises(ReleaseRefused, match="not checked"):
        publish.publish_release(staged, "ada", platform)
