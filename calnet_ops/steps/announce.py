"""Which listed sectors to announce again, because nothing has come of it."""

from datetime import datetime, timedelta

import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import LISTED, stamp

FIRST_WAIT_S = 3600
"""A sector that is still listed after an hour is announced again: the poll that listed it may
have been killed before its event was out. To ingest a sector twice is free, also at once: files
are written once, and only one run moves the delivery."""

LONGEST_WAIT_S = 24 * 3600
"""The wait doubles up to a day: what did not help three times may wait for a person."""

TOLD_AFTER = 3
"""Announcements in vain, over seven hours, before a person is told."""

QUEUE_MOVES_S = 3 * 3600
"""If some sector came in during the last three hours, the others are only in its queue: at 10 MB/s
a sector of 20,000 files takes 70 minutes, and two come in at once."""

log = structlog.get_logger()


def announce_waiting(platform: Platform) -> list[int]:
    """Sectors that should have been ingested by now, and are to be announced again.

    Each is announced by one poll only, also if several run at once: the count of announcements
    is moved by compare and set.
    """
    if _queue_moves(platform):
        return []
    waiting = [item for item in platform.ledger.deliveries() if _is_due(item, platform)]
    return [item.sector for item in waiting if _announce(item, platform)]


def wait_s(n_announced: int) -> float:
    """Time to give a sector that was announced so many times [s].

    Examples
    --------
    >>> [wait_s(n) / 3600 for n in (0, 1, 2, 3, 5, 6, 1000)]
    [1.0, 1.0, 2.0, 4.0, 16.0, 24.0, 24.0]
    """
    return min(FIRST_WAIT_S * 2.0 ** min(max(n_announced - 1, 0), 10), LONGEST_WAIT_S)


def _is_due(item: Delivery, platform: Platform) -> bool:
    if item.state != LISTED:
        return False
    text = item.facts.get("announced_utc")
    announced = datetime.fromisoformat(text) if text else item.changed_utc
    since = max(announced, item.changed_utc)  # the fact may be of the delivery before
    return platform.now() - since >= timedelta(seconds=wait_s(_n_announced(item)))


def _announce(item: Delivery, platform: Platform) -> bool:
    """Count an announcement; False if another poll was faster."""
    n_before = _n_announced(item)
    facts = {"n_announced": n_before + 1, "announced_utc": stamp(platform)}
    if not platform.ledger.move_delivery(item, facts=facts):
        return False
    log.info("sector_announced_again", sector=item.sector, n_announced=n_before + 1)
    if n_before >= TOLD_AFTER:
        name = keys.sector_key(item.sector)
        platform.notifier.tell(
            f"{name}, delivery {item.delivery}: listed, and not ingested",
            f"It was announced {n_before} times. Look at `ingest_sector` in Airflow: is it "
            f"paused, failed, or waiting for workers? By hand: `calnet-ops ingest {name}`.",
        )
    return True


def _n_announced(item: Delivery) -> int:
    return int(item.facts.get("n_announced") or 0)


def _queue_moves(platform: Platform) -> bool:
    """Whether a sector came in not long ago, so that those waiting will have their turn."""
    ingested = platform.ledger.records("ingest")
    age = platform.now() - ingested[-1].at_utc if ingested else timedelta.max
    return age < timedelta(seconds=QUEUE_MOVES_S)
