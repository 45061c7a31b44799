"""An archive that fills over hours, and polls at any time: never too early, always in the end."""

import itertools
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from typing_extensions import override

from calnet_ops.errors import ArchiveUnavailable, TransientError
from calnet_ops.platform import Platform, open_platform
from calnet_ops.steps import announce
from calnet_ops.steps.detect import detect_sectors
from tests.support.mirrors import mirror_of
from tests.support.moving_archive import Clock, MovingArchive, moving_platform
from tests.support.platforms import make_platform
from tests.support.spoc_files import spoc_name

FILL_H = 20
"""Hours in which the archive fills a sector."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path, clock) -> tuple[Platform, MovingArchive]:
    return moving_platform(tmp_path, clock)


def names(n_file: int, sector: int = 87) -> list[str]:
    return [spoc_name(tic, sector) for tic in range(1, n_file + 1)]


def tell(platform: Platform) -> list[str]:
    """Subjects of the notices that people got."""
    return [notice["subject"] for notice in platform.ledger.notices()]


@pytest.mark.parametrize("seed", range(4))
def test_sector_is_never_listed_before_it_is_full_and_always_listed_then(world, clock, seed):
    platform, archive = world
    rng = random.Random(seed)
    start, full = {}, {}
    for sector in range(1, 8):
        start[sector], full[sector] = rng.uniform(0, 10), rng.randint(30, 300)
    listed: dict[int, float] = {}
    hours, n_poll = 0.0, 0
    while len(listed) < len(full):
        for sector, n_file in full.items():
            share = min((hours - start[sector]) / FILL_H, 1)
            if share >= 0:
                archive.scripts[sector] = names(max(1, int(n_file * share)), sector)
                archive.dates[sector] = rng.choice(["", "Mon", str(int(hours))])
        archive.down = {sector for sector in full if rng.random() < 0.2}
        archive.expected = {} if seed % 2 else dict(full)
        try:
            found = detect_sectors(platform)
        except (ArchiveUnavailable, TransientError):
            found = {"listed": [], "states": {}}
        for sector in found["listed"]:
            assert sector not in listed
            assert hours >= start[sector] + FILL_H
            assert platform.ledger.delivery(sector).n_listed == full[sector]
            listed[sector] = hours
            platform.ledger.move_delivery(platform.ledger.delivery(sector), state="raw")
        n_poll += 1
        assert n_poll < 100, "some sector is never listed"
        step = rng.uniform(0.2, 12)
        clock.pass_hours(step)
        hours += step
    for sector, at in listed.items():
        assert at - (start[sector] + FILL_H) < 24 + 8 * 12


def test_sector_that_pauses_for_days_waits_for_its_cdpp_table(world, clock):
    platform, archive = world
    archive.scripts, archive.expected = {87: names(120)}, {87: 200}
    detect_sectors(platform)
    for _ in range(12):
        clock.pass_hours(12)
        assert detect_sectors(platform)["listed"] == []
    facts = platform.ledger.delivery(87).facts
    assert facts["held_up"] == "120 targets in the script, 200 in the CDPP table"
    assert tell(platform) == []
    clock.pass_hours(48)
    detect_sectors(platform)
    detect_sectors(platform)
    assert tell(platform) == ["s087, delivery 1: script and CDPP table disagree"]
    archive.scripts = {87: names(200)}
    detect_sectors(platform)
    assert platform.ledger.delivery(87).facts["held_up"] == ""
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [87]


def test_without_a_cdpp_table_a_still_script_is_enough(world, clock):
    platform, archive = world
    archive.scripts, archive.planned = {1751: names(37, 1751)}, {1751: 40}
    detect_sectors(platform)
    facts = platform.ledger.delivery(1751).facts
    assert (facts["n_target"], facts["n_expected"], facts["n_planned"]) == (37, None, 40)
    assert facts["why"] == "first seen"
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [1751]
    assert platform.ledger.delivery(1751).facts["n_expected"] is None


def test_cdpp_table_that_was_counted_once_is_not_forgotten(world, clock):
    platform, archive = world
    archive.scripts, archive.expected = {87: names(60)}, {87: 200}
    detect_sectors(platform)
    archive.expected = {}
    archive.scripts = {87: names(61)}
    detect_sectors(platform)
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == []
    facts = platform.ledger.delivery(87).facts
    assert (facts["n_expected"], facts["held_up"][:10]) == (200, "61 targets")


def test_gaps_double_length_and_special_sectors_are_ordinary(world, clock):
    platform, archive = world
    archive.scripts = {sector: names(3, sector) for sector in (1, 3, 97, 98, 1751)}
    detect_sectors(platform)
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [1, 3, 97, 98, 1751]


def test_list_that_changes_without_a_new_date_is_not_listed(world, clock):
    platform, archive = world
    archive.scripts, archive.dates = {87: names(10)}, {87: "Mon"}
    detect_sectors(platform)
    clock.pass_hours(12)
    archive.scripts = {87: names(11)}  # within the same second, says the server
    clock.pass_hours(12)
    assert detect_sectors(platform)["listed"] == []
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [87]
    assert platform.ledger.delivery(87).n_listed == 11


def test_script_that_is_touched_only_is_not_fetched_each_time(world, clock):
    platform, archive = world
    archive.scripts, archive.dates = {87: names(10)}, {87: "Mon"}
    detect_sectors(platform)
    archive.dates = {87: "Tue"}
    clock.pass_hours(12)
    detect_sectors(platform)
    n_fetched = archive.asked["script"]
    clock.pass_hours(6)
    detect_sectors(platform)
    assert archive.asked["script"] == n_fetched
    clock.pass_hours(6)
    assert detect_sectors(platform)["listed"] == [87]


def test_archive_that_is_down_gives_one_error_and_changes_nothing(world, clock):
    platform, archive = world
    archive.scripts = {87: names(3), 88: names(3, 88)}
    detect_sectors(platform)
    before = platform.ledger.deliveries()
    archive.down = {87, 88}
    clock.pass_hours(24)
    with pytest.raises(ArchiveUnavailable):
        detect_sectors(platform)
    archive.scripts = {}
    with pytest.raises(ArchiveUnavailable):
        detect_sectors(platform)
    assert platform.ledger.deliveries() == before


def test_person_is_told_of_a_script_that_nobody_can_read_for_a_week(world, clock):
    platform, archive = world
    archive.scripts = {86: names(3, 86), 87: names(3)}
    told: list[list[str]] = []
    for days in (6, 1, 6, 1, 1):
        archive.down = {87}  # never seen at first
        detect_sectors(platform)
        clock.pass_hours(24 * days)
        if len(told) == 1:
            archive.down = set()  # for one poll
        detect_sectors(platform)
        told.append([subject for subject in tell(platform) if "not readable" in subject])
    assert [len(subjects) for subjects in told] == [0, 0, 0, 1, 1]
    assert told[-1][0].startswith("s087: not readable since ")


def test_sector_that_waits_is_announced_ever_more_rarely_and_a_person_told_once(world, clock):
    platform, archive = world
    archive.scripts = {87: names(3)}
    detect_sectors(platform)
    clock.pass_hours(24)
    announced, n_told = [], []
    for hour in range(100):
        if detect_sectors(platform)["listed"]:
            announced.append(hour)
            n_told.append(len(tell(platform)))
        clock.pass_hours(1)
    assert announced == [0, 1, 3, 7, 15, 31, 55, 79]
    assert n_told == [0, 0, 0, 1, 1, 1, 1, 1]


def test_while_others_come_in_a_waiting_sector_is_only_in_the_queue(world, clock):
    platform, archive = world
    archive.scripts = {87: names(3)}
    clock.pass_hours(-24)
    detect_sectors(platform)
    clock.pass_hours(24)
    detect_sectors(platform)
    platform.ledger.record("ingest", 86, "manifest/s086/a.parquet")
    clock.now = platform.ledger.records("ingest")[0].at_utc
    clock.pass_hours(2)
    assert announce.announce_waiting(platform) == []
    clock.pass_hours(1)
    assert announce.announce_waiting(platform) == [87]


def test_polls_at_the_same_time_list_and_announce_a_sector_once(tmp_path, clock):
    platforms = [moving_platform(tmp_path, clock) for _ in range(2)]
    barrier = threading.Barrier(2, timeout=10)
    for _, archive in platforms:
        archive.scripts, archive.expected = {87: names(3)}, _Meeting({87: 3}, barrier)

    def poll_both() -> list[int]:
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda item: detect_sectors(item[0])["listed"], platforms))
        return sorted(itertools.chain(*found))

    assert poll_both() == []
    clock.pass_hours(24)
    assert poll_both() == [87]
    clock.pass_hours(1)
    barrier.abort()  # nobody asks for the table now
    assert poll_both() == [87]
    delivery = platforms[0][0].ledger.delivery(87)
    assert delivery is not None
    assert delivery.facts["n_announced"] == 2


class _Meeting(dict[int, int]):
    """A table that two polls read at the same moment."""

    def __init__(self, counts: dict[int, int], barrier: threading.Barrier) -> None:
        super().__init__(counts)
        self.barrier = barrier

    @override
    def get(self, sector: int, default: Any = None, /) -> Any:
        """Wait for the other."""
        self.barrier.wait()
        return super().get(sector, default)


@pytest.mark.slow
def test_polls_of_two_processes_list_a_sector_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "0")
    monkeypatch.setenv("CALNET_PATHS", str(tmp_path / "paths.json"))
    for sector in (86, 87, 88):
        folder = tmp_path / "archive" / f"s{sector:03d}"
        folder.mkdir(parents=True)
        (folder / spoc_name(1, sector)).touch()
    program = (
        "import sys; from calnet_ops.platform import open_platform as o;"
        "from calnet_ops.steps.detect import detect_sectors as d;"
        "sys.stdin.readline(); print(*d(o())['listed'])"
    )
    with mirror_of(tmp_path / "archive") as url:
        make_platform(tmp_path, url)
        first = open_platform(tmp_path / "paths.json")
        detect_sectors(first)
        first.archive.close()
        polls = [
            subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(2)
        ]
        for poll in polls:
            assert poll.stdin is not None
            poll.stdin.write("\n")
            poll.stdin.flush()
        found = [poll.communicate(timeout=60)[0].splitlines()[-1] for poll in polls]
    assert sorted(" ".join(found).split()) == ["86", "87", "88"]
