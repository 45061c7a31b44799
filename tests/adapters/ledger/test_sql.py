"""What the ledger promises to polls and runs that work at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from calnet_ops.adapters.ledger import Delivery, Ledger, open_ledger

LISTING: dict[str, Any] = {"n_listed": 3, "listing_sha256": "0" * 64}


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    return ledger


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
