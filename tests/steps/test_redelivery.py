"""A sector in the store whose files the archive changes under the same names."""

from typing import Any

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.steps.detect import detect_sectors
from calnet_ops.steps.redelivery import SECTORS_A_POLL
from calnet_ops.steps.redelivery_files import ALWAYS, IN_TURN, draw_files
from tests.support.moving_archive import Clock, MovingArchive, moving_platform
from tests.support.sources import URL, FakeSecond, etag_of, no_answer
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

TICS = range(1, 6)
WEEK_H, DAY_H = 7 * 24, 24
OLD = b"as it was"
"""Bytes that are held: they are not read again."""


def new_bytes(tic: int, date: str = "2027-01-01") -> bytes:
    """A sound light curve, made on some day."""
    return spoc_bytes(spoc_arrays(60, gap=None), tic=tic, cards={"DATE": date})


@pytest.fixture(scope="module")
def sound() -> bytes:
    """New bytes of star 3."""
    return new_bytes(3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path, clock) -> tuple[Platform, MovingArchive]:
    """Sector 87 with five files in the store, and an archive that still has the same."""
    platform, archive = moving_platform(tmp_path, clock)
    hold(platform, archive, 87, {spoc_name(tic): {} for tic in TICS})
    return platform, archive


def hold(
    platform: Platform,
    archive: MovingArchive,
    sector: int,
    rows: dict[str, dict[str, Any]],
    *,
    drop: tuple[str, ...] = (),
    **facts: Any,
) -> None:
    """Have a sector in the store; `rows` tells what is not ordinary of each file."""
    ordinary = {
        "status": "stored", "reason": "", "sha256": sha256_hex(OLD), "n_bytes": len(OLD),
        "etag": etag_of(OLD), "last_modified": "", "trust": "sound",
    }  # fmt: skip
    names = sorted(rows)
    table = [{"file_name": name, "url": URL + name} | ordinary | rows[name] for name in names]
    manifest = keys.manifest(sector, "a" * 16)
    platform.store.save_table(manifest, pa.Table.from_pylist(table).drop_columns(list(drop)))
    archive.scripts[sector] = names
    archive.dates[sector] = "Mon"
    archive.bodies |= {name: OLD for name in names if not rows[name].get("reason")}
    script = archive.fetch_script(sector)
    platform.ledger.add_delivery(
        sector,
        1,
        state="raw",
        n_listed=len(names),
        listing_sha256=script.sha256,
        facts={
            "manifest": manifest,
            "delivery": 1,
            "last_modified": "Mon",
            "probed_utc": platform.now().isoformat(),
        }
        | facts,
    )
    archive.asked.clear()


def state_of(platform: Platform, sector: int = 87) -> tuple[int, str]:
    delivery = platform.ledger.delivery(sector)
    assert delivery is not None
    return delivery.delivery, delivery.state


def test_new_bytes_under_the_same_script_are_a_new_delivery(world, clock, sound):
    platform, archive = world
    archive.bodies[spoc_name(3)] = sound
    clock.pass_hours(WEEK_H - 1)
    detect_sectors(platform)
    assert archive.asked["probe"] == 0  # its turn is after a week
    clock.pass_hours(1)
    assert detect_sectors(platform)["states"] == {87: "appearing"}
    first, again = platform.ledger.history(87)
    assert (first.state, first.facts["manifest"]) == ("raw", again.facts["manifest"])
    assert again.facts["why"] == f"files changed: {spoc_name(3)}"
    assert (again.n_listed, again.listing_sha256) == (first.n_listed, first.listing_sha256)
    clock.pass_hours(DAY_H - 1)
    assert detect_sectors(platform)["listed"] == []
    clock.pass_hours(1)
    assert detect_sectors(platform)["listed"] == [87]
    assert state_of(platform) == (2, "listed")
    assert detect_sectors(platform)["listed"] == []


def test_clock_starts_again_while_files_still_change(world, clock, sound):
    platform, archive = world
    archive.bodies[spoc_name(3)] = sound
    detect_sectors(platform, all_due=True)
    for tic in (1, 2):
        clock.pass_hours(20)
        archive.bodies[spoc_name(tic)] = b"newer"
        assert detect_sectors(platform)["listed"] == []
    clock.pass_hours(DAY_H - 1)
    assert detect_sectors(platform)["listed"] == []
    clock.pass_hours(1)
    assert detect_sectors(platform)["listed"] == [87]


def test_new_etag_of_the_same_bytes_is_remembered_and_is_no_delivery(world, clock):
    platform, archive = world
    archive.etags[spoc_name(3)] = '"of a copy-2"'
    for n_fetch in (1, 1):
        clock.pass_hours(WEEK_H)
        detect_sectors(platform)
        assert archive.asked["fetch"] == n_fetch
    assert state_of(platform) == (1, "raw")


