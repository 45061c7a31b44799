"""What `calnet-ops sectors` says of a delivery."""

from collections import Counter
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import CalnetError
from calnet_ops.platform import Platform
from calnet_ops.steps.sector_progress import own_facts, progress

COUNTS = ("n_target", "n_expected", "n_planned")
"""Two-minute targets: in the script, in the CDPP table, in the list of planned ones."""

WAITING = ("unchanged_since", "held_up", "n_announced", "announced_utc", "probed_utc")
"""Facts of a delivery on its way, and of the looks at it since."""

INGESTED = ("n_stored", "n_bytes", "n_quarantined", "n_recovered", "n_suspect", "n_compared",
            "n_differ", "diff", "diff_rows", "manifest", "report")  # fmt: skip
"""Facts that its ingest and its checks add; of an ingest before some of them were kept, fewer."""


def list_row(item: Delivery) -> dict[str, Any]:
    """One line of the list of sectors."""
    return {
        "sector": keys.sector_key(item.sector),
        "delivery": item.delivery,
        "state": item.state,
        "progress": progress(item),
        "listed": item.n_listed,
        "stored": item.facts.get("n_stored"),
        "quarantined": sum(item.facts.get("n_quarantined", {}).values()),
        "changed_utc": f"{item.changed_utc:%Y-%m-%d %H:%M}",
    }


def unreadable_row(sector: int, told: dict[str, str]) -> dict[str, Any]:
    """Line of a sector of which no poll has read the script."""
    progress_so_far = f"not readable since {told['since']:.16}"
    return {"sector": keys.sector_key(sector), "state": "unreadable", "progress": progress_so_far}


def counts_of(item: Delivery) -> dict[str, Any]:
    """What programs want to know besides."""
    facts = item.facts
    return {name: facts.get(name) for name in (*COUNTS, "why", "held_up")}


def whole_delivery(item: Delivery, platform: Platform) -> dict[str, Any]:
    """All that is known of a delivery, in the order in which it happened."""
    facts = item.facts
    record = {
        "sector": keys.sector_key(item.sector),
        "delivery": item.delivery,
        "why": facts.get("why"),
        "state": item.state,
        "progress": progress(item),
        "first_seen_utc": f"{item.first_seen_utc:%Y-%m-%d %H:%M:%S}",
        "changed_utc": f"{item.changed_utc:%Y-%m-%d %H:%M:%S}",
        "n_listed": item.n_listed,
        "listing_sha256": item.listing_sha256,
    }
    record |= {name: facts.get(name) for name in (*COUNTS, "listing_diff", *WAITING)}
    if not (own_facts(item) and "manifest" in facts):
        return record
    record |= {name: facts[name] for name in INGESTED if name in facts}
    return record | {"trust": _trust(str(facts["manifest"]), platform)}


def _trust(manifest: str, platform: Platform) -> dict[str, int] | None:
    """Files by what their looks gave; None if the store or an older manifest cannot tell."""
    try:
        table = platform.store.load_table(manifest)
    except CalnetError:
        return None
    if "trust" not in table.column_names:
        return None
    return dict(sorted(Counter(table["trust"].to_pylist()).items()))
