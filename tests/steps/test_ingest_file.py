"""One sector of a few files between an archive, a second source and a store in memory."""

from dataclasses import replace
from itertools import count
from threading import Barrier

import pytest

from calnet_ops import keys
from calnet_ops.adapters.archive import Validators
from calnet_ops.errors import (
    ArchiveUnavailable,
    ForeignProduct,
    IncompleteDownload,
    KeyTaken,
    MissingAtSource,
)
from calnet_ops.lineage import sha256_hex
from calnet_ops.steps import ingest
from calnet_ops.steps.ingest_pull import ASKED_ANEW, THREADS
from calnet_ops.steps.ingest_trust import is_sampled
from tests.support.plans import plan_now
from tests.support.platforms import make_platform
from tests.support.sources import FakeArchive, FakeSecond, etag_of, no_answer
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

NAME = spoc_name()
BODY = spoc_bytes(spoc_arrays(300, gap=None))
OLDER = spoc_bytes(spoc_arrays(300, gap=None), cards={"DATA_REL": 109})
PAGE = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"
SAMPLED = next(name for name in map(spoc_name, count(1)) if is_sampled(name))
SAMPLED_BODY = spoc_bytes(spoc_arrays(300, gap=None), tic=keys.SpocName.parse(SAMPLED).tic)


def _flipped(body, at=20_000):
    damaged = bytearray(body)
    damaged[at] ^= 1
    return bytes(damaged)


DAMAGED = _flipped(BODY)
MISSING = MissingAtSource("file", found="status 404", expected="a light curve")
CUT = IncompleteDownload("file", found="5 bytes", expected="9 bytes")


@pytest.fixture
def platform(tmp_path):
    return _platform(tmp_path)


def _platform(folder, files=None, second=None):
    platform = make_platform(folder)
    platform.__dict__["archive"] = FakeArchive(files or {NAME: [BODY]})
    platform.__dict__["second_source"] = None if second is None else FakeSecond(second)
    return platform


def _ingest(platform):
    shards = plan_now(87, platform)
    tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
    record = ingest.close_sector(87, tallies, platform)
    return record, platform.store.load_table(record["manifest"]).to_pylist(), tallies


def _row(folder, *answers, second=None):
    platform = _platform(folder, {NAME: answers}, None if second is None else {NAME: second})
    _, (row,), _ = _ingest(platform)
    assert row["key"] in {"", *platform.store.objects}
    if row["key"]:
        assert row["sha256"] == sha256_hex(platform.store.load(row["key"]))
    return row, platform


def _short(row):
    return row["status"], row["trust"], row["reason"], row["n_look"], row["source"]


def test_sound_file_is_asked_for_once(tmp_path):
    row, platform = _row(tmp_path, BODY, second=[BODY])
    assert _short(row) == ("stored", "sound", "", 1, "archive")
    assert (row["evidence"], row["etag"]) == ("archive: sound", etag_of(BODY))
    assert platform.archive.asked == [NAME]
    assert platform.second_source.asked == []


@pytest.mark.parametrize("first", [b"", PAGE, BODY[:20_000], DAMAGED, MISSING, CUT])
def test_second_look_recovers_a_file(tmp_path, first):
    row, platform = _row(tmp_path, first, BODY, second=[BODY])
    assert _short(row) == ("stored", "recovered", "", 2, "archive")
    assert list(platform.store.iter_keys("quarantine/")) == []
    assert platform.second_source.asked == []


@pytest.mark.parametrize("bad", [b"", PAGE, BODY[:20_000], DAMAGED, MISSING, CUT])
def test_second_source_recovers_a_file_that_the_archive_has_not(tmp_path, bad):
    row, platform = _row(tmp_path, bad, second=[BODY])
    assert _short(row) == ("stored", "recovered", "", 3, "stpubdata")
    assert row["etag"] == etag_of(BODY)
    assert platform.store.load(row["key"]) == BODY
    assert list(platform.store.iter_keys("quarantine/")) == []


SPLICED = BODY[:20_000] + b"upstream request timeout" + BODY[20_000:]
BLOCK = 2880
REASONS = [
    (b"", "empty file"),
    (PAGE, "not a FITS file"),
    (BODY[:5000], "truncated"),
    (BODY[:-BLOCK], "truncated"),
    (BODY[:-1], "truncated"),
    (DAMAGED, "checksum mismatch"),
    (BODY[:20_000] + PAGE + BODY[20_000 + len(PAGE) :], "checksum mismatch"),
    (SPLICED, "unexpected layout"),
    (MISSING, "missing at source"),
    (ForeignProduct("file", found="10 GB", expected="16 MB"), "foreign product"),
]


