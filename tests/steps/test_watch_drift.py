"""A scored sector is held against what its model knows; a warning stops nothing."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.science.checks.products import SEGMENTS
from calnet_ops.science.evaluation import drift
from calnet_ops.steps.compare_vetting import compare_vetting
from calnet_ops.steps.segment_statistics import load_statistics
from calnet_ops.steps.watch_drift import watch_drift
from tests.support.scored_sectors import (
    MODEL,
    draw_stars,
    put_champion,
    put_sector,
    reference_of,
)

N_STAR = 80


def tilted(flux):
    """Flux with a slow ramp through the segment."""
    return flux * 0.7 + np.linspace(0, 0.3, len(flux))


@pytest.fixture
def watched(platform):
    """A champion with a reference, and a sector like its training stars."""
    put_champion(platform, reference_of(draw_stars(120, 1)))
    put_sector(platform, 60, draw_stars(N_STAR, 2))
    return platform


def test_a_sector_like_the_training_stars_is_as_usual(watched):
    record = watch_drift(60, watched)
    assert (record["state"], record["warnings"], record["against"]) == ("usual", [], ["training"])
    assert (record["n_star"], record["n_recent"], record["calibrated"]) == (N_STAR, 0, True)
    noted = watched.ledger.latest("drift", 60, MODEL)
    assert noted.facts == record
    stars = watched.store.load_table(record["stars"])
    assert stars.schema.equals(drift.STARS)
    assert len(stars) == N_STAR
    assert stars["camera"].null_count == 0
    assert len(watched.store.load_table(record["comparisons"])) > 0
    assert watched.store.load(record["figure"]).startswith(b"\x89PNG")
    assert b"as usual" in watched.store.load(record["docs"])


def test_a_sector_that_looks_otherwise_is_warned_of_and_nothing_fails(watched):
    put_sector(watched, 61, draw_stars(N_STAR, 3, tilted))
    record = watch_drift(61, watched)
    assert record["state"] == "warn"
    assert record["excess"] is not None
    assert record["excess"] > 1
    assert any(text.startswith("flux_slow of whole sector") for text in record["warnings"])
    assert b"unlike what the model knows" in watched.store.load(record["docs"])


@pytest.mark.parametrize("n_star", [0, 1, 2])
def test_a_sector_of_hardly_a_star_is_watched_as_well(watched, n_star):
    put_sector(watched, 61, draw_stars(n_star, 3))
    record = watch_drift(61, watched)
    assert record["n_star"] == n_star
    assert watched.store.load(record["figure"]).startswith(b"\x89PNG")
    assert b"Expected without labels" in watched.store.load(record["docs"])


def test_expected_figures_are_stored_with_their_intervals(watched):
    expected = watch_drift(60, watched)["expected"]
    assert (expected["n_star"], expected["n_called"]) == (N_STAR, N_STAR // 2)
    for name in ("recall", "precision", "eb_share"):
        one = expected[name]
        assert 0 <= one["low"] <= one["value"] <= one["high"] <= 1


def test_a_second_look_finds_all_done(watched):
    record = watch_drift(60, watched)
    before = set(watched.store.objects)
    assert watch_drift(60, watched) == record
    assert set(watched.store.objects) == before
    assert len(watched.ledger.records("drift")) == 1


def test_an_older_model_is_judged_by_recent_sectors_only_and_says_so(platform):
    put_champion(platform, None, calibration=None)
    put_sector(platform, 60, draw_stars(N_STAR, 2))
    first = watch_drift(60, platform)
    assert (first["state"], first["against"], first["excess"]) == ("unknown", [], None)
    assert not first["calibrated"]
    assert b"do not rely" in platform.store.load(first["docs"])
    put_sector(platform, 61, draw_stars(N_STAR, 3))
    put_sector(platform, 62, draw_stars(N_STAR, 4, tilted))
    second, third = watch_drift(61, platform), watch_drift(62, platform)
    assert (second["state"], second["against"], second["n_recent"]) == ("usual", ["recent"], 1)
    assert (third["state"], third["n_recent"]) == ("warn", 2)


def test_sectors_of_another_model_are_not_recent(watched):
    put_sector(watched, 61, draw_stars(N_STAR, 3), model_id="another")
    watched.ledger.record("drift", 61, "x", model_id="another", facts={"stars": "nowhere"})
    assert watch_drift(60, watched)["n_recent"] == 0


def test_an_unscored_sector_is_a_missing_input(watched):
    with pytest.raises(MissingInput, match="calnet-ops score 77"):
        watch_drift(77, watched)


def test_without_a_champion_there_is_nothing_to_watch(platform):
    put_sector(platform, 60, draw_stars(3, 2))
    with pytest.raises(MissingInput, match="a champion"):
        watch_drift(60, platform)


def test_statistics_of_an_older_version_are_computed_anew(watched):
    (shard,) = watched.ledger.latest("features-v1", 60).facts["shards"]
    fresh = load_statistics([shard], watched.store)
    older = fresh.select([name for name in fresh.column_names if name != "flux_skew"])
    watched.store.save_table("older.parquet", older)
    assert load_statistics([shard | {"statistics": "older.parquet"}], watched.store).equals(fresh)
    assert load_statistics([{"features": shard["features"]}], watched.store).equals(fresh)
    assert fresh.schema.equals(SEGMENTS)


def say(platform, tic, verdict, sector=60, source="person"):
    decision = {"tic": tic, "sector": sector, "verdict": verdict, "eb_type": "", "vetter": "ada"}
    more = {"source": source, "simulated": True, "note": ""}
    platform.ledger.add_decisions([decision | more])


def compared(platform) -> dict[str, Any]:
    """What was found, which there must be."""
    found = compare_vetting(60, platform)
    assert found is not None
    return {**found}


def test_what_vetting_found_stands_beside_what_was_expected(watched):
    record = watch_drift(60, watched)
    assert compare_vetting(60, watched) is None
    for number in (1, 3, 5, 7):
        say(watched, 600_000 + number, "EB" if number > 1 else "NOT_EB")
    for number in (2, 9, 11):  # the first is a binary that was not found
        say(watched, 600_000 + number, "EB", sector=0, source="catalog")
    found = compared(watched)
    assert (found["n_candidate"], found["n_vetted"]) == (N_STAR // 2, 4)
    assert found["found_precision"]["value"] == 0.75
    assert found["found_recall"]["value"] == pytest.approx(2 / 3)  # vetting cannot tell it
    assert found["expected_precision"] == record["expected"]["precision"]
    assert 0.8 < found["expected_of_vetted"] < 1
    noted = watched.ledger.latest("expected-found", 60, MODEL)
    assert noted.facts == found
    assert json.loads(watched.store.load(noted.key)) == found


def test_stars_that_the_model_has_learned_from_prove_no_recall(watched):
    rows = [{"tic": 600_001, "split": "train"}, {"tic": 600_003, "split": "test"}]
    key = keys.dataset("d")
    watched.store.save_table(key, pa.Table.from_pylist(rows))
    watched.store.objects[keys.model(MODEL, "model.json")] = json.dumps(
        {"features": "v1", "threshold": 0.5, "dataset": key}
    ).encode()
    watch_drift(60, watched)
    say(watched, 600_005, "EB")
    say(watched, 600_001, "EB", sector=0, source="catalog")
    say(watched, 600_003, "EB", sector=0, source="catalog")
    assert compared(watched)["found_recall"]["n"] == 1


def test_before_the_drift_there_is_nothing_to_compare(watched):
    with pytest.raises(MissingInput, match="calnet-ops drift 60"):
        compare_vetting(60, watched)
