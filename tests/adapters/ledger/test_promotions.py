"""Promotions, calls of the webhook, leases, and how a ledger of old gets their tables."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert, inspect

from calnet_ops.adapters.ledger import HookCall, open_ledger, tables
from calnet_ops.adapters.ledger.hook_calls import KEPT
from calnet_ops.adapters.ledger.sql import MIGRATIONS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).replace(tzinfo=None)
MINUTE = timedelta(minutes=1)
PROMOTED = {
    "model_version": 1,
    "model_id": "one",
    "action": "promoted",
    "reason": "passed the gate",
    "threshold": 0.5,
    "simulated": True,
}
CALL = HookCall("id-1", "champion", "created", 3, NOW, NOW)


def test_a_ledger_of_old_keeps_its_promotions(database):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(database).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(tables.promotion), [{**PROMOTED, "at_utc": NOW}])
    ledger = open_ledger(database)
    ledger.migrate()
    (old,) = ledger.promotions()
    assert (old.model_id, old.at_utc) == ("one", NOW)
    assert (old.previous_version, old.actor, old.override, old.moved_utc) == (0, "", "", None)
    ledger.migrate()


@pytest.mark.usefixtures("ledger")
def test_tables_are_those_that_the_migrations_make(database):
    made = inspect(create_engine(database))
    assert {
        name: {column["name"] for column in made.get_columns(name)}
        for name in set(made.get_table_names()) - {"alembic_version"}
    } == {
        name: {column.name for column in table.columns}
        for name, table in tables.metadata.tables.items()
    }


def test_a_promotion_is_kept_whole(ledger):
    more = {
        "previous_version": 4,
        "previous_model_id": "four",
        "actor": "anna",
        "seen_by": "webhook",
        "delivery": "id-1",
        "moved_utc": NOW,
        "override": "the only model without a fault in camera 3",
    }
    ledger.add_promotion(**PROMOTED, **more)
    (kept,) = ledger.promotions()
    assert {name: getattr(kept, name) for name in more} == more


def test_words_that_are_too_long_are_cut(ledger):
    ledger.add_promotion(**PROMOTED | {"reason": 99 * "why not? \0" + 2000 * "é"})
    assert ledger.promotions()[0].reason == 99 * "why not? " + (1024 - 99 * 9) * "é"
    assert ledger.notice_once(1000 * "s", 5000 * "t")
    assert not ledger.notice_once(1000 * "s", "again")
    assert [len(ledger.notices()[0][name]) for name in ("subject", "text")] == [256, 4096]


def test_a_delivery_counts_once_until_it_is_forgotten(ledger):
    assert ledger.hook_calls.add(CALL)
    assert not ledger.hook_calls.add(CALL)
    ledger.hook_calls.forget("id-1")
    assert ledger.hook_calls.add(CALL)


def test_the_latest_call_is_the_one_sent_last_about_that_alias(ledger):
    calls = ledger.hook_calls
    assert calls.latest("champion") is None
    calls.add(replace(CALL, delivery="b", version=5, sent_utc=NOW + MINUTE))
    calls.add(replace(CALL, delivery="a", version=4, at_utc=NOW + MINUTE))  # late by a minute
    calls.add(replace(CALL, delivery="c", alias="challenger", sent_utc=NOW + 2 * MINUTE))
    assert calls.latest("champion").version == 5


def test_calls_of_long_ago_are_forgotten(ledger):
    ledger.hook_calls.add(CALL)
    ledger.hook_calls.add(replace(CALL, delivery="new", at_utc=NOW + KEPT + MINUTE))
    assert ledger.hook_calls.add(CALL)


def test_of_many_that_take_a_lease_one_has_it(ledger):
    with ThreadPoolExecutor(8) as pool:
        takes = [
            pool.submit(ledger.leases.take, "train", f"holder {n}", NOW, MINUTE) for n in range(8)
        ]
        assert sum(take.result() for take in takes) == 1


def test_a_lease_is_free_when_given_back_or_when_its_time_is_over(ledger):
    leases = ledger.leases
    assert leases.take("train", "a", NOW, MINUTE)
    assert not leases.take("train", "b", NOW, MINUTE)
    assert leases.held("train", NOW).holder == "a"
    leases.release("train", "b")  # is not b's to give back
    assert not leases.take("train", "b", NOW, MINUTE)
    leases.release("train", "a")
    assert leases.take("train", "b", NOW, MINUTE)
    assert leases.take("train", "c", NOW + MINUTE, MINUTE)  # b was killed
    assert not leases.take("train", "b", NOW + MINUTE, MINUTE)
    assert leases.held("train", NOW + 3 * MINUTE) is None


def test_who_renews_a_lease_keeps_it(ledger):
    for minute in range(5):
        assert ledger.leases.take("train", "a", NOW + minute * MINUTE, 2 * MINUTE)
        assert not ledger.leases.take("train", "b", NOW + minute * MINUTE, 2 * MINUTE)
    assert ledger.leases.held("train", NOW + 5 * MINUTE).since_utc == NOW