@pytest.mark.parametrize(("bad", "reason"), REASONS)
@pytest.mark.parametrize("with_second", [True, False])
def test_file_that_is_bad_everywhere_is_bad(tmp_path, bad, reason, with_second):
    row, platform = _row(tmp_path, bad, second=[bad] if with_second else None)
    assert _short(row)[:4] == ("quarantined", "bad", reason, 3 if with_second else 2)
    assert row["evidence"].count("the same") == (1 + with_second if not with_second else 2)
    kept = [platform.store.load(key) for key in platform.store.iter_keys("quarantine/")]
    assert kept == ([bad] if isinstance(bad, bytes) and bad else [])
    assert list(platform.store.iter_keys("tess/")) == []


def test_body_that_never_comes_whole_is_suspect(tmp_path):
    row, _ = _row(tmp_path, CUT, second=[no_answer()])
    assert _short(row) == ("quarantined", "suspect", "truncated", 3, "archive")
    assert "5 bytes" in row["message"]
    assert row["evidence"].endswith("stpubdata: no answer")


@pytest.mark.parametrize("other", [no_answer(), PAGE, MISSING])
def test_file_of_which_the_sources_disagree_is_suspect(tmp_path, other):
    row, _ = _row(tmp_path, DAMAGED, second=[other])
    assert _short(row) == ("quarantined", "suspect", "checksum mismatch", 3, "archive")


def test_bytes_that_most_looks_gave_go_to_quarantine(tmp_path):
    row, platform = _row(tmp_path, PAGE, DAMAGED, second=[DAMAGED])
    assert (row["trust"], row["reason"]) == ("suspect", "checksum mismatch")
    assert [platform.store.load(key) for key in platform.store.iter_keys("quarantine/")] == [
        DAMAGED
    ]


REFUSED = {
    "foreign product": [
        NAME.replace("-s_lc", "-a_fast-lc"),
        "hlsp_tess-spoc_tess_phot_s0087_tess_v1_lc.fits",
        NAME.replace("_lc.fits", "_tp.fits"),
    ],
    "duplicate target": [NAME.replace("-0284-", "-0285-")],
    "of another sector": [spoc_name(sector=1)],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_names_alone_are_reason_enough_to_refuse(tmp_path, reason):
    names = REFUSED[reason]
    platform = _platform(tmp_path, {name: [BODY] for name in (NAME, *names)}, {})
    record, rows, tallies = _ingest(platform)
    assert record["n_quarantined"] == {reason: len(names)}
    assert platform.archive.asked == [NAME]
    refused = [row for row in rows if row["file_name"] != NAME]
    for row in refused:
        assert (row["trust"], row["n_look"], row["n_try"], row["key"]) == ("bad", 0, 0, "")
        assert row["evidence"] == f"name: {reason}"
    assert tallies[0]["n_request"] == 1


@pytest.mark.parametrize(
    ("answer", "compared"),
    [(SAMPLED_BODY, "same"), (DAMAGED, "differs"), (MISSING, "missing"), (no_answer(), "")],
)
def test_sample_is_compared_with_the_second_source(tmp_path, answer, compared):
    platform = _platform(tmp_path, {SAMPLED: [SAMPLED_BODY]}, {SAMPLED: [answer]})
    record, (row,), _ = _ingest(platform)
    assert (row["compared"], row["trust"], row["source"]) == (compared, "sound", "archive")
    assert platform.store.load(row["key"]) == SAMPLED_BODY
    assert record["n_compared"] == bool(compared)
    assert record["n_differ"] == (compared == "differs")


def test_without_a_second_source_nothing_is_compared(tmp_path):
    _, (row,), _ = _ingest(_platform(tmp_path, {SAMPLED: [SAMPLED_BODY]}))
    assert row["compared"] == ""


def test_stored_files_are_not_asked_for_again_after_a_kill(tmp_path):
    """What a killed run leaves: some files, no manifest."""
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 6)}
    whole = _platform(tmp_path, files, {})
    record, rows, _ = _ingest(whole)
    for left in range(6):
        (folder := tmp_path / f"{left}").mkdir()
        platform = _platform(folder, files, {})
        for row in rows[:left]:
            key = row["key"]
            platform.store.objects[key] = whole.store.objects[key]
            platform.store.metadata[key] = whole.store.metadata[key]
        assert _ingest(platform)[:2] == (record, rows)
        assert sorted(platform.archive.asked) == [row["file_name"] for row in rows[left:]]
        assert platform.store.objects == whole.store.objects


