"""List a sector because somebody asks for it by name, without the day in which it has to be still.

Only who asks may do so: a task of Airflow that is tried again must not list what a poll has just
found to be growing.
"""

import structlog

from calnet_ops.adapters.ledger import Delivery
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import APPEARING, LISTED, appear, stamp
from calnet_ops.steps.detect_listing import agrees, listing_facts
from calnet_ops.steps.ingest_plan import BY_HAND

FULL = 0.99
"""Share of the planned targets that a list has at least when nothing is missing: a sector that is
still being filled lacks thousands of 20,000."""

log = structlog.get_logger()


def list_now(sector: int, platform: Platform) -> None:
    """List a sector as the archive has it now, whatever it may lack; free if it is listed.

    Raises
    ------
    ArchiveUnavailable
        If its script cannot be had.
    """
    ledger = platform.ledger
    while (seen := ledger.delivery(sector)) is None or seen.state == APPEARING:
        script = platform.archive.fetch_script(sector)
        n_listed, sha256 = len(script.files), script.sha256
        facts = {"last_modified": script.last_modified, "etag": script.etag}
        if seen is None:
            facts["why"] = BY_HAND
            ledger.add_delivery(
                sector, 1, state=LISTED, n_listed=n_listed, listing_sha256=sha256, facts=facts
            )
        else:
            ledger.move_delivery(
                seen, state=LISTED, n_listed=n_listed, listing_sha256=sha256, facts=facts
            )


def list_if_whole(sector: int, platform: Platform) -> None:
    """List a sector of a back-fill, unless the archive may still be filling it.

    A sector that nobody has seen is noted first, as a poll would. What is not listed here, polls
    list when it is still.

    Raises
    ------
    ArchiveUnavailable
        If its script, or the page of sectors, cannot be had.
    """
    seen = platform.ledger.delivery(sector)
    if seen is not None and seen.state != APPEARING:
        return
    script = platform.archive.fetch_script(sector)
    if seen is None:
        appear(
            sector,
            None,
            platform,
            why=BY_HAND,
            n_listed=len(script.files),
            listing_sha256=script.sha256,
            facts=listing_facts(script, None, platform),
        )
        seen = platform.ledger.delivery(sector)
    is_last = sector + 1 not in platform.archive.list_sectors()
    if seen is None or script.sha256 != seen.listing_sha256 or not is_whole(seen, is_last=is_last):
        log.info("sector_is_being_filled", sector=sector)
    elif seen.state == APPEARING:  # and not listed by a poll meanwhile
        facts = {"n_announced": 1, "announced_utc": stamp(platform)}
        platform.ledger.move_delivery(seen, state=LISTED, facts=facts)


def is_whole(seen: Delivery, *, is_last: bool) -> bool:
    """Whether the list of a sector that appears is all of it, as far as can be known at once.

    Parameters
    ----------
    seen
        A delivery that appears. One of a sector that is in the store has to be still first.
    is_last
        Whether the archive has no sector with the next number: it may be at work on this one. A
        sector that another follows has been filled before.
    """
    facts = seen.facts
    n_target = facts.get("n_target", seen.n_listed)
    if seen.delivery > 1:
        return False
    if facts.get("n_expected") is not None:
        return agrees(n_target, facts["n_expected"])
    if is_last or facts.get("n_announced"):  # or it was listed once, and grew
        return False
    return bool(n_target >= FULL * (facts.get("n_planned") or 0))
