"""What a download script promises, and whether that is all of a sector."""

from collections.abc import Mapping
from typing import Any

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import ForeignProduct, MissingInput, TransientError
from calnet_ops.platform import Platform

COUNT_TOLERANCE = 0.01
"""Share by which script and CDPP table may differ in two-minute targets: a sector that is still
being filled lacks thousands of 20,000."""

FEW_TARGETS = 7
"""Difference that is always allowed: so many targets were planned and not processed in sector 34
(its data-release note)."""

log = structlog.get_logger()


def count_targets(script: Script) -> int:
    """Two-minute targets that a script lists for its own sector.

    Files of 20-s cadence, of HLSPs and of other sectors do not count, nor a target's second file.
    """
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
    """Whether a number of listed targets is what the CDPP table lets one expect.

    Without a table, any number is: it comes out of the search for planets, which special sectors
    (1751) do not get, and of which nothing promises that it is published with the light curves.
    """
    if n_expected is None:
        return True
    return abs(n_listed - n_expected) <= max(FEW_TARGETS, COUNT_TOLERANCE * n_expected)


def listing_facts(script: Script, seen: Delivery | None, platform: Platform) -> dict[str, Any]:
    """Facts of a delivery that its script tells, and what to hold them against.

    Neither table is worth waiting for here: they are shown beside the count, and the CDPP table
    is asked for again before the sector is listed.
    """
    held = seen.facts if seen else {}
    n_planned = held.get("n_planned")
    return {
        "last_modified": script.last_modified,
        "etag": script.etag,
        "n_target": count_targets(script),
        "n_expected": known_count(_count_expected(script.sector, platform), held),
        "n_planned": n_planned or platform.archive.count_planned(script.sector),
        "listing_diff": _listing_diff(script, str(held.get("manifest", "")), platform),
    }


def known_count(n_expected: int | None, held: Mapping[str, Any]) -> int | None:
    """Count of a CDPP table, or what the facts held say: a table does not go away."""
    return held.get("n_expected") if n_expected is None else n_expected


def late_count(held: Delivery, platform: Platform) -> dict[str, int]:
    """Count of the CDPP table, as a fact, if it came after the sector was listed without it.

    A person is told if it disagrees: nothing else would notice that files are missing of which
    the script never spoke.
    """
    if held.facts.get("n_expected") is not None:
        return {}
    n_expected = _count_expected(held.sector, platform)
    if n_expected is None:
        return {}
    n_target = held.facts.get("n_target")
    if n_target is not None and not agrees(n_target, n_expected):
        platform.notifier.tell(
            f"{keys.sector_key(held.sector)}, delivery {held.delivery}: fewer or more targets than "
            "the CDPP table that came later",
            f"{n_target} targets in the script, {n_expected} in the table. The sector was listed "
            "without it. A script that changes is noticed; ask the archive if it does not.",
        )
    return {"n_expected": n_expected}


def _count_expected(sector: int, platform: Platform) -> int | None:
    try:
        return platform.archive.count_expected(sector)
    except TransientError as error:
        log.warning("cdpp_table_not_readable", sector=sector, error=str(error))
        return None


def _listing_diff(script: Script, manifest: str, platform: Platform) -> dict[str, int] | None:
    """Names that a script has and the delivery in the store has not, and the other way round."""
    if not manifest:
        return None
    try:
        old = set(platform.store.load_table(manifest, ["file_name"])["file_name"].to_pylist())
    except MissingInput:  # the store is not the ledger's: that is not the archive's fault
        return None
    new = {file.file_name for file in script.files}
    return {"added": len(new - old), "removed": len(old - new)}