def _of(tic, **cards):
    return spoc_bytes(spoc_arrays(300, gap=None), tic=tic, cards=cards)


def test_what_is_known_of_a_recovered_file_outlives_a_kill(tmp_path):
    row, platform = _row(tmp_path, DAMAGED, second=[BODY])
    for key in list(platform.store.objects):
        if not key.startswith("tess/"):
            del platform.store.objects[key]
    platform.archive.hold({NAME: no_answer()})
    _, (again,), _ = _ingest(platform)
    assert again == row


def test_file_delivered_again_in_the_middle_leaves_what_is_held(tmp_path, platform):
    """Between the listing of the store and the write, another run stored an older version."""
    key = keys.raw(87, 1, NAME)
    store = platform.store
    original = platform.archive.fetch_product

    def fetch(url, held_etag=""):
        told = {"etag": '"old"', "source": "archive", "trust": "sound", "n_try": "2"}
        store.save_new(key, OLDER, facts=told)
        return original(url, held_etag)

    platform.archive.fetch_product = fetch
    record, (row,), _ = _ingest(platform)
    assert (record["n_stored"], store.load(key)) == (1, OLDER)
    assert (row["sha256"], row["etag"], row["n_try"]) == (sha256_hex(OLDER), '"old"', 2)
    assert row["data_rel"] == 109
    statistics = store.load_table(record["statistics"]).to_pylist()
    assert statistics[0]["sha256"] == sha256_hex(OLDER)


def test_stored_bytes_that_changed_since_stop_the_shard(platform):
    key = keys.raw(87, 1, NAME)
    platform.store.save_new(key, BODY)
    platform.store.objects[key] = DAMAGED
    with pytest.raises(KeyTaken, match="Restore"):
        _ingest(platform)


def test_files_that_fail_do_not_hold_up_the_others(tmp_path):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 31)}
    failing = [spoc_name(tic) for tic in (1, 2, 11, 30)]
    platform = _platform(tmp_path, files | {name: [no_answer()] for name in failing})
    platform.archive.down = True
    (shard,) = plan_now(87, platform)
    with pytest.raises(ArchiveUnavailable):
        ingest.ingest_shard(shard, platform)
    assert len(list(platform.store.iter_keys("tess/"))) == 26
    platform.archive.asked.clear()
    platform.archive.hold({name: files[name][0] for name in failing})
    assert ingest.ingest_shard(shard, platform)["n_stored"] == 30
    assert sorted(platform.archive.asked) == failing


def test_file_that_only_the_second_source_gives_does_not_hold_up_its_sector(tmp_path):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 11)}
    poison = spoc_name(4)
    platform = _platform(tmp_path, files | {poison: [no_answer()]}, {poison: files[poison]})
    record, rows, _ = _ingest(platform)
    assert (record["n_stored"], record["n_recovered"]) == (10, 1)
    assert rows[3]["evidence"] == "archive: no answer; stpubdata: sound"
    assert platform.store.load(rows[3]["key"]) == files[poison][0]


@pytest.mark.parametrize("other", [no_answer(), MISSING, DAMAGED])
def test_file_that_nobody_gives_is_suspect_and_does_not_hold_up_its_sector(tmp_path, other):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 11)}
    poison = spoc_name(4)
    platform = _platform(tmp_path, files | {poison: [no_answer()]}, {poison: [other]})
    record, rows, _ = _ingest(platform)
    assert (record["n_stored"], record["n_suspect"]) == (9, 1)
    assert rows[3]["trust"] == "suspect"
    assert rows[3]["evidence"].startswith("archive: no answer; stpubdata: ")
    assert platform.archive.asked.count(poison) == 2


def test_files_that_nobody_gives_are_settled_side_by_side_and_only_some_asked_anew(tmp_path):
    poison = [spoc_name(tic) for tic in range(2, 2 + ASKED_ANEW + 4)]
    files = {name: [no_answer()] for name in poison} | {spoc_name(1): [_of(1)]}
    platform = _platform(tmp_path, files)
    fetch, together = platform.archive.fetch_product, Barrier(THREADS, timeout=5)

    def fetch_together(url, held_etag=""):
        if platform.archive.asked.count(url.rpartition("/")[2]) == 1:  # asked anew
            together.wait()
        return fetch(url, held_etag)

    platform.archive.fetch_product = fetch_together
    record, _, _ = _ingest(platform)
    assert (record["n_stored"], record["n_suspect"]) == (1, len(poison))
    counts = [platform.archive.asked.count(name) for name in poison]
    assert sorted(counts) == 4 * [1] + ASKED_ANEW * [2]


