"""A sector that is in the store, that is delivered again, or of which files are asked for again."""

from typing import Any

import pytest
from typing_extensions import override

from calnet_ops import keys
from calnet_ops.errors import ArchiveUnavailable, DeliveredAgain, MissingAtSource, MissingInput
from calnet_ops.lineage import sha256_hex
from calnet_ops.steps import ingest
from calnet_ops.steps.detect import detect_sectors
from calnet_ops.steps.ingest_again import ask_again
from calnet_ops.steps.ingest_plan import BY_HAND
from tests.support.memory_store import MemoryStore
from tests.support.plans import plan_now
from tests.support.platforms import make_platform
from tests.support.sources import FakeArchive, FakeSecond, no_answer
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

PAGE = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"


MISSING = MissingAtSource("file", found="status 404", expected="a light curve")


def _body(tic, data_rel=110):
    return spoc_bytes(spoc_arrays(300, gap=None), tic=tic, cards={"DATA_REL": data_rel})


NAMES = [spoc_name(tic) for tic in range(1, 6)]
FILES = {name: _body(tic) for tic, name in enumerate(NAMES, 1)}


class CountingStore(MemoryStore):
    """Counts what it is asked."""

    def __init__(self):
        super().__init__()
        self.counts = dict.fromkeys(("list", "exists", "load"), 0)

    @override
    def iter_keys(self, prefix):
        self.counts["list"] += 1
        return super().iter_keys(prefix)

    @override
    def exists(self, key):
        self.counts["exists"] += 1
        return super().exists(key)

    @override
    def load(self, key):
        self.counts["load"] += 1
        return super().load(key)


@pytest.fixture
def platform(tmp_path):
    platform = make_platform(tmp_path)
    platform.__dict__["store"] = CountingStore()
    platform.__dict__["archive"] = FakeArchive({name: [body] for name, body in FILES.items()})
    platform.__dict__["second_source"] = FakeSecond({n: [body] for n, body in FILES.items()})
    return platform


def _ingest(platform):
    shards = plan_now(87, platform)
    tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
    return ingest.close_sector(87, tallies, platform)


def _rows(platform, record):
    return platform.store.load_table(record["manifest"]).to_pylist()


def _deliver(platform, number=2, **files):
    """Have the archive deliver the sector again, and note it as a poll would."""
    platform.archive.hold(files)
    platform.archive.asked.clear()
    script = platform.archive.fetch_script(87)
    seen = platform.ledger.delivery(87)
    platform.ledger.add_delivery(
        87,
        number,
        state="listed",
        n_listed=len(script.files),
        listing_sha256=script.sha256,
        facts=seen.facts | {"why": "files changed"},
    )


def test_sector_in_the_store_costs_one_listing_and_one_read(platform):
    record = _ingest(platform)
    platform.archive.asked.clear()
    platform.archive.scripts = 0
    platform.store.counts = dict.fromkeys(platform.store.counts, 0)
    held = dict(platform.store.objects)
    assert _ingest(platform) == record
    assert platform.archive.asked == []
    assert platform.archive.scripts == 0
    assert platform.second_source.asked == []
    assert platform.store.counts == {"list": 1, "exists": 0, "load": 1}
    assert platform.store.objects == held
    assert len(platform.ledger.records("ingest")) == 1


def test_sector_in_the_store_is_one_task_however_large(platform):
    platform.archive.hold({spoc_name(tic): PAGE for tic in range(6, 402)})
    assert len(plan_now(87, platform)) == 5
    record = _ingest(platform)
    (shard,) = plan_now(87, platform)
    assert (shard["first"], shard["stop"], shard["done"]) == (0, 401, record["manifest"])
    tally = ingest.ingest_shard(shard, platform)
    assert (tally["n_stored"], tally["statistics"]) == (5, record["statistics"])


