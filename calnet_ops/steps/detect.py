"""Notice which sectors the archive has finished publishing."""

from datetime import UTC, datetime
from typing import TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import ForeignProduct, TransientError
from calnet_ops.platform import Platform

COUNT_TOLERANCE = 0.01
"""Share by which script and CDPP table may differ in two-minute targets: a sector that is still
being filled lacks thousands of 20,000."""

FEW_TARGETS = 7
"""Difference that is always allowed: so many targets were planned and not processed in sector 34
(its data-release note)."""

ANNOUNCE_AGAIN_S = 3600
"""A sector that is still listed after an hour is announced again: the poll that listed it may
have been killed before its event was out. To ingest a sector twice is free, also at once: files
are written once, and only one run moves the delivery."""

APPEARING, LISTED = "appearing", "listed"
"""States that this step sets; `raw` and `halted` come later."""

log = structlog.get_logger()


class Detected(TypedDict):
    """What a poll of the archive found."""

    listed: list[int]
    """Sectors to ingest: those that this poll found complete, and those still waiting since."""
    states: dict[int, str]
    """State of every sector known."""


def detect_sectors(platform: Platform) -> Detected:
    """Poll the archive once and bring the state of each sector up to date.

    A sector is listed when its script has not changed for `platform.stable_for_s` since an
    earlier poll, and its number of targets agrees with the CDPP table, if there is one yet.

    Raises
    ------
    ArchiveUnavailable
        If nothing at all could be read. One script that fails does not hold up the others.

    Notes
    -----
    Free to run again, or twice at once: states move by compare and set, so only one poll can
    list a sector. Costs a request a sector, conditional for those that are
    listed already (dates of HTTP have whole seconds, too coarse for a list that is growing).
    """
    listed, failures = set(), []
    sectors = platform.archive.list_sectors()
    for sector in sectors:
        try:
            if _follow(sector, platform):
                listed.add(sector)
        except TransientError as error:
            log.warning("sector_not_readable", sector=sector, error=str(error))
            failures.append(error)
    if failures and len(failures) == len(sectors):
        raise failures[0]
    deliveries = platform.ledger.deliveries()
    listed |= {item.sector for item in deliveries if _is_waiting(item)}
    states = {item.sector: item.state for item in deliveries}
    return Detected(listed=sorted(listed), states=states)


def count_targets(script: Script) -> int:
    """Two-minute targets that a script lists for its own sector."""
    tics = set()
    for file in script.files:
        try:
            name = keys.SpocName.parse(file.file_name)
        except ForeignProduct:
            continue
        if name.sector == script.sector:
            tics.add(name.tic)
    return len(tics)


def agrees(n_listed: int, n_expected: int | None) -> bool:
    """Whether a number of listed targets is what the CDPP table lets one expect."""
    if n_expected is None:
        return True
    return abs(n_listed - n_expected) <= max(FEW_TARGETS, COUNT_TOLERANCE * n_expected)


def _follow(sector: int, platform: Platform) -> bool:
    """Bring one sector up to date; whether it has just been listed."""
    seen = platform.ledger.delivery(sector)
    if seen is not None and _is_settled(seen, platform):
        return False
    script = platform.archive.fetch_script(sector)
    if seen is None or script.sha256 != seen.listing_sha256:
        _note_listing(script, seen, platform)
        return False
    if seen.state != APPEARING or not _is_stable(seen, platform.stable_for_s):
        return False
    n_expected = platform.archive.count_expected(sector)
    n_target = int(seen.facts["n_target"])
    if not agrees(n_target, n_expected):
        log.info("sector_incomplete", sector=sector, n_target=n_target, n_expected=n_expected)
        return False
    moved = platform.ledger.move_delivery(seen, state=LISTED, facts={"n_expected": n_expected})
    if moved:
        log.info("sector_listed", sector=sector, delivery=seen.delivery, n_listed=seen.n_listed)
    return moved


def _note_listing(script: Script, seen: Delivery | None, platform: Platform) -> None:
    """Write down a listing that is new: of a new sector, of one growing, or of a re-delivery."""
    ledger = platform.ledger
    facts = {
        "last_modified": script.last_modified,
        "n_target": count_targets(script),
        "n_expected": platform.archive.count_expected(script.sector),
    }
    listing = {"n_listed": len(script.files), "listing_sha256": script.sha256}
    log.info("listing_changed", sector=script.sector, **facts)
    if seen is not None and seen.state in {APPEARING, LISTED}:
        ledger.move_delivery(seen, state=APPEARING, facts=facts, **listing)
        return
    number, held = (seen.delivery + 1, seen.facts) if seen else (1, {})
    # what the last delivery left in the store stays in force until this one is there
    ledger.add_delivery(
        script.sector,
        number,
        state=APPEARING,
        n_listed=len(script.files),
        listing_sha256=script.sha256,
        facts=held | facts,
    )


def _is_settled(seen: Delivery, platform: Platform) -> bool:
    """Whether a sector was listed and its script is still the same file."""
    since = str(seen.facts.get("last_modified", ""))
    return seen.state != APPEARING and platform.archive.is_unchanged(seen.sector, since)


def _is_stable(seen: Delivery, stable_for_s: float) -> bool:
    """Whether a listing, which a poll before this one wrote down, is old enough."""
    return _age_s(seen) >= stable_for_s


def _is_waiting(delivery: Delivery) -> bool:
    """Whether a sector should have been ingested by now."""
    return delivery.state == LISTED and _age_s(delivery) >= ANNOUNCE_AGAIN_S


def _age_s(delivery: Delivery) -> float:
    """Time since the delivery last changed [s]."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return (now - delivery.changed_utc).total_seconds()
