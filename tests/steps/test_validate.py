"""A sector is judged once; what is wrong with it is told and kept."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput, SectorNotTrusted
from calnet_ops.science.checks.expectations import EXPECTATIONS
from calnet_ops.science.lightcurve import spoc
from calnet_ops.steps import validate
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

FIRST = 900_000_000_001

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("great_expectations"),
    pytest.mark.timeout(180),  # the import of Great Expectations alone takes 7 to 16 s
    pytest.mark.filterwarnings("ignore"),  # it warns of its own use of deprecated modules
]


@pytest.fixture(scope="module")
def sound() -> bytes:
    return spoc_bytes(tic=FIRST)


def change_statistics(platform, **columns):
    """The sector's statistics with other values in some columns of the first row."""
    delivery = platform.ledger.delivery(87)
    rows = platform.store.load_table(delivery.facts["statistics"]).to_pylist()
    rows[0] |= columns
    key = keys.statistics(87, "changed")
    platform.store.save_table(key, pa.Table.from_pylist(rows))
    platform.ledger.move_delivery(delivery, facts={"statistics": key})


def test_sound_sector_passes_and_is_judged_once(platform, sound):
    store_sector(platform, {spoc_name(FIRST): sound})
    record = validate.validate_sector(87, platform)
    assert (record["n_file"], record["n_rejected"]) == (1, 0)
    assert (record["warned"], record["halted"]) == ([], [])
    delivery = platform.ledger.delivery(87)
    assert delivery.state == "raw"
    assert delivery.facts["report"] == record["report"]
    assert b"<html" in platform.store.load(record["docs"])
    report = json.loads(platform.store.load(record["report"]))
    assert "noise is possible" in report["not_judged"]
    assert all(line["met"] for line in report["expectations"])
    before = dict(platform.store.objects)
    assert validate.validate_sector(87, platform) == record
    assert platform.store.objects == before


def test_sector_of_which_nothing_is_believed_is_stopped_however_small(platform):
    store_sector(platform, {})
    with pytest.raises(SectorNotTrusted, match="something is believed"):
        validate.validate_sector(87, platform)


def test_run_that_was_interrupted_is_finished_with_the_pages_it_left(platform, sound):
    store_sector(platform, {spoc_name(FIRST): sound})
    record = validate.validate_sector(87, platform)
    report = platform.store.objects.pop(record["report"])
    pages = {key: body for key, body in platform.store.objects.items() if "-docs/" in key}
    assert validate.validate_sector(87, platform) == record
    assert platform.store.load(record["report"]) == report
    assert pages.items() <= platform.store.objects.items()


def test_file_of_another_star_is_rejected_with_its_reason(platform, sound):
    store_sector(platform, {spoc_name(FIRST): sound})
    change_statistics(platform, magnitude_residual=7.5)
    record = validate.validate_sector(87, platform)
    assert record["n_rejected"] == 1
    (row,) = json.loads(platform.store.load(record["report"]))["rejected"]
    assert row["tic"] == FIRST
    assert row["reason"] == "check failed: flux can be this star's"
    assert "found 7.5, expected magnitude_residual -5 to 5" in row["message"]
    assert platform.ledger.delivery(87).state == "raw"


def test_sound_bytes_from_another_time_are_rejected(platform, sound):
    arrays = spoc_arrays()
    late = spoc_bytes(arrays | {"TIME": arrays["TIME"] + 40}, tic=FIRST + 1)
    spoc.verify(spoc_name(FIRST + 1), late)
    store_sector(platform, {spoc_name(FIRST): sound, spoc_name(FIRST + 1): late})
    record = validate.validate_sector(87, platform)
    (row,) = json.loads(platform.store.load(record["report"]))["rejected"]
    assert (row["tic"], row["reason"]) == (
        FIRST + 1,
        "check failed: times are those of the sector",
    )


def test_lost_file_halts_the_sector_until_it_is_found(platform, sound):
    store_sector(platform, {spoc_name(FIRST): sound})
    delivery = platform.ledger.delivery(87)
    platform.ledger.move_delivery(delivery, n_listed=2)
    with pytest.raises(SectorNotTrusted, match="every listed file is accounted for"):
        validate.validate_sector(87, platform)
    assert platform.ledger.delivery(87).state == "halted"
    assert platform.ledger.delivery(87).facts["docs"].endswith("index.html")
    platform.ledger.move_delivery(platform.ledger.delivery(87), n_listed=1)
    validate.validate_sector(87, platform)
    assert platform.ledger.delivery(87).state == "raw"


def test_other_bounds_are_another_verdict(platform, sound, monkeypatch):
    store_sector(platform, {spoc_name(FIRST): sound})
    first = validate.validate_sector(87, platform)
    strict = tuple(
        replace(item, low=0.999) if item.column == "share_good" else replace(item, min_file=1)
        for item in EXPECTATIONS
        if item.column in {"share_good", "median_share_good"}
    )
    strict = tuple(replace(item, min_file=1) for item in strict)
    monkeypatch.setattr(validate, "EXPECTATIONS", strict)
    second = validate.validate_sector(87, platform)
    assert second["report"] != first["report"]
    assert second["warned"] == ["most cadences are good"]


def test_sector_that_was_not_ingested_is_told_so(platform):
    with pytest.raises(MissingInput, match="calnet-ops ingest 5"):
        validate.validate_sector(5, platform)


@pytest.mark.parametrize("state", ["appearing", "listed"])
def test_delivery_in_the_store_is_judged_while_the_next_is_on_its_way(platform, sound, state):
    store_sector(platform, {spoc_name(FIRST): sound})
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="halted")
    more = {"n_listed": 2, "listing_sha256": "1" * 64, "facts": platform.ledger.delivery(87).facts}
    platform.ledger.add_delivery(87, 2, state=state, **more)
    record = validate.validate_sector(87, platform)
    first, second = platform.ledger.history(87)
    assert (first.state, first.facts["report"]) == ("raw", record["report"])
    assert (second.state, second.n_listed, "report" in second.facts) == (state, 2, False)
