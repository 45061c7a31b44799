from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from calnet_ops.errors import ArchiveUnavailable, WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.steps.detect import detect_sectors
from calnet_ops.steps.detect_listing import agrees
from tests.support.mirrors import Answer, ScriptedServer, mirror_of, serving
from tests.support.platforms import make_platform
from tests.support.spoc_files import spoc_name

Publish = Callable[..., None]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """A function that puts files, empty ones, into a sector of the archive."""

    def put(sector: int, *tics: int, name: str = "") -> None:
        folder = tmp_path / "archive" / f"s{sector:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        for file_name in [name] if name else [spoc_name(tic, sector) for tic in tics]:
            (folder / file_name).touch()

    return put


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "0")
    (tmp_path / "archive").mkdir()
    with mirror_of(tmp_path / "archive") as url:
        platform = make_platform(tmp_path, url)
        yield platform
        platform.archive.close()


def test_sector_is_listed_by_the_second_poll_and_only_once(publish, platform):
    publish(87, 1, 2, 3)
    publish(88, 1)
    assert detect_sectors(platform) == {
        "listed": [],
        "states": {87: "appearing", 88: "appearing"},
    }
    assert detect_sectors(platform)["listed"] == [87, 88]
    assert detect_sectors(platform) == {"listed": [], "states": {87: "listed", 88: "listed"}}
    delivery = platform.ledger.delivery(87)
    assert delivery is not None
    assert (delivery.n_listed, delivery.facts["n_expected"]) == (3, 3)


def test_sector_that_is_still_listed_after_an_hour_is_announced_again(publish, platform):
    publish(87, 1)
    publish(88, 1)
    detect_sectors(platform)
    detect_sectors(platform)  # killed before its events were out
    platform.ledger.move_delivery(platform.ledger.delivery(88), state="raw")
    assert detect_sectors(platform)["listed"] == []
    now = platform.now() + timedelta(hours=1)
    platform.__dict__["now"] = lambda: now
    assert detect_sectors(platform)["listed"] == [87]


def test_poll_that_is_killed_leaves_no_half_written_sector(publish, platform, monkeypatch):
    publish(87, 1)

    def killed(*_words, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(platform.ledger, "move_delivery", killed)
        with suppress(KeyboardInterrupt):
            detect_sectors(platform)
    assert detect_sectors(platform)["listed"] == [87]


def test_sector_that_grows_is_waited_for(publish, platform):
    publish(87, 1)
    detect_sectors(platform)
    publish(87, 2)
    assert detect_sectors(platform)["listed"] == []
    assert detect_sectors(platform)["listed"] == [87]
    assert platform.ledger.delivery(87).n_listed == 2


def test_sector_has_to_be_stable_for_long_enough(publish, platform, monkeypatch):
    monkeypatch.delenv("CALNET_STABLE_FOR_S")
    publish(87, 1)
    assert [detect_sectors(platform)["listed"] for _ in range(3)] == [[], [], []]
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "0")
    assert detect_sectors(platform)["listed"] == [87]


def test_sector_that_disagrees_with_its_cdpp_table_is_not_listed(publish, platform, tmp_path):
    publish(87, *range(1, 60))
    tables = tmp_path / "archive" / "mast"
    tables.mkdir()
    table = tables / "tess2024353000000-s0087-s0087-00900_rms-cdpp.csv"
    table.write_text("# RMS CDPP\nticid,tmag\n" + "".join(f"{tic},9.5\n" for tic in range(1, 101)))
    assert [detect_sectors(platform)["listed"] for _ in range(3)] == [[], [], []]
    publish(87, *range(60, 101))
    assert [detect_sectors(platform)["listed"] for _ in range(2)] == [[], [87]]


def test_foreign_and_duplicate_files_do_not_count_as_targets(publish, platform):
    publish(87, 1, 2)
    publish(87, name=spoc_name(1).replace("-s_lc", "-a_fast-lc"))
    publish(87, name=spoc_name(1).replace("-0284-", "-0285-"))
    detect_sectors(platform)
    assert detect_sectors(platform)["listed"] == [87]
    assert platform.ledger.delivery(87).n_listed == 4


def test_files_of_another_sector_do_not_keep_a_sector_from_being_listed(publish, platform):
    publish(87, 1)
    for tic in range(2, 20):
        publish(87, name=spoc_name(tic, 1))
    detect_sectors(platform)
    assert detect_sectors(platform)["listed"] == [87]


def test_sector_delivered_again_appears_again_and_keeps_what_it_had(publish, platform):
    publish(87, 1)
    detect_sectors(platform)
    detect_sectors(platform)
    first = platform.ledger.delivery(87)
    platform.ledger.move_delivery(first, state="raw", facts={"manifest": "manifest/s087/a"})
    assert detect_sectors(platform)["states"] == {87: "raw"}
    publish(87, 2)
    _forget_date(platform)
    assert detect_sectors(platform)["states"] == {87: "appearing"}
    again = platform.ledger.delivery(87)
    assert (again.delivery, again.n_listed) == (2, 2)
    assert again.facts["manifest"] == "manifest/s087/a"
    assert detect_sectors(platform)["listed"] == [87]


def test_script_that_cannot_be_read_does_not_hold_up_the_others(publish, platform, tmp_path):
    publish(86, 1)
    publish(87, 1)
    platform.archive.list_sectors = lambda: [86, 87, 99]
    detect_sectors(platform)
    assert detect_sectors(platform)["listed"] == [86, 87]


def test_archive_that_is_empty_is_an_archive_that_is_broken(platform):
    with pytest.raises(ArchiveUnavailable):
        detect_sectors(platform)


def test_only_sectors_with_a_light_curve_script_are_there(tmp_path):
    """Full-frame images of the next sector, and of the special one, come without light curves."""
    folder = "/missions/tess/download_scripts/sector/tesscurl_sector_"
    links = ("107_ffic", "1751_ffir", "1751_tp", "106_lc", "106_fast-lc", "104_lc", "106_dv")
    page = "".join(f'<a href="{folder}{link}.sh">x</a>' for link in links).encode()
    answers = [Answer(body=page)]
    for sector in (104, 106):
        name = spoc_name(1, sector)
        url = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{name}"
        script = f"#!/bin/sh\ncurl -C - -L -o {name} {url}\n".encode()
        answers += [Answer(body=script), Answer(body=b"no tables"), Answer(404)]
    with serving(ScriptedServer(answers)) as url:
        platform = make_platform(tmp_path, url)
        found = detect_sectors(platform)
        platform.archive.close()
    assert found["states"] == {104: "appearing", 106: "appearing"}


@pytest.mark.parametrize(
    ("n_listed", "n_expected", "expected"),
    [
        (100, None, True),
        (20_000, 19_802, True),
        (20_000, 19_801, False),
        (1, 8, True),
        (1, 9, False),
    ],
)
def test_tolerance_is_a_hundredth_and_at_least_seven(n_listed, n_expected, expected):
    assert agrees(n_listed, n_expected) is expected


def test_time_of_stability_has_to_be_a_number(platform, monkeypatch):
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "a day")
    with pytest.raises(WrongConfiguration, match="seconds"):
        _ = platform.stable_for_s


def _forget_date(platform: Platform) -> None:
    """Let the script look changed at once: dates of HTTP have whole seconds."""
    delivery = platform.ledger.delivery(87)
    assert delivery is not None
    platform.ledger.move_delivery(delivery, facts={"last_modified": ""})
