from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.adapters.archive import ListedFile, Script
from calnet_ops.errors import ArchiveUnavailable, MissingInput
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.steps import ingest
from calnet_ops.steps.ingest_plan import cut, plan_table
from calnet_ops.steps.ingest_tables import STATISTICS
from tests.support.mirrors import mirror_of
from tests.support.plans import plan_now
from tests.support.platforms import make_platform
from tests.support.sources import FakeArchive, no_answer
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

N_ROW = 3000
TIC = 900_000_000_000


def _body(tic: int, cards: dict[str, Any] | None = None) -> bytes:
    return spoc_bytes(spoc_arrays(N_ROW, gap=(1400, 1500)), tic=tic, cards=cards)


GOOD = {spoc_name(TIC + n): _body(TIC + n) for n in range(1, 4)}


@pytest.fixture
def sector(tmp_path: Path) -> Path:
    folder = tmp_path / "archive" / "s087"
    folder.mkdir(parents=True)
    for name, body in GOOD.items():
        (folder / name).write_bytes(body)
    return folder


@pytest.fixture
def platform(tmp_path: Path, sector: Path) -> Iterator[Platform]:
    with mirror_of(tmp_path / "archive") as url:
        platform = make_platform(tmp_path, url)
        yield platform
        platform.archive._client.close()  # type: ignore[attr-defined]


def _ingest(platform: Platform) -> ingest.IngestRecord:
    shards = plan_now(87, platform)
    tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
    return ingest.close_sector(87, tallies, platform)


def test_good_files_are_stored_byte_for_byte(platform):
    record = _ingest(platform)
    assert (record["n_listed"], record["n_stored"], record["n_quarantined"]) == (3, 3, {})
    assert record["n_bytes"] == sum(map(len, GOOD.values()))
    assert record["simulated"] is True
    for name, body in GOOD.items():
        assert platform.store.load(f"tess/lc/s087/{name}") == body
    rows = platform.store.load_table(record["manifest"]).to_pylist()
    assert [row["file_name"] for row in rows] == sorted(GOOD)
    assert rows[0] == {
        "file_name": spoc_name(TIC + 1),
        "tic": TIC + 1,
        "sector": 87,
        "delivery": 1,
        "status": "stored",
        "reason": "",
        "message": "",
        "key": f"tess/lc/s087/{spoc_name(TIC + 1)}",
        "n_bytes": len(GOOD[spoc_name(TIC + 1)]),
        "sha256": sha256_hex(GOOD[spoc_name(TIC + 1)]),
        "url": "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/"
        + spoc_name(TIC + 1),
        "source": "archive",
        "etag": rows[0]["etag"],
        "last_modified": rows[0]["last_modified"],
        "n_try": 1,
        "trust": "sound",
        "n_look": 1,
        "evidence": "archive: sound",
        "compared": "",
        "date": "2025-01-20",
        "procver": "spoc-5.0.1",
        "data_rel": 110,
        "simulated": True,
    }


def test_statistics_of_stored_files_are_kept(platform):
    record = _ingest(platform)
    table = platform.store.load_table(record["statistics"])
    assert table["file_name"].to_pylist() == sorted(GOOD)
    assert table["sha256"].to_pylist() == [sha256_hex(GOOD[name]) for name in sorted(GOOD)]
    assert table["tic"].to_pylist() == [TIC + 1, TIC + 2, TIC + 3]


def test_sector_is_raw_afterwards_and_says_where_its_parts_are(platform):
    record = _ingest(platform)
    delivery = platform.ledger.delivery(87)
    assert delivery.state == "raw"
    assert delivery.facts["manifest"] == record["manifest"]
    assert delivery.facts["n_stored"] == 3
    assert platform.ledger.latest("ingest", 87).key == record["manifest"]


def test_running_again_downloads_nothing_and_changes_nothing(platform, sector):
    record = _ingest(platform)
    before = list(platform.store.iter_keys(""))
    for name in GOOD:
        (sector / name).write_bytes(b"gone")
    assert _ingest(platform) == record
    assert list(platform.store.iter_keys("")) == before
    assert len(platform.ledger.records("ingest")) == 1


def test_two_platforms_give_the_same_keys_and_bytes(platform, tmp_path, sector):
    record = _ingest(platform)
    (tmp_path / "other").mkdir()
    with mirror_of(tmp_path / "archive") as url:
        other = make_platform(tmp_path / "other", url)
        assert _ingest(other) == record
        other.archive._client.close()  # type: ignore[attr-defined]
    assert list(other.store.iter_keys("")) == list(platform.store.iter_keys(""))
    for key in platform.store.iter_keys(""):
        assert other.store.load(key) == platform.store.load(key)


def _without_time() -> bytes:
    arrays = spoc_arrays(N_ROW)
    arrays["TIME"][700:710] = np.nan
    return spoc_bytes(arrays, tic=TIC + 9)


def _flipped() -> bytes:
    body = bytearray(_body(TIC + 9))
    body[20_000] ^= 1
    return bytes(body)


