"""Sectors whose script, or tables, cannot be read while those of others can."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.errors import CalnetError
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import stamp

STEP = "script"
"""Of the records that tell since when a sector cannot be read, and that it can again."""

TELL_AFTER_S = 7 * 24 * 3600
"""A person is told after a week in which no poll could read a sector: an outage of the archive is
over by then, and the sector would stay unnoticed for ever."""


def follow_unreadable(
    sectors: Iterable[int], failures: Mapping[int, CalnetError], platform: Platform
) -> None:
    """Note which sectors a poll could not read, and tell a person of those that last.

    Parameters
    ----------
    sectors
        All that the poll asked about.
    failures
        What went wrong, by sector.
    platform
        Its ledger remembers, also of sectors that have no delivery yet.
    """
    known = unreadable_sectors(platform.ledger)
    for sector in sectors:
        since = known[sector]["since"] if sector in known else stamp(platform)
        if sector not in failures:
            if sector in known:
                platform.ledger.record(STEP, sector, "readable")
            continue
        facts = {"since": since, "why": str(failures[sector])}
        platform.ledger.record(STEP, sector, "unreadable", facts=facts)
        if platform.now() - datetime.fromisoformat(since) >= timedelta(seconds=TELL_AFTER_S):
            _tell(sector, since, failures[sector], platform)


def unreadable_sectors(ledger: Ledger) -> dict[int, dict[str, str]]:
    """Since when and why the last poll could not read a sector, by sector."""
    newest = {record.sector: record for record in ledger.records(STEP)}
    return {
        sector: {"since": record.facts["since"], "why": record.facts.get("why", "")}
        for sector, record in newest.items()
        if record.key == "unreadable"
    }


def _tell(sector: int, since: str, error: CalnetError, platform: Platform) -> None:
    name = keys.sector_key(sector)
    platform.notifier.tell(
        f"{name}: not readable since {since:.10}",
        f"{error}. No poll could read it for a week, while other sectors can be read. Look at its "
        "download script at the archive, and write to the archive if it is wrong.",
    )
