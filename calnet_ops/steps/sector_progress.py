"""How far the archive and the store are with a delivery, for people."""

from calnet_ops.adapters.ledger import Delivery
from calnet_ops.steps.appearing import APPEARING


def progress(item: Delivery) -> str:
    """State of a delivery with its counts.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> now = datetime.now(UTC)
    >>> facts = {"n_target": 12_345, "n_planned": 20_000}
    >>> progress(Delivery(87, 1, "appearing", 12_345, "", now, now, facts))
    'appearing, 12,345 of about 20,000'
    """
    facts = item.facts
    if item.state == APPEARING:
        return _appearing(item)
    if own_facts(item) and "n_stored" in facts:
        return f"{item.state}, {facts['n_stored']:,} of {item.n_listed:,} stored"
    return f"{item.state}, {item.n_listed:,} files"


def own_facts(item: Delivery) -> bool:
    """Whether the facts of an ingest are of this delivery; else those of the last stay in force."""
    return bool(item.facts.get("delivery", item.delivery) == item.delivery)


def _appearing(item: Delivery) -> str:
    facts = item.facts
    # some planned targets are never processed, and some processed ones have no CDPP
    n_all = facts.get("n_expected") or facts.get("n_planned")
    text = f"{item.state}, {facts.get('n_target', item.n_listed):,}"
    text += f" of about {n_all:,}" if n_all else ""
    return f"{text}; held up: {facts['held_up']}" if facts.get("held_up") else text