def test_shards_that_are_there_are_known_from_one_listing(platform):
    platform.archive.hold({spoc_name(tic): PAGE for tic in range(6, 402)})
    shards = plan_now(87, platform)
    for shard in shards[:3]:
        ingest.ingest_shard(shard, platform)
    platform.store.counts = dict.fromkeys(platform.store.counts, 0)
    platform.archive.scripts = 0
    again = plan_now(87, platform)
    assert [bool(shard["done"]) for shard in again] == [True, True, True, False, False]
    assert platform.store.counts == {"list": 1, "exists": 0, "load": 1}
    assert [shard["lineage"] for shard in again] == [shard["lineage"] for shard in shards]
    assert platform.archive.scripts == 0


def test_sector_that_was_stored_but_not_noted_is_noted(platform):
    """The run was killed between the last write and the ledger."""
    record = _ingest(platform)
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="listed")
    platform.archive.asked.clear()
    assert _ingest(platform) == record
    assert platform.archive.asked == []


def test_first_delivery_has_no_difference(platform):
    record = _ingest(platform)
    assert (record["held"], record["diff"], record["diff_rows"]) == ([], {}, "")
    assert platform.ledger.delivery(87).facts["diff"] == {}


def test_second_delivery_brings_only_what_changed(platform):
    first = _ingest(platform)
    new = spoc_name(6)
    changed = _body(2, data_rel=111)
    before = dict(platform.store.objects)
    _deliver(platform, **{NAMES[1]: changed, new: _body(6)})
    second = _ingest(platform)
    assert sorted(platform.archive.asked) == [*NAMES, new]
    assert second["diff"] == {"added": 1, "removed": 0, "changed": 1, "unchanged": 4}
    assert (second["n_stored"], second["n_unchanged"]) == (6, 4)
    old = {row["file_name"]: row for row in _rows(platform, first)}
    for row in _rows(platform, second):
        name = row["file_name"]
        if name in {NAMES[1], new}:
            assert (row["delivery"], row["key"]) == (2, keys.raw(87, 2, name))
        else:
            assert row == old[name]
    assert before.items() <= platform.store.objects.items()
    assert platform.store.load(keys.raw(87, 2, NAMES[1])) == changed
    statistics = platform.store.load_table(second["statistics"]).to_pylist()
    assert [row["sha256"] for row in statistics] == [
        row["sha256"] for row in _rows(platform, second)
    ]
    assert _ingest(platform) == second


def test_unchanged_files_cost_a_request_each_and_no_bytes(platform):
    _ingest(platform)
    _deliver(platform)
    (shard,) = plan_now(87, platform)
    tally = ingest.ingest_shard(shard, platform)
    assert (tally["n_request"], tally["pulled_bytes"], tally["n_unchanged"]) == (5, 0, 5)


def test_difference_is_told_file_by_file(platform):
    _ingest(platform)
    del platform.archive.files[NAMES[4]]
    platform.second_source.files[NAMES[2]] = [PAGE]
    _deliver(platform, **{NAMES[0]: _body(1, data_rel=111), NAMES[2]: PAGE, spoc_name(6): _body(6)})
    record = _ingest(platform)
    assert record["diff"] == {"added": 1, "removed": 1, "changed": 2, "unchanged": 2}
    rows = platform.store.load_table(record["diff_rows"]).to_pylist()
    told = [(row["file_name"], row["change"]) for row in rows]
    assert told == [
        (NAMES[0], "changed"),
        (NAMES[2], "changed"),
        (NAMES[4], "removed"),
        (spoc_name(6), "added"),
    ]
    assert (rows[0]["data_rel_before"], rows[0]["data_rel_after"]) == (110, 111)
    assert (rows[1]["status_before"], rows[1]["reason_after"]) == ("stored", "not a FITS file")
    assert (rows[2]["key_before"], rows[2]["key_after"]) == (keys.raw(87, 1, NAMES[4]), None)
    added = platform.store.load(keys.raw(87, 2, spoc_name(6)))
    assert rows[3]["sha256_after"] == sha256_hex(added)
    facts = platform.ledger.delivery(87).facts
    assert (facts["diff"], facts["diff_rows"]) == (record["diff"], record["diff_rows"])