def test_bytes_that_cannot_be_believed_are_no_delivery(world, clock):
    platform, archive = world
    archive.bodies[spoc_name(3)] = b"<html>down for maintenance</html>"
    clock.pass_hours(WEEK_H)
    detect_sectors(platform)
    assert state_of(platform) == (1, "raw")


def test_file_that_is_gone_from_the_archive_changes_nothing(world, clock):
    platform, archive = world
    del archive.bodies[spoc_name(3)]
    clock.pass_hours(WEEK_H)
    detect_sectors(platform)
    assert state_of(platform) == (1, "raw")


def test_missing_file_is_asked_for_each_day_until_it_comes(tmp_path, clock, sound):
    platform, archive = moving_platform(tmp_path, clock)
    gone = {"status": "quarantined", "reason": "missing at source", "etag": "", "sha256": ""}
    rows = {spoc_name(1): {}, spoc_name(3): gone}
    hold(platform, archive, 87, rows, n_quarantined={"missing at source": 1})
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    assert state_of(platform) == (1, "raw")
    archive.bodies[spoc_name(3)] = sound
    clock.pass_hours(DAY_H - 1)
    detect_sectors(platform)
    assert state_of(platform) == (1, "raw")
    clock.pass_hours(1)
    detect_sectors(platform)
    assert state_of(platform) == (2, "appearing")
    delivery = platform.ledger.delivery(87)
    assert delivery is not None
    assert delivery.facts["why"] == f"file available now: {spoc_name(3)}"


@pytest.mark.parametrize("healed", [True, False])
def test_suspect_file_is_asked_for_at_the_second_source_too(tmp_path, clock, sound, healed):
    platform, archive = moving_platform(tmp_path, clock)
    bad = {"status": "quarantined", "reason": "truncated", "trust": "suspect"}
    hold(platform, archive, 87, {spoc_name(1): {}, spoc_name(3): bad}, n_suspect=1)
    archive.bodies[spoc_name(3)] = OLD
    platform.__dict__["second_source"] = FakeSecond({spoc_name(3): [sound if healed else OLD]})
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    assert state_of(platform) == ((2, "appearing") if healed else (1, "raw"))


@pytest.mark.parametrize("back", [True, False])
def test_bytes_that_the_archive_had_lost_are_news_when_it_has_them_again(tmp_path, clock, back):
    platform, archive = moving_platform(tmp_path, clock)
    doubted = {"status": "stored", "reason": "", "trust": "suspect"}
    hold(platform, archive, 87, {spoc_name(1): {}, spoc_name(3): doubted}, n_suspect=1)
    archive.sick = set() if back else {spoc_name(3)}
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    assert state_of(platform) == ((2, "appearing") if back else (1, "raw"))


def test_open_files_that_nobody_serves_do_not_hide_what_others_tell(tmp_path, clock, sound):
    platform, archive = moving_platform(tmp_path, clock)
    bad = {"status": "quarantined", "reason": "truncated", "trust": "suspect"}
    rows = {spoc_name(tic): bad if tic > 1 else {} for tic in range(1, 6)}
    hold(platform, archive, 87, rows, n_suspect=4)
    archive.bodies |= dict.fromkeys(rows, OLD)
    archive.sick = {spoc_name(tic) for tic in range(2, 6)}
    second = FakeSecond({name: [no_answer()] for name in archive.sick})
    platform.__dict__["second_source"] = second
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    held = platform.ledger.delivery(87)
    assert held is not None
    assert held.facts["probed_utc"] == clock().isoformat()
    assert len(second.asked) == 4
    second.files = {name: [OLD] for name in archive.sick} | {spoc_name(3): [sound]}
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    held = platform.ledger.delivery(87)
    assert held is not None
    assert held.facts["why"] == f"file available now: {spoc_name(3)}"
    clock.pass_hours(DAY_H)
    assert detect_sectors(platform)["listed"] == [87]


def test_manifest_without_etags_gives_no_alarm(tmp_path, clock):
    platform, archive = moving_platform(tmp_path, clock)
    rows: dict[str, dict[str, Any]] = {spoc_name(tic): {} for tic in TICS}
    hold(platform, archive, 87, rows, drop=("etag", "last_modified", "trust"))
    for _ in range(2):
        clock.pass_hours(WEEK_H)
        detect_sectors(platform)
    assert state_of(platform) == (1, "raw")
    assert archive.asked["fetch"] == 0


def test_manifest_without_etags_has_them_from_the_first_look_on(tmp_path, clock, sound):
    platform, archive = moving_platform(tmp_path, clock)
    size = {"n_bytes": len(sound)}
    hold(platform, archive, 87, {spoc_name(3): size}, drop=("etag", "last_modified", "trust"))
    archive.bodies[spoc_name(3)] = b"." * len(sound)
    detect_sectors(platform, all_due=True)
    archive.bodies[spoc_name(3)] = sound
    detect_sectors(platform, all_due=True)
    assert state_of(platform) == (2, "appearing")


