"""A delivery that appears: the archive is not done with it, and its clock runs."""

from datetime import datetime, timedelta
from typing import Any

from calnet_ops.adapters.ledger import Delivery, Ledger
from calnet_ops.platform import Platform

APPEARING, LISTED = "appearing", "listed"
"""States before the sector's files are in the store; `raw` and `halted` come later."""


def appear(
    sector: int,
    held: Delivery | None,
    platform: Platform,
    *,
    why: str,
    n_listed: int,
    listing_sha256: str,
    facts: dict[str, Any],
) -> bool:
    """Note a new delivery; False if another poll was faster.

    Parameters
    ----------
    held
        The delivery before, if there is one: what it left in the store stays in force until the
        new one is there, so its facts are taken over.
    why
        What is new, for people.
    """
    number, old = (held.delivery + 1, held.facts) if held else (1, {})
    own = {"why": why, "n_announced": 0, "announced_utc": None, "sample": {}}
    return platform.ledger.add_delivery(
        sector,
        number,
        state=APPEARING,
        n_listed=n_listed,
        listing_sha256=listing_sha256,
        facts=old | own | clock_facts(platform) | facts,
    )


def is_in_store(item: Delivery) -> bool:
    """Whether all files of a delivery are in the store: also of a sector that was halted."""
    own = item.facts.get("delivery", item.delivery) == item.delivery
    return item.state not in {APPEARING, LISTED} and own and "manifest" in item.facts


def stored_delivery(sector: int, ledger: Ledger) -> Delivery | None:
    """Newest delivery of a sector that is in the store; a later one may be on its way.

    It is the one that is judged, and that may be halted: a delivery on its way has its facts,
    but a state of its own.
    """
    stored = [item for item in ledger.history(sector) if is_in_store(item)]
    return stored[-1] if stored else None


def clock_facts(platform: Platform) -> dict[str, Any]:
    """Facts of a delivery that has just changed. Call it after the archive was read."""
    return {"unchanged_since": stamp(platform), "held_up": ""}


def unchanged_for(seen: Delivery, platform: Platform) -> timedelta:
    """Time since a poll first saw the listing, and the sample of a re-delivery, as they are."""
    text = seen.facts.get("unchanged_since")
    return platform.now() - (datetime.fromisoformat(text) if text else seen.changed_utc)


def stamp(platform: Platform) -> str:
    """Now, as text for a fact."""
    return platform.now().isoformat()
