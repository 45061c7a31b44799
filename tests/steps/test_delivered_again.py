"""Detection and ingest of a sector that the archive delivers twice, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from calnet_ops.platform import Platform
from calnet_ops.steps import ingest
from calnet_ops.steps.detect import detect_sectors
from tests.support.mirrors import mirror_of
from tests.support.platforms import make_platform
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

ARRAYS = spoc_arrays(60, gap=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sector 87 of an archive, four stars."""
    folder = tmp_path / "archive" / "s087"
    folder.mkdir(parents=True)
    for tic in range(1, 5):
        write(folder, tic)
    return folder


@pytest.fixture
def platform(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "0")
    with mirror_of(folder.parent) as url:
        platform = make_platform(tmp_path, url)
        yield platform
        platform.archive.close()


def write(folder: Path, tic: int, date: str = "2025-01-20") -> None:
    """Publish a star's file, made on some day."""
    (folder / spoc_name(tic)).write_bytes(spoc_bytes(ARRAYS, tic=tic, cards={"DATE": date}))


def pull(platform: Platform) -> ingest.IngestRecord:
    """Ingest sector 87."""
    shards = ingest.plan_shards(87, platform)
    tallies = [ingest.ingest_shard(shard, platform) for shard in shards]
    return ingest.close_sector(87, tallies, platform)


def test_files_made_anew_under_the_same_script_come_in_as_a_second_delivery(platform, folder):
    detect_sectors(platform)
    assert detect_sectors(platform)["listed"] == [87]
    pull(platform)
    assert detect_sectors(platform, all_due=True) == {"listed": [], "states": {87: "raw"}}
    held = dict(platform.store.objects)
    for tic in (2, 3):
        write(folder, tic, "2027-02-02")
    assert detect_sectors(platform)["states"] == {87: "raw"}  # its turn is in a week
    assert detect_sectors(platform, all_due=True)["states"] == {87: "appearing"}
    assert detect_sectors(platform)["listed"] == [87]
    record = pull(platform)
    assert (record["delivery"], record["n_stored"]) == (2, 4)
    assert record["diff"] == {"added": 0, "removed": 0, "changed": 2, "unchanged": 2}
    assert held.items() <= platform.store.objects.items()
    assert detect_sectors(platform, all_due=True) == {"listed": [], "states": {87: "raw"}}
    assert [item.state for item in platform.ledger.history(87)] == ["raw", "raw"]


def test_files_that_are_only_touched_are_not_delivered_again(platform, folder):
    detect_sectors(platform)
    detect_sectors(platform)
    pull(platform)
    (folder / spoc_name(2)).touch()
    for _ in range(2):
        assert detect_sectors(platform, all_due=True)["states"] == {87: "raw"}


def test_new_list_counts_the_names_that_came_and_went(platform, folder):
    detect_sectors(platform)
    detect_sectors(platform)
    pull(platform)
    (folder / spoc_name(1)).unlink()
    write(folder, 5)
    write(folder, 6)
    assert detect_sectors(platform)["states"] == {87: "appearing"}
    facts = platform.ledger.delivery(87).facts
    assert (facts["why"], facts["listing_diff"]) == ("list changed", {"added": 2, "removed": 1})
    assert detect_sectors(platform)["listed"] == [87]
    assert pull(platform)["diff"] == {"added": 2, "removed": 1, "changed": 0, "unchanged": 3}


def test_a_person_sees_how_far_a_poll_is(platform):
    detect_sectors(platform)
    detect_sectors(platform)
    pull(platform)
    seen = []

    def watch(items, label, /):
        for item in items:
            yield item
            seen.append(label)

    assert detect_sectors(platform, all_due=True, watch=watch)["states"] == {87: "raw"}
    assert seen == ["lists of sectors", "files of sectors in the store"]