def test_file_that_the_archive_gives_when_asked_once_more_is_stored(tmp_path):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 11)}
    late = spoc_name(4)
    platform = _platform(tmp_path, files | {late: [no_answer(), files[late][0]]})
    record, rows, _ = _ingest(platform)
    assert (record["n_stored"], rows[3]["trust"]) == (10, "sound")


def test_archive_that_is_down_is_not_replaced_by_the_second_source(tmp_path):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 4)}
    platform = _platform(tmp_path, {name: [no_answer()] for name in files}, files)
    (shard,) = plan_now(87, platform)
    with pytest.raises(ArchiveUnavailable):
        ingest.ingest_shard(shard, platform)
    assert platform.second_source.asked == []


def test_archive_that_is_down_is_left_alone_soon(tmp_path):
    names = [spoc_name(tic) for tic in range(1, 101)]
    platform = _platform(tmp_path, {name: [no_answer()] for name in names})
    platform.archive.down = True
    platform.archive.takes_s = 0.02  # or all have failed before anybody can look
    (shard,) = plan_now(87, platform)
    with pytest.raises(ArchiveUnavailable):
        ingest.ingest_shard(shard, platform)
    assert len(platform.archive.asked) < 80


def test_progress_is_told_file_by_file(tmp_path):
    files = {spoc_name(tic): [_of(tic)] for tic in range(1, 6)}
    platform = _platform(tmp_path, files)
    (shard,) = plan_now(87, platform)
    told: list[int] = []
    tally = ingest.ingest_shard(shard, platform, told.append)
    assert told == [len(BODY)] * 5
    assert (tally["n_request"], tally["pulled_bytes"]) == (5, 5 * len(BODY))
    assert tally["seconds"] > 0
    again = ingest.ingest_shard(shard, platform, told.append)
    assert len(told) == 5
    assert (again["n_request"], again["pulled_bytes"], again["seconds"]) == (0, 0, 0)
    assert again["n_stored"] == 5


def test_share_of_the_network_is_kept_and_is_no_part_of_the_keys(tmp_path, platform):
    (free,) = plan_now(87, platform)
    (shard,) = plan_now(87, platform, max_bytes_per_s=2 * len(BODY))
    assert shard["lineage"] == free["lineage"]
    ingest.ingest_shard(shard, platform)
    assert platform.throttle.take(len(BODY)) == 0
    assert platform.throttle.take(1) > 0


def test_verdict_of_a_killed_run_stands(tmp_path):
    """Else quarantine would hold bytes that no manifest tells of."""
    row, platform = _row(tmp_path, PAGE, DAMAGED, second=[no_answer()])
    for key in list(platform.store.objects):
        if not key.startswith("quarantine/"):
            del platform.store.objects[key]
    platform.archive.hold({NAME: BODY})
    platform.archive.asked.clear()
    _, (again,), _ = _ingest(platform)
    assert again == row
    assert platform.archive.asked == []


def test_verdict_on_another_listing_does_not_stand(tmp_path):
    row, platform = _row(tmp_path, DAMAGED)
    platform.store.metadata[row["key"]]["plan"] = "manifest/s087/older-plan.parquet"
    for key in list(platform.store.objects):
        if not key.startswith("quarantine/"):
            del platform.store.objects[key]
    platform.archive.hold({NAME: BODY})
    _, (again,), _ = _ingest(platform)
    assert again["status"] == "stored"


def test_hostile_words_of_a_server_fit_into_the_store(tmp_path):
    platform = _platform(tmp_path, {NAME: [BODY], spoc_name(2): [PAGE]})
    fetch = platform.archive.fetch_product

    def fetch_with_words(url, held_etag=""):
        words = Validators('"' + "%é\n☃" * 500, "Tue, é" * 500)
        return replace(fetch(url, held_etag), validators=words)

    platform.archive.fetch_product = fetch_with_words
    record, rows, _ = _ingest(platform)
    assert (record["n_stored"], record["n_bad"]) == (1, 1)
    assert all(len(row["etag"]) <= 100 and row["etag"].isascii() for row in rows)
