"""Which runs a back-fill asks Airflow for, and how it sees how far they are."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from calnet_ops.adapters.scheduler import DagRun
from calnet_ops.steps import backfill
from tests.support.platforms import make_platform


@dataclass
class Queue:
    """Airflow's queue of ingest runs, in memory."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Shards done and shards in all, by run."""

    def put(self, run_id, partition_key, state="queued"):
        """A run that is there already."""
        self.rows.append(
            {"run_id": run_id, "partition_key": partition_key, "state": state, "conf": {}}
        )

    def queue_run(self, dag_id, run_id, partition_key, *, run_after, conf, note):
        assert dag_id == "ingest_sector"
        assert partition_key.lstrip("s0") in note
        if any(row["run_id"] == run_id for row in self.rows):
            return False
        self.put(run_id, partition_key)
        self.rows[-1] |= {"run_after": run_after, "conf": conf}
        return True

    def find_runs(self, dag_id, *, prefix="", states=()):
        return [
            DagRun(
                dag_id=dag_id,
                run_id=row["run_id"],
                partition_key=row["partition_key"],
                state=row["state"],
                seconds=None,
            )
            for row in self.rows
            if row["run_id"].startswith(prefix) and (not states or row["state"] in states)
        ]

    def count_tasks(self, dag_id, run_id, task_id, states=()):
        assert (dag_id, task_id) == ("ingest_sector", "pull_shard")
        done, total = self.tasks[run_id]
        return done if states else total

    def end(self, state):
        """Airflow has come to the end of all that it had."""
        for row in self.rows:
            row["state"] = state

    @property
    def started(self):
        """Partition keys in the order in which Airflow takes them."""
        ours = [row for row in self.rows if "run_after" in row]
        return [row["partition_key"] for row in sorted(ours, key=lambda row: row["run_after"])]


class Blind(Queue):
    """Shows no runs, as to somebody who looked before another asked for them."""

    @override
    def find_runs(self, dag_id, *, prefix="", states=()):
        return []


class Page:
    """An archive of which nobody asks more than its sectors."""

    def __init__(self, sectors):
        self.sectors = sectors

    def list_sectors(self):
        return self.sectors


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def platform(tmp_path, queue):
    platform = make_platform(tmp_path)
    platform.__dict__.update(scheduler=queue, archive=Page([1, 2, 3, 61, 62]))
    return platform


def listed(platform, sector, state="listed", delivery=1, n_listed=100, **facts):
    """A delivery that the ledger knows."""
    platform.ledger.add_delivery(
        sector, delivery, state=state, n_listed=n_listed, listing_sha256="a", facts=facts
    )


def standings(sectors, platform):
    return {item.sector: item.standing for item in backfill.survey(sectors, platform)}


def test_runs_wait_in_the_order_given_and_all_may_start_now(platform, queue):
    backfill.enqueue(backfill.survey([3, 1, 62], platform), platform)
    assert queue.started == ["s003", "s001", "s062"]
    assert all(row["run_after"] <= datetime.now(UTC) for row in queue.rows)
    times = sorted(row["run_after"] for row in queue.rows)
    assert times[-1] - times[0] == timedelta(milliseconds=2)


def test_what_is_in_the_store_needs_no_run(platform, queue):
    listed(platform, 61, "raw", n_bytes=5_000)
    items = backfill.survey([61, 62], platform)
    assert [(item.standing, item.n_bytes, item.is_listed) for item in items] == [
        ("done", 5_000, True),
        ("to do", 40_000_000_000, False),
    ]
    backfill.enqueue(items, platform)
    assert queue.started == ["s062"]


def test_a_second_back_fill_adds_nothing_to_the_queue_of_the_first(platform, queue):
    items = backfill.survey([1, 2], platform)
    assert backfill.enqueue(items, platform) == ["backfill_s001__d1__1", "backfill_s002__d1__1"]
    assert backfill.enqueue(items, platform) == []
    queue.rows[0]["state"] = "running"
    assert backfill.enqueue(items, platform) == []