def test_new_name_of_an_old_version_is_not_a_change(platform):
    """The archive forgot its tags; the bytes are what they were."""
    first = _ingest(platform)
    platform.archive.fetch_product = _untagged(platform.archive.fetch_product)
    _deliver(platform)
    second = _ingest(platform)
    assert second["diff"] == {"added": 0, "removed": 0, "changed": 0, "unchanged": 5}
    keys_before = [row["key"] for row in _rows(platform, first)]
    assert [row["key"] for row in _rows(platform, second)] == keys_before
    assert second["n_unchanged"] == 5


def _untagged(fetch):
    return lambda url, _held_etag="": fetch(url)


def test_bad_file_of_the_last_delivery_is_asked_for_in_full(platform):
    platform.archive.hold({NAMES[0]: PAGE})
    platform.second_source.files[NAMES[0]] = [no_answer()]
    first = _ingest(platform)
    assert first["n_suspect"] == 1
    _deliver(platform, **{NAMES[0]: FILES[NAMES[0]]})
    second = _ingest(platform)
    assert (second["n_stored"], second["n_suspect"]) == (5, 0)
    assert second["diff"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 4}
    assert _rows(platform, second)[0]["key"] == keys.raw(87, 2, NAMES[0])


@pytest.mark.parametrize("answer", [no_answer(), MISSING, b""])
def test_file_that_nobody_has_at_a_redelivery_keeps_its_bytes(platform, answer):
    first = _ingest(platform)
    platform.second_source.files[NAMES[0]] = [answer]
    _deliver(platform, **{NAMES[0]: answer, NAMES[1]: _body(2, 111)})
    second = _ingest(platform)
    assert (second["n_stored"], second["n_suspect"], second["n_quarantined"]) == (5, 1, {})
    assert second["diff"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 4}
    old, row = _rows(platform, first)[0], _rows(platform, second)[0]
    assert row == old | {"trust": "suspect", "evidence": row["evidence"]}
    assert row["evidence"].startswith("archive: ")
    assert row["evidence"].endswith("; earlier delivery: sound")
    statistics = platform.store.load_table(second["statistics"]).to_pylist()
    assert statistics[0]["sha256"] == old["sha256"]
    _deliver(platform, 3, **{NAMES[0]: FILES[NAMES[0]]})
    third = _ingest(platform)
    assert _rows(platform, third)[0] == old | {"evidence": old["evidence"]}
    assert third["n_suspect"] == 0


def test_third_delivery_stands_on_the_second(platform):
    _ingest(platform)
    _deliver(platform, **{NAMES[0]: _body(1, 111)})
    second = _ingest(platform)
    _deliver(platform, 3, **{NAMES[1]: _body(2, 112)})
    third = _ingest(platform)
    assert third["held"] == [second["manifest"], second["statistics"]]
    assert [row["delivery"] for row in _rows(platform, third)] == [2, 3, 1, 1, 1]
    assert third["diff"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 4}


def test_killed_ingest_of_a_second_delivery_goes_on(platform):
    _ingest(platform)
    _deliver(platform, **{NAMES[0]: _body(1, 111), NAMES[1]: _body(2, 111)})
    (shard,) = plan_now(87, platform)
    tally = ingest.ingest_shard(shard, platform)
    del platform.store.objects[tally["manifest"]]
    platform.archive.asked.clear()
    assert ingest.ingest_shard(shard, platform)["n_unchanged"] == 3
    assert sorted(platform.archive.asked) == NAMES[2:]  # and none of them in full


