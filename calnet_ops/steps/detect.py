"""Notice which sectors the archive has finished publishing, and which it publishes again.

A sector appears with its script; it is listed when the script has been the same for a day and
agrees with the CDPP table; a listed sector is announced, which starts its ingest. A sector that
is in the store appears again when its script changes, or when its files do (`redelivery`).
"""

from datetime import timedelta
from typing import Any, TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import CalnetError, MissingInput, RejectedInput, TransientError
from calnet_ops.platform import Platform
from calnet_ops.steps.announce import announce_waiting
from calnet_ops.steps.appearing import (
    APPEARING,
    LISTED,
    appear,
    clock_facts,
    stamp,
    unchanged_for,
)
from calnet_ops.steps.detect_listing import agrees, count_targets, known_count, listing_facts
from calnet_ops.steps.detect_unreadable import follow_unreadable
from calnet_ops.steps.progress import Watch, unseen
from calnet_ops.steps.redelivery import look_again, look_at_sample

TELL_AFTER_S = 7 * 24 * 3600
"""A person is told of a script that is still and disagrees with the CDPP table for a week: tables
and scripts of a sector came within days of each other."""

HELD_BACK = (TransientError, RejectedInput, MissingInput)
"""What may go wrong with one sector without holding up the others: its script or tables, or its
manifest in the store."""

log = structlog.get_logger()


class Detected(TypedDict):
    """What a poll of the archive found."""

    listed: list[int]
    """Sectors to ingest: those that this poll found complete, and those still waiting since."""
    states: dict[int, str]
    """State of every sector known."""


def detect_sectors(platform: Platform, *, all_due: bool = False, watch: Watch = unseen) -> Detected:
    """Poll the archive once and bring the state of each sector up to date.

    A sector is listed when its script has not changed for `platform.stable_for_s` between two
    polls, and its number of targets agrees with the CDPP table, if there is one yet.

    Parameters
    ----------
    all_due
        Ask about files of every sector in the store, not only of those whose turn it is.
    watch
        Shows how far the poll is.

    Raises
    ------
    TransientError
        If nothing at all could be read; no state has changed then. One script that fails does
        not hold up the others; a person is told of it after a week.

    Notes
    -----
    Free to run again, or twice at once: states move by compare and set, so only one poll can
    list, or announce, a sector.

    Requests: the bulk page; for each sector a HEAD of its script; for one that appears also its
    script, when that changed or may be complete, with the page and the table of CDPPs, and the
    target list until that is known; for at most `redelivery.SECTORS_A_POLL` sectors in the
    store, a HEAD of up to `redelivery.MOST_ASKED` files, and the file where that says something
    new. A year of 106 quiet sectors costs some 150,000 scripts' HEADs and 360,000 of files.
    """
    listed: set[int] = set()
    failures: dict[int, CalnetError] = {}
    sectors = platform.archive.list_sectors()
    for sector in watch(sectors, "lists of sectors"):
        try:
            if _follow(sector, platform):
                listed.add(sector)
        except HELD_BACK as error:
            log.warning("sector_not_readable", sector=sector, error=str(error))
            failures[sector] = error
    if failures and len(failures) == len(sectors):
        raise failures[sectors[0]]
    follow_unreadable(sectors, failures, platform)
    look_again(sectors, platform, all_due=all_due, watch=watch)
    listed.update(announce_waiting(platform))
    states = {item.sector: item.state for item in platform.ledger.deliveries()}
    return Detected(listed=sorted(listed), states=states)


def _follow(sector: int, platform: Platform) -> bool:
    """Bring one sector up to date; whether it has just been listed."""
    seen = platform.ledger.delivery(sector)
    if seen is not None and seen.state == APPEARING:
        return _wait_for(seen, platform)
    if seen is None:
        _note_listing(platform.archive.fetch_script(sector), seen, platform)
    elif not _is_unchanged(seen, platform):
        script = platform.archive.fetch_script(sector)
        if script.sha256 != seen.listing_sha256:
            _note_listing(script, seen, platform)
        else:
            _note_date(script, seen, platform)
    return False