BAD = {
    "empty file": b"",
    "not a FITS file": b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>",
    "checksum mismatch": _flipped(),
    "flux without time": _without_time(),
    "header disagrees with file name": _body(TIC + 8),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_file_is_quarantined_with_its_reason_and_its_bytes(platform, sector, reason):
    name = spoc_name(TIC + 9)
    (sector / name).write_bytes(BAD[reason])
    record = _ingest(platform)
    assert (record["n_stored"], record["n_quarantined"]) == (3, {reason: 1})
    row = platform.store.load_table(record["manifest"]).to_pylist()[-1]
    assert (row["file_name"], row["tic"], row["status"]) == (name, TIC + 9, "quarantined")
    assert name in row["message"]
    if BAD[reason]:
        assert row["key"] == keys.quarantine(87, row["sha256"], name)
        assert platform.store.load(row["key"]) == BAD[reason]
    else:
        assert row["key"] == ""
    assert platform.ledger.delivery(87).state == "raw"


@pytest.mark.parametrize("n_byte", [2000, 5760, 20_000, -2880, -1])
def test_file_that_ends_early_is_truncated(platform, sector, n_byte):
    (sector / spoc_name(TIC + 9)).write_bytes(_body(TIC + 9)[:n_byte])
    assert _ingest(platform)["n_quarantined"] == {"truncated": 1}


@pytest.mark.parametrize("card", [{"SECTOR": 88}, {"TICID": TIC + 8}])
def test_header_of_another_star_or_sector_is_noticed(platform, sector, card):
    (sector / spoc_name(TIC + 9)).write_bytes(_body(TIC + 9, cards=card))
    assert _ingest(platform)["n_quarantined"] == {"header disagrees with file name": 1}


def test_foreign_products_are_quarantined(platform, sector):
    body = _body(TIC + 9)
    (sector / spoc_name(TIC + 9).replace("-s_lc", "-a_fast-lc")).write_bytes(body)
    (sector / "hlsp_tess-spoc_tess_phot_s0087_tess_v1_lc.fits").write_bytes(body)
    (sector / spoc_name(TIC + 9)).write_bytes(_body(TIC + 9, cards={"TIMEDEL": 20 / 86400}))
    record = _ingest(platform)
    assert record["n_quarantined"] == {"foreign product": 3}
    tics = platform.store.load_table(record["manifest"])["tic"].to_pylist()
    assert sorted(tics, key=str)[-2:] == [None, None]


def test_sound_file_of_another_sector_is_not_taken_for_one_of_this(platform, sector):
    stranger = spoc_name(TIC + 1, 1)
    (sector / stranger).write_bytes(spoc_bytes(spoc_arrays(N_ROW), tic=TIC + 1, sector=1))
    record = _ingest(platform)
    assert (record["n_stored"], record["n_quarantined"]) == (3, {"of another sector": 1})
    assert not platform.store.exists(keys.raw(87, 1, stranger))
    assert platform.store.exists(keys.raw(87, 1, spoc_name(TIC + 1)))


def test_second_file_of_a_star_is_a_duplicate(platform, sector):
    (sector / spoc_name(TIC + 1).replace("-0284-", "-0285-")).write_bytes(_body(TIC + 1))
    record = _ingest(platform)
    assert (record["n_stored"], record["n_quarantined"]) == (3, {"duplicate target": 1})
    assert platform.store.exists(f"tess/lc/s087/{spoc_name(TIC + 1)}")


def test_listed_file_that_the_archive_lacks_is_missing(platform, sector):
    shards = plan_now(87, platform)
    (sector / spoc_name(TIC + 2)).unlink()
    tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
    assert tallies[0]["n_quarantined"] == {"missing at source": 1}
    assert ingest.close_sector(87, tallies, platform)["n_stored"] == 2


def test_sector_of_bad_files_only_is_closed_all_the_same(platform, sector):
    for name in GOOD:
        (sector / name).write_bytes(b"")
    record = _ingest(platform)
    assert (record["n_stored"], record["n_quarantined"]) == (0, {"empty file": 3})
    statistics = platform.store.load_table(record["statistics"])
    assert statistics.num_rows == 0
    assert statistics.schema.equals(STATISTICS)


def test_archive_that_fails_ends_the_shard_and_leaves_no_manifest(platform, tmp_path):
    shard = plan_now(87, platform)[0]
    (tmp_path / "down").mkdir()
    down = make_platform(tmp_path / "down")
    down.__dict__["store"] = platform.store
    down.__dict__["archive"] = FakeArchive({name: [no_answer()] for name in GOOD})
    with pytest.raises(ArchiveUnavailable):
        ingest.ingest_shard(shard, down)
    assert not platform.store.exists(keys.manifest(87, shard["lineage"]))
    assert ingest.ingest_shard(shard, platform)["n_stored"] == 3


def test_script_that_changed_since_it_was_listed_is_not_pulled(platform, sector):
    platform.ledger.add_delivery(87, 1, state="listed", n_listed=2, listing_sha256="0" * 64)
    with pytest.raises(ArchiveUnavailable, match="--poll"):
        plan_now(87, platform)


def test_shard_that_is_missing_is_noticed(platform):
    plan_now(87, platform)
    with pytest.raises(MissingInput):
        ingest.close_sector(87, [], platform)


def test_sector_that_was_halted_stays_halted(platform):
    _ingest(platform)
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="halted")
    _ingest(platform)
    assert platform.ledger.delivery(87).state == "halted"