def test_manifest_of_an_older_version_is_no_obstacle(platform):
    """Its rows lack columns, so each file is asked for; the same bytes are not stored twice."""
    record = _ingest(platform)
    old = platform.store.load_table(record["manifest"]).drop_columns(["etag", "trust"])
    platform.store.save_table("manifest/s087/old.parquet", old)
    _deliver(platform, **{NAMES[0]: _body(1, 111)})
    seen = platform.ledger.delivery(87)
    platform.ledger.move_delivery(seen, facts={"manifest": "manifest/s087/old.parquet"})
    second = _ingest(platform)
    assert second["diff"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 4}
    assert len([key for key in platform.store.objects if "/d2/" in key]) == 1


def test_delivery_in_the_middle_of_an_ingest_is_not_mixed_up(platform):
    (shard,) = plan_now(87, platform)
    tally = ingest.ingest_shard(shard, platform)
    seen = platform.ledger.delivery(87)
    platform.ledger.move_delivery(seen, state="appearing", listing_sha256="1" * 64)
    with pytest.raises(DeliveredAgain, match="appearing"):
        ingest.close_sector(87, [tally], platform)
    assert platform.ledger.delivery(87).state == "appearing"


def test_file_is_asked_for_again_by_hand_and_no_other(platform):
    first = _ingest(platform)
    platform.archive.asked.clear()
    platform.second_source.asked.clear()
    platform.archive.scripts = 0
    ask_again(87, [NAMES[2]], platform)
    delivery = platform.ledger.delivery(87)
    assert (delivery.delivery, delivery.state) == (2, "listed")
    assert delivery.facts["why"] == BY_HAND
    assert delivery.facts["again"]["files"] == [NAMES[2]]
    record = _ingest(platform)
    assert (platform.archive.asked, platform.archive.scripts) == ([NAMES[2]], 0)
    assert platform.second_source.asked == [NAMES[2]]
    assert record["diff"] == {"added": 0, "removed": 0, "changed": 0, "unchanged": 5}
    rows, old = _rows(platform, record), _rows(platform, first)
    assert rows[2] == old[2] | {"compared": "same"}
    assert rows[:2] + rows[3:] == old[:2] + old[3:]
    platform.archive.asked.clear()
    assert _ingest(platform) == record
    assert platform.archive.asked == []


def test_suspect_files_are_asked_for_again_by_one_word(platform):
    platform.archive.hold({NAMES[0]: PAGE, NAMES[1]: PAGE})
    platform.second_source.files |= {NAMES[0]: [no_answer()], NAMES[1]: [PAGE]}
    _ingest(platform)
    platform.archive.hold({name: FILES[name] for name in NAMES})
    platform.archive.asked.clear()
    ask_again(87, ["suspect"], platform)
    record = _ingest(platform)
    assert set(platform.archive.asked) == {NAMES[0]}
    assert (record["n_stored"], record["n_bad"], record["n_suspect"]) == (4, 1, 0)
    ask_again(87, ["quarantined"], platform)
    record = _ingest(platform)
    assert set(platform.archive.asked) == {NAMES[0], NAMES[1]}
    assert record["n_stored"] == 5
    assert [row["delivery"] for row in _rows(platform, record)] == [2, 3, 1, 1, 1]


def test_delivery_after_one_by_hand_is_an_ordinary_one(platform):
    _ingest(platform)
    ask_again(87, [NAMES[2]], platform)
    _ingest(platform)
    _deliver(platform, 3, **{NAMES[4]: _body(5, 111)})
    record = _ingest(platform)
    assert sorted(platform.archive.asked) == NAMES
    assert record["diff"]["changed"] == 1


def test_file_asked_for_again_keeps_its_old_bytes_too(platform):
    _ingest(platform)
    newer = _body(3, 111)
    platform.archive.hold({NAMES[2]: newer})
    ask_again(87, [NAMES[2]], platform)
    record = _ingest(platform)
    row = _rows(platform, record)[2]
    assert (row["key"], row["compared"]) == (keys.raw(87, 2, NAMES[2]), "differs")
    assert platform.store.load(keys.raw(87, 1, NAMES[2])) == FILES[NAMES[2]]
    assert platform.store.load(row["key"]) == newer


