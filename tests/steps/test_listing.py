"""A sector that somebody asks for by name, and what a task of Airflow may not do on its own."""

import pytest

from calnet_ops.platform import Platform
from calnet_ops.steps import ingest
from calnet_ops.steps.detect import detect_sectors
from calnet_ops.steps.listing import list_if_whole, list_now
from tests.support.moving_archive import Clock, MovingArchive, moving_platform
from tests.support.spoc_files import spoc_name


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path, clock) -> tuple[Platform, MovingArchive]:
    """An archive of sector 87, of which 60 of 100 files are there."""
    platform, archive = moving_platform(tmp_path, clock)
    archive.scripts = {87: names(60)}
    return platform, archive


def names(n_file: int, sector: int = 87) -> list[str]:
    return [spoc_name(tic, sector) for tic in range(1, n_file + 1)]


def state_of(platform: Platform, sector: int = 87) -> str:
    delivery = platform.ledger.delivery(sector)
    assert delivery is not None
    return delivery.state


def test_task_that_is_tried_again_does_not_list_what_a_poll_found_growing(world, clock):
    platform, archive = world
    detect_sectors(platform)
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [87]
    archive.scripts = {87: names(80)}
    detect_sectors(platform)
    list_if_whole(87, platform)  # as a task of a back-fill would
    assert ingest.plan_shards(87, platform) == []
    assert state_of(platform) == "appearing"
    clock.pass_hours(24)
    assert detect_sectors(platform)["listed"] == [87]
    assert len(ingest.plan_shards(87, platform)) == 1


def test_who_asks_for_a_sector_gets_it_as_it_is_now(world):
    platform, archive = world
    archive.expected = {87: 100}
    detect_sectors(platform)
    archive.scripts = {87: names(61)}
    list_now(87, platform)
    list_now(87, platform)
    assert (state_of(platform), platform.ledger.delivery(87).n_listed) == ("listed", 61)


@pytest.mark.parametrize(
    ("expected", "planned", "others", "state"),
    [
        ({87: 60}, {}, [], "listed"),
        ({87: 100}, {}, [88], "appearing"),
        ({}, {}, [], "appearing"),
        ({}, {}, [1751], "appearing"),
        ({}, {}, [88], "listed"),
        ({}, {87: 100}, [88], "appearing"),
    ],
    ids=["agrees", "disagrees", "last", "last but special", "followed", "short"],
)
def test_back_fill_lists_an_unseen_sector_only_if_it_looks_whole(
    world, expected, planned, others, state
):
    platform, archive = world
    archive.expected, archive.planned = expected, planned
    archive.scripts |= {sector: names(1, sector) for sector in others}
    list_if_whole(87, platform)
    assert state_of(platform) == state
    assert platform.ledger.delivery(87).facts["n_target"] == 60


def test_back_fill_does_not_list_a_script_that_has_just_changed(world):
    platform, archive = world
    archive.scripts[88] = names(1, 88)
    detect_sectors(platform)
    archive.scripts[87] = names(61)
    list_if_whole(87, platform)
    assert state_of(platform) == "appearing"


def test_back_fill_leaves_a_sector_that_is_delivered_again_to_the_polls(world):
    platform, archive = world
    archive.scripts[88] = names(1, 88)
    list_if_whole(87, platform)
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="raw")
    list_if_whole(87, platform)
    assert state_of(platform) == "raw"
    archive.scripts[87] = names(61)
    detect_sectors(platform)
    list_if_whole(87, platform)
    assert state_of(platform) == "appearing"
