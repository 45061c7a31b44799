"""Whose eclipses: from raw files and candidates to verdicts, on a sky with a blend."""

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps.attribute import attribute_sector
from calnet_ops.steps.characterise import characterise_sector
from calnet_ops.steps.stored_attributions import newest_attributions
from tests.support.stored_sectors import store_sector

MODEL = "fedcba9876543210"


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A binary alone, and a pair: a binary with a quiet star next door."""
    folder = tmp_path_factory.mktemp("pairs")
    mix = {"EA": 1.0}
    return simulate_sector(folder, 87, n_star=1, n_pair=1, seed=3, mix=mix, compact=True, workers=1)


def add_scores(platform, sector, rows):
    """Target scores, all of them above the threshold."""
    targets = keys.target_scores(MODEL, sector, "t")
    scores = [
        {"tic": row.tic, "sector": sector, "n_segment": 2, "probability": 0.9, "simulated": True}
        for row in rows
    ]
    platform.store.save_table(targets, pa.Table.from_pylist(scores))
    platform.ledger.record("score", sector, targets, model_id=MODEL, facts={"targets": targets})


@pytest.fixture
def platform(platform, sky):
    """All three stars are candidates of sector 87."""
    files = {row.file_name: (sky.folder / row.file_name).read_bytes() for row in sky.truth}
    store_sector(platform, files)
    add_scores(platform, 87, sky.truth)
    platform.ledger.add_promotion(
        model_version=1, model_id=MODEL, action="promoted", reason="", threshold=0.5,
        simulated=True,
    )  # fmt: skip
    return platform


def rows_of(platform, record):
    return {row["tic"]: row for row in platform.store.load_table(record["key"]).to_pylist()}


def test_a_blend_is_told_from_its_source(platform, sky):
    characterise_sector(87, platform)
    record = attribute_sector(87, platform)
    alone, eclipsing, quiet = (row.tic for row in sky.truth)
    rows = rows_of(platform, record)
    assert list(rows) == [alone, eclipsing, quiet]
    assert rows[alone]["p_on_target"] > 0.9
    assert rows[eclipsing]["p_on_target"] > 0.9
    assert rows[quiet]["p_on_target"] < 0.1
    assert rows[quiet]["source_tic"] == eclipsing
    assert [rows[tic]["group_id"] for tic in rows] == [alone, eclipsing, eclipsing]
    assert rows[quiet]["neighbour_tic"] == eclipsing
    assert rows[quiet]["neighbour_distance"] < 63
    assert rows[alone]["neighbour_tic"] is None
    assert (record["n_candidate"], record["n_matched"], record["n_off_target"]) == (3, 2, 1)
    measured = platform.store.load_table(record["photocentres"]).to_pylist()
    assert [row["tic"] for row in measured] == list(rows)
    assert measured[2]["shift_1_sigma"] > 4


def test_running_again_is_free(platform):
    characterise_sector(87, platform)
    record = attribute_sector(87, platform)
    held = dict(platform.store.objects)
    assert attribute_sector(87, platform) == record
    assert platform.store.objects == held
    assert len(platform.ledger.records("attribution")) == 1


def test_a_later_sector_changes_verdicts_but_measures_nothing_again(platform):
    """The same light curves under another number: what was read of the first stays."""
    candidates = characterise_sector(87, platform)
    first = attribute_sector(87, platform)
    table = platform.store.load_table(candidates["key"])
    other = keys.candidates(MODEL, 88, "more")
    platform.store.save_table(other, table)
    platform.ledger.record("candidates", 88, other, model_id=MODEL, facts=dict(candidates))
    again = attribute_sector(87, platform)
    assert again["key"] != first["key"]
    assert again["photocentres"] == first["photocentres"]
    assert rows_of(platform, again) == rows_of(platform, first)  # no other star came


def test_a_release_finds_the_newest_attribution_of_its_candidates(platform):
    characterise_sector(87, platform)
    record = attribute_sector(87, platform)
    candidates = platform.ledger.records("candidates")
    found = newest_attributions(candidates, platform.ledger)
    assert {sector: item.key for sector, item in found.items()} == {87: record["key"]}
    assert newest_attributions([], platform.ledger) == {}


def test_a_sector_without_candidates_has_an_empty_table(platform):
    add_scores(platform, 88, [])
    store_sector(platform, {}, sector=88)
    nothing = keys.candidates(MODEL, 88, "none")
    characterise_sector(87, platform)
    empty = platform.store.load_table(platform.ledger.records("candidates")[0].key).slice(0, 0)
    platform.store.save_table(nothing, empty)
    platform.ledger.record("candidates", 88, nothing, model_id=MODEL, facts={"targets": ""})
    record = attribute_sector(88, platform)
    assert (record["n_candidate"], record["n_matched"]) == (0, 0)


def test_without_candidates_it_says_what_to_do(platform):
    with pytest.raises(MissingInput, match="calnet-ops candidates s087"):
        attribute_sector(87, platform)
