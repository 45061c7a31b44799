"""Ask for some files of a sector again, because a person wants it."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import ArchiveUnavailable, MissingInput
from calnet_ops.platform import Platform
from calnet_ops.steps.ingest_plan import BY_HAND, known_delivery
from calnet_ops.steps.ingest_tables import Row
from calnet_ops.steps.ingest_trust import SUSPECT

GROUPS: dict[str, Callable[[Row], bool]] = {
    "suspect": lambda row: row["trust"] == SUSPECT,
    "quarantined": lambda row: bool(row["reason"]) and row["n_look"] > 0,
}
"""Words that stand for many files: those that nobody is sure of; all that were set aside, but
for those that were refused by their name, of which nobody can say more."""

log = structlog.get_logger()


def ask_again(sector: int, files: Iterable[str], platform: Platform) -> Delivery:
    """Make a delivery of which only some files are asked for, in full and from both sources.

    Parameters
    ----------
    sector
        TESS sector, in the store.
    files
        Names of files, and `GROUPS`.
    platform
        Its ledger gets the delivery, listed.

    Returns
    -------
    delivery
        To be ingested; everything else of it is what the delivery before has.

    Raises
    ------
    MissingInput
        If the sector is not in the store, has no file of one of these names, or none in a group.
    ArchiveUnavailable
        If the sector is being delivered again by the archive: all of it is asked for anyway.
    """
    held = known_delivery(sector, platform)
    if "manifest" not in held.facts:
        raise MissingInput(
            keys.sector_key(sector),
            found="no manifest",
            expected="a sector in the store",
            cure=f"Run: calnet-ops ingest {sector}",
        )
    names = _named(sector, list(files), held, platform)
    number = held.delivery + 1
    again = {"delivery": number, "files": names, "listing_sha256": held.listing_sha256}
    facts: dict[str, Any] = {"why": BY_HAND, "again": again}
    added = held.state not in {"appearing", "listed"} and platform.ledger.add_delivery(
        sector,
        number,
        state="listed",
        n_listed=held.n_listed,
        listing_sha256=held.listing_sha256,
        facts=held.facts | facts,
    )
    if not added:
        raise ArchiveUnavailable(
            keys.sector_key(sector),
            found=f"delivery {held.delivery} on its way",
            expected="a sector at rest",
            cure="Ask again when it is in the store.",
        )
    log.info("asked_again", sector=sector, delivery=number, n_file=len(names))
    return known_delivery(sector, platform)


def _named(sector: int, files: list[str], held: Delivery, platform: Platform) -> list[str]:
    """Names of files, with the groups resolved."""
    columns = ["file_name", "trust", "reason", "n_look"]
    rows = platform.store.load_table(held.facts["manifest"], columns).to_pylist()
    known = {row["file_name"] for row in rows}
    names = set()
    for word in files:
        if word in GROUPS:
            found = {row["file_name"] for row in rows if GROUPS[word](row)}
        else:
            found = {word} & known
        if not found:
            raise MissingInput(
                f"{word} in {keys.sector_key(sector)}",
                found="no such file in the manifest",
                expected=f"a file's name, or one of {', '.join(GROUPS)} if there are any",
            )
        names |= found
    return sorted(names)