def test_two_at_the_same_time_make_one_run_a_sector(platform, queue):
    items = backfill.survey([1], platform)
    backfill.enqueue(items, platform)
    platform.__dict__["scheduler"] = Blind(queue.rows)
    assert backfill.enqueue(items, platform) == []
    assert queue.started == ["s001"]


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_ended_without_the_sector_gets_a_next_try(platform, queue, state):
    items = backfill.survey([1], platform)
    backfill.enqueue(items, platform)
    queue.end(state)
    assert backfill.enqueue(items, platform) == ["backfill_s001__d1__2"]


def test_a_sector_that_another_run_is_about_to_ingest_gets_none(platform, queue):
    queue.put("asset_triggered__1", "s001", "running")
    queue.put("asset_triggered__2", "s002", "failed")
    backfill.enqueue(backfill.survey([1, 2], platform), platform)
    assert queue.started == ["s002"]


def test_a_new_delivery_has_runs_of_its_own(platform, queue):
    listed(platform, 1, "raw")
    listed(platform, 1, "listed", delivery=2)
    queue.put("backfill_s001__d1__1", "s001", "success")
    backfill.enqueue(backfill.survey([1], platform), platform)
    assert queue.rows[-1]["run_id"] == "backfill_s001__d2__1"


def test_the_cap_goes_with_each_run_and_only_if_there_is_one(platform, queue):
    backfill.enqueue(backfill.survey([1], platform), platform, 20e6)
    backfill.enqueue(backfill.survey([2], platform), platform)
    may_list = {"list_if_whole": True}
    assert [row["conf"] for row in queue.rows] == [may_list | {"max_bytes_per_s": 20e6}, may_list]


def test_sectors_that_need_no_run_or_cannot_have_one_are_told_apart(platform):
    platform.__dict__["archive"] = Page([*range(1, 8), 61, 62])
    listed(platform, 1, "halted")
    listed(platform, 2, "appearing", n_target=60, n_expected=100)
    listed(platform, 3, "appearing", n_target=99, n_expected=None, n_planned=100)
    listed(platform, 4, "appearing", n_target=98, n_expected=None, n_planned=100)
    listed(platform, 7, "appearing", n_target=99, n_expected=None, n_planned=100)
    listed(platform, 61, "raw")
    listed(platform, 61, "appearing", delivery=2, n_target=100, n_expected=100)
    listed(platform, 62, "appearing", n_target=100, n_expected=100)
    expected = {
        1: "halted",
        2: "filling",
        3: "to do",
        4: "filling",
        5: "to do",
        7: "filling",  # the last of its row, without a CDPP table
        61: "filling",
        62: "to do",
        1751: "absent",
    }
    assert standings(expected, platform) == expected
    items = backfill.survey(expected, platform)
    assert backfill.look_again(items, platform) == items


def test_the_ledger_alone_tells_what_is_done(platform):
    items = backfill.survey([1, 1751], platform)
    listed(platform, 1, "raw", n_bytes=7)
    platform.__dict__["archive"] = None
    assert [item.standing for item in backfill.look_again(items, platform)] == ["done", "absent"]


def test_a_running_sector_is_as_far_as_its_shards(platform, queue):
    queue.put("a", "s001", "running")
    queue.put("b", "s002", "running")
    queue.put("c", "s003", "queued")
    queue.tasks = {"a": (3, 4), "b": (0, 1)}
    runs = backfill.active_runs(platform)
    assert set(runs) == {"s001", "s002", "s003"}
    assert backfill.shares_pulled(runs.values(), platform) == {1: 0.75, 2: 0.0}


def test_the_newest_run_says_whether_a_sector_failed(platform, queue):
    queue.put("backfill_s001__d1__1", "s001", "failed")
    queue.put("backfill_s001__d1__2", "s001", "success")
    queue.put("backfill_s002__d1__1", "s002", "failed")
    items = backfill.survey([1, 2, 3], platform)
    assert backfill.failed_runs(items, platform) == {"s002": "backfill_s002__d1__1"}