def test_halted_sector_is_looked_at_and_its_new_delivery_may_heal_it(world, clock, sound):
    platform, archive = world
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="halted")
    archive.bodies[spoc_name(3)] = sound
    clock.pass_hours(WEEK_H)
    detect_sectors(platform)
    assert state_of(platform) == (2, "appearing")


def test_products_that_cannot_be_had_change_nothing(world, clock):
    platform, archive = world
    archive.down.add(0)
    clock.pass_hours(WEEK_H)
    assert detect_sectors(platform)["states"] == {87: "raw"}
    archive.down.clear()
    n_asked = archive.asked["probe"]
    clock.pass_hours(DAY_H - 1)
    detect_sectors(platform)
    assert archive.asked["probe"] == n_asked  # others have their turn
    clock.pass_hours(1)
    detect_sectors(platform)
    assert archive.asked["probe"] > n_asked
    clock.pass_hours(DAY_H)
    n_asked = archive.asked["probe"]
    detect_sectors(platform)
    assert archive.asked["probe"] == n_asked  # after one that was good, in a week


def test_file_that_fails_for_ever_does_not_hide_what_others_tell(world, clock, sound):
    platform, archive = world
    archive.sick = {spoc_name(1), spoc_name(2), spoc_name(4)}
    archive.bodies[spoc_name(3)] = sound
    clock.pass_hours(WEEK_H)
    assert detect_sectors(platform)["states"] == {87: "raw"}  # so many: the archive is not well
    archive.sick.remove(spoc_name(4))
    clock.pass_hours(DAY_H)
    detect_sectors(platform)
    assert state_of(platform) == (2, "appearing")
    clock.pass_hours(DAY_H)
    assert detect_sectors(platform)["listed"] == [87]


def test_look_needs_the_manifest_and_without_it_others_go_on(world, clock):
    platform, archive = world
    archive.scripts[88] = [spoc_name(1, 88)]
    platform.store.objects.clear()
    assert detect_sectors(platform, all_due=True)["states"] == {87: "raw", 88: "appearing"}


@pytest.mark.parametrize("n_expected", [5, 50])
def test_cdpp_table_that_comes_late_is_counted_and_a_person_told(world, n_expected):
    platform, archive = world
    delivery = platform.ledger.delivery(87)
    platform.ledger.move_delivery(delivery, facts={"n_target": 5, "n_expected": None})
    detect_sectors(platform, all_due=True)
    assert platform.ledger.delivery(87).facts["n_expected"] is None
    archive.expected[87] = n_expected
    for _ in range(2):
        detect_sectors(platform, all_due=True)
    assert platform.ledger.delivery(87).facts["n_expected"] == n_expected
    assert len(platform.ledger.notices()) == (n_expected == 50)


def test_few_sectors_are_looked_at_in_one_poll_the_longest_unseen_first(tmp_path, clock):
    platform, archive = moving_platform(tmp_path, clock)
    for sector in range(1, SECTORS_A_POLL + 4):
        hold(platform, archive, sector, {spoc_name(1, sector): {}})
        clock.pass_hours(0.1)
    clock.pass_hours(WEEK_H)
    detect_sectors(platform)
    assert archive.asked["probe"] == SECTORS_A_POLL
    detect_sectors(platform)
    assert archive.asked["probe"] == SECTORS_A_POLL + 3
    detect_sectors(platform, all_due=True)
    assert archive.asked["probe"] == 2 * (SECTORS_A_POLL + 3)


def test_each_file_has_its_turn_and_some_are_asked_always():
    rows = [{"file_name": f"{n:05d}", "reason": "", "trust": ""} for n in range(500)]
    looks = [draw_files(rows, n_look) for n_look in range(12)]
    assert all(look.always == looks[0].always for look in looks)
    assert {len(look.always) + len(look.in_turn) for look in looks} == {ALWAYS + IN_TURN}
    seen = {row["file_name"] for look in looks for row in look.always + look.in_turn}
    assert len(seen) == 500


def test_change_of_one_file_among_many_is_found_in_the_end(tmp_path, clock, sound):
    platform, archive = moving_platform(tmp_path, clock)
    hold(platform, archive, 87, {spoc_name(tic): {} for tic in range(1, 151)})
    archive.bodies[spoc_name(3)] = sound
    for _ in range(3):
        detect_sectors(platform, all_due=True)
    assert state_of(platform) == (2, "appearing")


def test_files_that_are_not_wanted_are_not_asked_about(tmp_path, clock):
    platform, archive = moving_platform(tmp_path, clock)
    unwanted = {"status": "quarantined", "reason": "foreign product"}
    fast = spoc_name(1).replace("-s_lc", "-a_fast-lc")
    twice = {"status": "quarantined", "reason": "duplicate target"}
    rows = {spoc_name(1): {}, fast: unwanted, spoc_name(2): twice, spoc_name(3, 86): {}}
    hold(platform, archive, 87, rows)
    detect_sectors(platform, all_due=True)
    assert archive.asked["probe"] == 1
