"""Candidates of a sector, from raw files and target scores."""

from dataclasses import replace

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.steps.characterise import characterise_sector

MODEL = "fedcba9876543210"


@pytest.fixture
def sector(platform, simulated_sector):
    """A sector of which all binaries, and no other star, reach the threshold."""
    files, scores = [], []
    for file, row in zip(simulated_sector.files, simulated_sector.truth, strict=True):
        key = keys.raw(87, 1, file.name)
        platform.store.save_new(key, file.read_bytes())
        files.append({"tic": row.tic, "status": "stored", "key": key})
        probability = 0.9 if row.is_eb else 0.1
        scores.append(
            {"tic": row.tic, "sector": 87, "n_segment": 2, "probability": probability,
             "simulated": True}
        )  # fmt: skip
    platform.store.save_table(keys.manifest(87, "m"), pa.Table.from_pylist(files))
    platform.store.save_table(keys.target_scores(MODEL, 87, "t"), pa.Table.from_pylist(scores))
    platform.ledger.add_delivery(87, 1, state="raw", n_listed=len(files), listing_sha256="")
    seen = platform.ledger.delivery(87)
    platform.ledger.move_delivery(seen, facts={"manifest": keys.manifest(87, "m")})
    targets = keys.target_scores(MODEL, 87, "t")
    platform.ledger.record("score", 87, targets, model_id=MODEL, facts={"targets": targets})
    platform.ledger.add_promotion(
        model_version=1, model_id=MODEL, action="promoted", reason="", threshold=0.5,
        simulated=True,
    )  # fmt: skip
    return simulated_sector


def test_stars_at_the_threshold_are_measured(platform, sector):
    record = characterise_sector(87, platform)
    rows = platform.store.load_table(record["key"]).to_pylist()
    binaries = {row.tic: row for row in sector.truth if row.is_eb}
    assert [row["tic"] for row in rows] == sorted(binaries)
    assert record["n_candidate"] == len(binaries)
    assert record["n_target"] == len(sector.truth)
    for row in rows:
        truth = binaries[row["tic"]]
        assert (row["ra"], row["tmag"]) == pytest.approx((truth.ra, truth.tmag), abs=1e-3)
        assert row["simulated"]
        if row["period"] is not None:
            assert len(row["curve"]) == 200
            assert row["epoch_bjd_tdb"] > 2_457_000


def test_what_checks_marked_a_light_curve_by_goes_with_the_candidate(platform, sector):
    tic = next(row.tic for row in sector.truth if row.is_eb)
    names = ["most cadences are good", "noise is as expected"]
    rows = [{"tic": tic, "file_name": "a", "expectation": name, "found": "0"} for name in names]
    platform.store.save_table(keys.check_marks(87, "m"), pa.Table.from_pylist(rows))
    seen = platform.ledger.delivery(87)
    platform.ledger.move_delivery(seen, facts={"marks": keys.check_marks(87, "m")})
    found = platform.store.load_table(characterise_sector(87, platform)["key"]).to_pylist()
    marks = {row["tic"]: row["marks"] for row in found}
    assert marks.pop(tic) == "s087: most cadences are good, noise is as expected"
    assert marks
    assert set(marks.values()) == {None}


def test_the_same_marks_in_another_table_are_the_same_candidates(platform, sector):
    """The key of a report on a sector holds which sectors were judged before it."""
    tic = next(row.tic for row in sector.truth if row.is_eb)
    row = {"tic": tic, "file_name": "a", "expectation": "most cadences are good", "found": "0"}
    made = set()
    for name in ("alone", "after others"):
        platform.store.save_table(keys.check_marks(87, name), pa.Table.from_pylist([row]))
        seen = platform.ledger.delivery(87)
        platform.ledger.move_delivery(seen, facts={"marks": keys.check_marks(87, name)})
        made.add(characterise_sector(87, platform)["key"])
    assert len(made) == 1


def test_running_again_is_free(platform, sector):
    record = characterise_sector(87, platform)
    held = dict(platform.store.objects)
    assert characterise_sector(87, platform) == record
    assert platform.store.objects == held
    assert len(platform.ledger.records("candidates")) == 1


def ingest_again(platform, sky, sector, span):
    """The same files as another sector, and nothing but them."""
    files = []
    for file, row in zip(sky.files, sky.truth, strict=True):
        key = keys.raw(sector, 1, file.name)
        platform.store.save_new(key, file.read_bytes())
        files.append({"tic": row.tic, "status": "stored", "key": key})
    manifest = keys.manifest(sector, span)
    platform.store.save_table(manifest, pa.Table.from_pylist(files))
    platform.ledger.add_delivery(sector, 1, state="raw", n_listed=len(files), listing_sha256="")
    platform.ledger.move_delivery(platform.ledger.delivery(sector), facts={"manifest": manifest})


def test_earlier_sectors_are_measured_as_well(platform, sector):
    alone = characterise_sector(87, platform)
    ingest_again(platform, sector, 61, "early")
    both = characterise_sector(87, platform)
    assert both["key"] != alone["key"]
    assert both["n_light_curve"] == 2 * alone["n_light_curve"]


def test_later_sectors_do_not_change_what_was_measured(platform, sector):
    record = characterise_sector(87, platform)
    ingest_again(platform, sector, 88, "late")
    held = dict(platform.store.objects)
    assert characterise_sector(87, platform) == record
    assert platform.store.objects == held


def test_other_stars_of_an_earlier_sector_do_not_matter(platform, sector):
    record = characterise_sector(87, platform)
    quiet = [row.is_eb for row in sector.truth].index(False)
    one = replace(sector, truth=sector.truth[quiet : quiet + 1])
    ingest_again(platform, one, 61, "other")
    assert characterise_sector(87, platform) == record


def test_everything_has_an_error_and_odds(platform, sector):
    record = characterise_sector(87, platform)
    for row in platform.store.load_table(record["key"]).to_pylist():
        if row["period"] is None:
            continue
        for name in ("period", "epoch", "depth_1", "duration_1"):
            assert row[f"{name}_err"] > 0
        chances = [row[f"probability_{name}"] for name in ("ea", "eb", "ew")]
        assert sum(chances) == pytest.approx(1)
        assert row["eb_type"] == ("EA", "EB", "EW")[chances.index(max(chances))]
        assert 0 <= row["morphology"] <= 1
        assert row["n_sector_measured"] == 1


def test_without_scores_it_says_what_to_do(platform):
    with pytest.raises(MissingInput, match="calnet-ops score s087"):
        characterise_sector(87, platform)
