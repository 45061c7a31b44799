"""Bring many sectors into the store, one after the other, through Airflow's queue.

The queue lives in Airflow, and what is done in the ledger: whoever asks again, also after being
killed, goes on where things stand.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

import structlog

from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.scheduler import DagRun
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import Platform
from calnet_ops.steps.listing import is_whole

DAG = "ingest_sector"
PULL = "pull_shard"
"""Its mapped task."""

PREFIX = "backfill_"
"""How the ids of our runs begin. With two underscores, Airflow keeps them for its own back-fills,
which go by date."""

FILES_OF_A_SECTOR = 20_000
"""Taken for a sector whose list nobody has read yet: the most that the mission observes at two
minutes in a sector (MAST's scripts of sectors 1 to 13)."""

BYTES_OF_A_FILE = 2_000_000
"""Of a light curve of about 20,000 cadences [B]: 1.6 to 2.1 MB in sectors 1 to 96; the double
sectors 97 and 98 have twice that."""

LIST = "list_if_whole"
"""In a run's conf: that it may list its sector itself, if that is whole."""

APART = timedelta(milliseconds=1)
"""Between the `run_after` of two runs: it is their order in Airflow's queue."""

DONE, TO_DO, HALTED, FILLING, ABSENT = "done", "to do", "halted", "filling", "absent"
"""What a back-fill finds a sector to be: in the store as listed now; to be ingested; halted by
its checks; still being filled, or delivered again, by the archive: `detect_sectors` brings it
when its list is stable; not in the archive at all."""

ACTIVE = ("queued", "running")
"""States of a run that Airflow will bring to an end by itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Item:
    """A sector of a back-fill."""

    sector: int
    delivery: int
    standing: str
    """`DONE`, `TO_DO`, `HALTED`, `FILLING` or `ABSENT`."""
    n_file: int
    """Listed, or what a sector has at most if nobody has read its list."""
    n_bytes: int
    """In the store, or estimated from the number of files."""
    is_listed: bool = True
    """Whether its list was read, so that `n_file` is known."""
    is_last: bool = False
    """Whether the archive has no sector with the next number, so that this one may be growing."""


def survey(sectors: Iterable[int], platform: Platform) -> list[Item]:
    """How each sector stands, in the order given; costs no more than one request to the archive.

    Raises
    ------
    ArchiveUnavailable
        If the archive does not say which sectors it has.
    """
    known = {item.sector: item for item in platform.ledger.deliveries()}
    present = known.keys() | set(platform.archive.list_sectors())
    return [_item(sector, known.get(sector), present) for sector in sectors]


def look_again(items: Iterable[Item], platform: Platform) -> list[Item]:
    """How the sectors of a survey stand now; asks only the ledger."""
    known = {item.sector: item for item in platform.ledger.deliveries()}
    return [_stands(item, known.get(item.sector)) for item in items]


def enqueue(
    items: Iterable[Item], platform: Platform, max_bytes_per_s: float | None = None
) -> list[str]:
    """Put a run into Airflow's queue for each sector to do that has none; ids of the new runs.

    They start in the order of the items, as far as `max_active_runs` of the DAG lets them. A
    sector that another run, say one of `detect_sectors`, is about to ingest gets none. One whose
    last run failed gets another: Airflow has retried it for days by then.

    Parameters
    ----------
    max_bytes_per_s
        For all runs together [B/s]; None for no limit.
    """
    scheduler = platform.scheduler
    busy = {run["partition_key"] for run in scheduler.find_runs(DAG, states=ACTIVE)}
    ours = {run["run_id"]: run["state"] for run in scheduler.find_runs(DAG, prefix=PREFIX)}
    conf: dict[str, Any] = {LIST: True}
    conf |= {"max_bytes_per_s": max_bytes_per_s} if max_bytes_per_s else {}
    waiting = [i for i in items if i.standing == TO_DO and sector_key(i.sector) not in busy]
    # all in the past, so that the first need not wait for the last
    first = platform.now().replace(tzinfo=UTC) - APART * len(waiting)
    started = []
    for place, item in enumerate(waiting):
        run_id = _next_run_id(item, ours)
        new = scheduler.queue_run(
            DAG,
            run_id,
            sector_key(item.sector),
            run_after=first + APART * place,
            conf=conf,
            note=f"back-fill of sector {item.sector}",
        )
        if new:
            started.append(run_id)
    log.info("backfill_queued", n_run=len(started), first=started[:1])
    return started


def shares_pulled(runs: Iterable[DagRun], platform: Platform) -> dict[int, float]:
    """What part of each sector that is being pulled is in the store, 0 to 1."""
    working = [run for run in runs if run["state"] == "running" and run["partition_key"]]
    return {parse_sector(run["partition_key"]): _share_pulled(run, platform) for run in working}


def _share_pulled(run: DagRun, platform: Platform) -> float:
    scheduler = platform.scheduler
    done = scheduler.count_tasks(DAG, run["run_id"], PULL, ["success"])
    # before the shards are planned there is one instance, which stands for all of them
    n_shard = scheduler.count_tasks(DAG, run["run_id"], PULL) if done else 0
    return done / n_shard if n_shard else 0.0


def active_runs(platform: Platform) -> dict[str, DagRun]:
    """Runs that wait or work now, by partition key; of two of a sector the one that works."""
    runs = platform.scheduler.find_runs(DAG, states=ACTIVE)
    return {run["partition_key"]: run for run in sorted(runs, key=lambda run: run["state"])}


def failed_runs(items: Iterable[Item], platform: Platform) -> dict[str, str]:
    """Sectors still to do, as partition keys, with the id of their newest run, if that failed."""
    open_items = [item for item in items if item.standing == TO_DO]
    if not open_items:
        return {}
    newest = {run["partition_key"]: run for run in platform.scheduler.find_runs(DAG)}
    found = {key: newest.get(key) for key in (sector_key(item.sector) for item in open_items)}
    return {key: run["run_id"] for key, run in found.items() if run and run["state"] == "failed"}


def _item(sector: int, delivery: Delivery | None, present: Container[int]) -> Item:
    is_last = sector + 1 not in present
    standing = _standing(delivery, is_last=is_last) if sector in present else ABSENT
    if delivery is None:
        n_bytes = FILES_OF_A_SECTOR * BYTES_OF_A_FILE
        return Item(
            sector, 1, standing, FILES_OF_A_SECTOR, n_bytes, is_listed=False, is_last=is_last
        )
    n_bytes = int(delivery.facts.get("n_bytes", 0)) if standing == DONE else 0
    guess = delivery.n_listed * BYTES_OF_A_FILE
    return Item(
        sector,
        delivery.delivery,
        standing,
        delivery.n_listed,
        n_bytes or guess,
        is_last=is_last,
    )


def _stands(item: Item, delivery: Delivery | None) -> Item:
    """How the sector of an item stands now."""
    present = {item.sector} if item.standing != ABSENT else set()
    present |= set() if item.is_last else {item.sector + 1}
    return _item(item.sector, delivery, present)


def _standing(delivery: Delivery | None, *, is_last: bool) -> str:
    if delivery is None:
        return TO_DO
    if delivery.state in {"raw", "halted"}:
        return DONE if delivery.state == "raw" else HALTED
    if delivery.state == "appearing" and not is_whole(delivery, is_last=is_last):
        return FILLING
    return TO_DO


def _next_run_id(item: Item, ours: Mapping[str, str]) -> str:
    """Id of the first try of a delivery that has not come to an end."""
    n_try = 1
    while ours.get(run_id := _run_id(item, n_try)) in {"failed", "success"}:
        n_try += 1
    return run_id


def _run_id(item: Item, n_try: int) -> str:
    return f"{PREFIX}{sector_key(item.sector)}__d{item.delivery}__{n_try}"