def test_nothing_can_be_asked_for_again_before_it_is_there(platform):
    with pytest.raises(MissingInput):
        ask_again(87, [NAMES[0]], platform)
    plan_now(87, platform)
    with pytest.raises(MissingInput, match="calnet-ops ingest 87"):
        ask_again(87, [NAMES[0]], platform)
    _ingest(platform)
    with pytest.raises(MissingInput, match="no such file"):
        ask_again(87, [spoc_name(77)], platform)
    with pytest.raises(MissingInput, match="suspect"):
        ask_again(87, ["suspect"], platform)
    ask_again(87, [NAMES[0]], platform)
    with pytest.raises(ArchiveUnavailable, match="on its way"):
        ask_again(87, [NAMES[0]], platform)


def test_script_that_changes_after_files_were_asked_for_again_is_pulled_whole(platform):
    _ingest(platform)
    ask_again(87, [NAMES[0]], platform)
    platform.archive.hold({spoc_name(6): _body(6)})
    detect_sectors(platform)
    assert platform.ledger.delivery(87).state == "appearing"
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="listed")
    record = _ingest(platform)
    assert (record["delivery"], record["n_stored"]) == (2, 6)
    assert record["diff"] == {"added": 1, "removed": 0, "changed": 0, "unchanged": 5}


def test_two_closers_at_once_agree(platform):
    (shard,) = plan_now(87, platform)
    tally = ingest.ingest_shard(shard, platform)
    move = platform.ledger.move_delivery
    records = []

    def move_after_another(seen, **changes):
        platform.ledger.__dict__.pop("move_delivery", None)
        records.append(ingest.close_sector(87, [tally], platform))
        return move(seen, **changes)

    platform.ledger.__dict__["move_delivery"] = move_after_another
    assert ingest.close_sector(87, [tally], platform) == records[0]
    assert platform.ledger.delivery(87).state == "raw"


def test_two_runs_that_saw_different_things_end_with_one_result(platform, tmp_path):
    """The slower one finds the manifest of the faster, and goes by it."""
    (shard,) = plan_now(87, platform)
    (other_folder := tmp_path / "other").mkdir()
    other = make_platform(other_folder)
    files = FILES | {NAMES[0]: PAGE}
    other.__dict__["store"] = platform.store
    other.__dict__["archive"] = FakeArchive({name: [body] for name, body in files.items()})
    fetch = platform.archive.fetch_product
    tallies: list[Any] = []

    def fetch_after_the_other(url, held_etag=""):
        if not tallies:
            tallies.append(None)
            tallies.append(ingest.ingest_shard(shard, other))
        return fetch(url, held_etag)

    platform.archive.fetch_product = fetch_after_the_other
    slower, faster = ingest.ingest_shard(shard, platform), tallies[1]
    assert slower["n_quarantined"] == faster["n_quarantined"] == {"not a FITS file": 1}
    record = ingest.close_sector(87, [slower], platform)
    stored = [row["sha256"] for row in _rows(platform, record) if row["status"] == "stored"]
    statistics = platform.store.load_table(record["statistics"])
    assert statistics["sha256"].to_pylist() == stored


def test_checks_of_the_delivery_before_do_not_speak_for_the_next(platform):
    _ingest(platform)
    judged = {"report": "checks/s087/one.json", "docs": "checks/s087/one", "n_rejected": 3}
    platform.ledger.move_delivery(platform.ledger.delivery(87), facts=judged)
    assert _ingest(platform)
    assert platform.ledger.delivery(87).facts["report"] == judged["report"]
    _deliver(platform, **{NAMES[0]: _body(9)})
    _ingest(platform)
    assert platform.ledger.delivery(87).facts["report"] == ""