def test_two_runs_at_once_do_each_other_no_harm(platform):
    first, second = (plan_now(87, platform) for _ in range(2))
    tallies = [ingest.ingest_shard(shard, platform) for shard in first]
    again = [ingest.ingest_shard(shard, platform) for shard in second]
    record = ingest.close_sector(87, tallies, platform)
    platform.ledger.move_delivery(platform.ledger.delivery(87), facts={"report": "checks/s087/x"})
    assert ingest.close_sector(87, again, platform) == record
    assert platform.ledger.delivery(87).facts["report"] == "checks/s087/x"


def test_second_delivery_stores_what_changed_and_lists_everything(platform, sector):
    first = _ingest(platform)
    changed, new = spoc_name(TIC + 1), spoc_name(TIC + 4)
    (sector / changed).write_bytes(_body(TIC + 1, cards={"DATA_REL": 111}))
    (sector / new).write_bytes(_body(TIC + 4))
    script = platform.archive.fetch_script(87)
    platform.ledger.add_delivery(
        87, 2, state="listed", n_listed=len(script.files), listing_sha256=script.sha256
    )
    platform.ledger.move_delivery(
        platform.ledger.delivery(87), facts={"manifest": first["manifest"]}
    )
    second = _ingest(platform)
    table = platform.store.load_table(second["manifest"])
    assert table["key"].to_pylist() == [
        f"tess/lc/s087/d2/{changed}",
        f"tess/lc/s087/{spoc_name(TIC + 2)}",
        f"tess/lc/s087/{spoc_name(TIC + 3)}",
        f"tess/lc/s087/d2/{new}",
    ]
    assert platform.store.load(f"tess/lc/s087/{changed}") == GOOD[changed]


REASONS = {
    "truncated in header": "truncated",
    "truncated in table": "truncated",
    "short by one block": "truncated",
    "HTML page": "not a FITS file",
    "empty file": "empty file",
    "flipped bit": "checksum mismatch",
    "flux without time": "flux without time",
    "duplicate target": "duplicate target",
    "wrong sector": "header disagrees with file name",
    "wrong TIC": "header disagrees with file name",
    "20-s file": "foreign product",
    "HLSP file": "foreign product",
    "all NaN": "",
    "100 good cadences": "",
    "": "",
}
"""What ingest says to each damage; files of NaN are believed, and skipped later."""


def test_every_damage_gets_its_reason_and_the_sector_goes_on(damaged_sector, tmp_path):
    with mirror_of(damaged_sector.folder) as url:
        platform = make_platform(tmp_path, url)
        record = _ingest(platform)
        platform.archive._client.close()  # type: ignore[attr-defined]
    rows = platform.store.load_table(record["manifest"]).to_pylist()
    expected = {row.file_name: REASONS[row.damage] for row in damaged_sector.truth}
    assert {row["file_name"]: row["reason"] for row in rows} == expected
    for row, file in zip(rows, damaged_sector.files, strict=True):
        assert not row["key"] or platform.store.load(row["key"]) == file.read_bytes()


def test_real_files_are_all_believed(shared_data, tmp_path):
    with mirror_of(shared_data / "tess") as url:
        platform = make_platform(tmp_path, url)
        shards = plan_now(11, platform)
        tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
        record = ingest.close_sector(11, tallies, platform)
        platform.archive._client.close()  # type: ignore[attr-defined]
    assert (record["n_stored"], record["n_quarantined"], record["simulated"]) == (4, {}, False)


@pytest.mark.parametrize("n_file", [0, 1, 99, 100, 101, 300, 12_996, 19_999, 20_001, 100_000])
def test_shards_cover_every_file_once(n_file):
    shards = cut(n_file)
    assert [row for first, stop in shards for row in range(first, stop)] == list(range(n_file))
    assert len(shards) <= 200
    assert all(stop - first <= 500 for first, stop in shards)


def test_plan_is_sorted_and_marks_duplicates():
    names = ["z.fits", spoc_name(2), spoc_name(1), spoc_name(2).replace("-0284-", "-0285-")]
    files = tuple(ListedFile(name, f"https://x/{name}") for name in names)
    table = plan_table(Script(87, files, "0" * 64, ""))
    assert table["file_name"].to_pylist() == sorted(names)
    assert table["tic"].to_pylist() == [1, 2, 2, None]
    assert table["duplicate_of"].to_pylist() == ["", "", spoc_name(2), ""]
    assert isinstance(table, pa.Table)


def test_star_of_another_sector_makes_no_duplicate():
    names = [spoc_name(1, 1), spoc_name(1, 87)]
    files = tuple(ListedFile(name, f"https://x/{name}") for name in names)
    table = plan_table(Script(87, files, "0" * 64, ""))
    assert table["duplicate_of"].to_pylist() == ["", ""]