def _wait_for(seen: Delivery, platform: Platform) -> bool:
    """See whether a sector that appears is all there; whether it has just been listed.

    The last word is always that of the script's bytes, read anew: HTTP dates have whole seconds,
    too coarse for a list that is growing, and a body that was wrong once must not count twice.
    """
    stable = unchanged_for(seen, platform) >= timedelta(seconds=platform.stable_for_s)
    sample = look_at_sample(seen, platform)
    if sample != seen.facts.get("sample", {}):
        log.info("redelivery_goes_on", sector=seen.sector, delivery=seen.delivery)
        facts = {"sample": sample, "probed_utc": stamp(platform)}
        platform.ledger.move_delivery(seen, facts=facts | clock_facts(platform))
        return False
    if not stable and _is_unchanged(seen, platform):
        return False
    script = platform.archive.fetch_script(seen.sector, anew=stable)
    if script.sha256 != seen.listing_sha256:
        _note_listing(script, seen, platform)
    elif stable:
        return _list_sector(seen, script, platform)
    else:
        _note_date(script, seen, platform)
    return False


def _list_sector(seen: Delivery, script: Script, platform: Platform) -> bool:
    """List a sector whose script is still, if it agrees with the CDPP table."""
    n_target = count_targets(script)
    n_expected = known_count(platform.archive.count_expected(seen.sector), seen.facts)
    counts = {"n_target": n_target, "n_expected": n_expected}
    if not agrees(n_target, n_expected):
        trouble = f"{n_target} targets in the script, {n_expected} in the CDPP table"
        _hold_up(seen, counts | {"held_up": trouble}, platform)
        return False
    facts = {"held_up": "", "n_announced": 1, "announced_utc": stamp(platform)}
    moved = platform.ledger.move_delivery(seen, state=LISTED, facts=counts | facts)
    if moved:
        log.info("sector_listed", sector=seen.sector, delivery=seen.delivery, **counts)
    return moved


def _hold_up(seen: Delivery, facts: dict[str, Any], platform: Platform) -> None:
    """Say why a sector stays appearing though its script is still."""
    trouble = facts["held_up"]
    if seen.facts.get("held_up") != trouble:
        log.info("sector_held_up", sector=seen.sector, delivery=seen.delivery, trouble=trouble)
        platform.ledger.move_delivery(seen, facts=facts)
    if unchanged_for(seen, platform) >= timedelta(seconds=TELL_AFTER_S):
        name = keys.sector_key(seen.sector)
        platform.notifier.tell(
            f"{name}, delivery {seen.delivery}: script and CDPP table disagree",
            f"{trouble}, and the script has not changed for a week. If the script is right, "
            f"ingest the sector with `calnet-ops ingest {name}`.",
        )


def _note_listing(script: Script, seen: Delivery | None, platform: Platform) -> None:
    """Write down a listing that is new: of a new sector, of one growing, or of a re-delivery."""
    facts = listing_facts(script, seen, platform) | {"again": {}}  # all of it is asked for now
    listing = {"n_listed": len(script.files), "listing_sha256": script.sha256}
    log.info("listing_changed", sector=script.sector, **listing, **facts)
    if seen is not None and seen.state in {APPEARING, LISTED}:
        facts |= clock_facts(platform)
        platform.ledger.move_delivery(seen, state=APPEARING, facts=facts, **listing)
        return
    why = "list changed" if seen else "first seen"
    appear(
        script.sector,
        seen,
        platform,
        why=why,
        n_listed=len(script.files),
        listing_sha256=script.sha256,
        facts=facts,
    )


def _note_date(script: Script, seen: Delivery, platform: Platform) -> None:
    """Remember the new date of a script with the same bytes, so as not to fetch it each time."""
    facts = {"last_modified": script.last_modified, "etag": script.etag}
    if any(seen.facts.get(name) != value for name, value in facts.items()):
        platform.ledger.move_delivery(seen, facts=facts)


def _is_unchanged(seen: Delivery, platform: Platform) -> bool:
    """Whether the archive says that a script is still the one it was."""
    since = str(seen.facts.get("last_modified", ""))
    return platform.archive.is_unchanged(seen.sector, since)
