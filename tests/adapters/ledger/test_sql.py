"""What the ledger promises to polls and runs that work at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from calnet_ops.adapters.ledger import Delivery, Ledger, open_ledger
from calnet_ops.adapters.ledger.sql import MIGRATIONS
from calnet_ops.science.labels.records import Details

LISTING: dict[str, Any] = {"n_listed": 3, "listing_sha256": "0" * 64}


@pytest.fixture
def old_database(database) -> str:
    """Address of a ledger of the first version, with one decision in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(database).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO decision VALUES "
                "(1, 7, 87, 'EB', 'EA', 'ada', 'person', false, '', :at)"
            ),
            {"at": "2026-01-02 03:04:05"},
        )
    return database


def test_what_was_said_before_the_tables_grew_is_still_there(old_database):
    ledger = open_ledger(old_database)
    ledger.migrate()
    ledger.migrate()
    said = ledger.decisions()
    assert [(item.tic, item.verdict, item.details) for item in said] == [(7, "EB", Details())]


def test_details_come_back_to_the_last_digit(ledger):
    details = Details(0.1 + 0.2, 1 / 3, 1e-9, 359.999999999, -90.0, 2**63 - 1, 900_000_000_001)
    words = {"sector": 0, "verdict": "EB", "eb_type": "", "vetter": "a list", "source": "catalog"}
    row = {"tic": 7, "simulated": False, "note": "", **words, **asdict(details)}
    ledger.add_decisions([row])
    assert ledger.decisions()[0].details == details


def add(ledger: Ledger, delivery: int = 1, sector: int = 87) -> Delivery:
    ledger.add_delivery(sector, delivery, state="appearing", **LISTING)
    seen = ledger.delivery(sector)
    assert seen is not None
    return seen


def test_of_many_that_note_a_delivery_one_succeeds(ledger):
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(ledger.add_delivery, 87, 1, state="appearing", **LISTING) for _ in range(8)
        ]
        assert sum(item.result() for item in tries) == 1


def test_of_many_that_move_what_they_saw_one_succeeds(ledger):
    seen = add(ledger)
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(ledger.move_delivery, seen, facts={"n_announced": n}) for n in range(8)
        ]
        assert sum(item.result() for item in tries) == 1


def test_each_version_of_a_delivery_has_a_time_of_its_own(ledger):
    times = [add(ledger).changed_utc]
    for n in range(50):
        assert ledger.move_delivery(ledger.delivery(87), facts={"n": n})
        times.append(ledger.delivery(87).changed_utc)
    assert times == sorted(set(times))


def test_facts_are_added_to_those_there(ledger):
    ledger.move_delivery(add(ledger), facts={"a": 1})
    ledger.move_delivery(ledger.delivery(87), facts={"b": None})
    assert ledger.delivery(87).facts == {"a": 1, "b": None}


def test_history_has_all_deliveries_of_a_sector_and_the_newest_stands(ledger):
    for delivery in (1, 2):
        add(ledger, delivery)
    add(ledger, sector=88)
    assert [item.delivery for item in ledger.history(87)] == [1, 2]
    assert [(item.sector, item.delivery) for item in ledger.deliveries()] == [(87, 2), (88, 1)]
    assert ledger.history(1) == []
    assert ledger.delivery(1) is None


def test_of_many_that_tell_a_person_one_does(ledger):
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(ledger.notice_once, "s087 waits", "why") for _ in range(8)]
        assert sum(item.result() for item in tries) == 1
