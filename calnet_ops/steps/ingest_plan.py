"""What an ingest sets out to pull, and how it is cut into tasks."""

import itertools
from collections.abc import Container

import pyarrow as pa

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.errors import ArchiveUnavailable, ForeignProduct, MissingInput
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.steps.ingest_tables import VERSION, make_table

SHARD_FILES = 100
"""Fewest files of a shard, if there are as many: a task costs a second or two before its first
file, a file takes 20 to 200 ms."""

MAX_SHARDS = 200
"""Mapped tasks of a sector, for the scheduler's sake: 20,000 files make 200 shards of 100."""

BY_HAND = "asked for by hand"
"""Why a delivery exists that no poll has found."""

PLAN = pa.schema(
    {
        "file_name": pa.string(),
        "tic": pa.int64(),
        "url": pa.string(),
        "duplicate_of": pa.string(),
    }
)
"""What is to be pulled; `duplicate_of` names the file kept for the same star, if there is one."""


def cut(n_file: int) -> list[tuple[int, int]]:
    """First row and one past the last of each shard, of nearly equal size.

    Examples
    --------
    >>> cut(1), cut(300), len(cut(12_996)), len(cut(20_000)), len(cut(40_000))
    ([(0, 1)], [(0, 100), (100, 200), (200, 300)], 130, 200, 200)
    """
    n_shard = min(MAX_SHARDS, -(-n_file // SHARD_FILES))
    edges = [n_file * shard // n_shard for shard in range(n_shard + 1)] if n_shard else []
    return list(itertools.pairwise(edges))


def plan_table(script: Script) -> pa.Table:
    """List what to pull, by file name; a star's second file of this sector is its duplicate."""
    kept: dict[int, str] = {}
    rows = []
    for file in sorted(script.files, key=lambda file: file.file_name):
        name = _parsed(file.file_name)
        own = name is not None and name.sector == script.sector
        first = kept.setdefault(name.tic, file.file_name) if name and own else file.file_name
        rows.append(
            {
                "file_name": file.file_name,
                "tic": name.tic if name else None,
                "url": file.url,
                "duplicate_of": "" if first == file.file_name else first,
            }
        )
    return make_table(rows, PLAN)


def plan_key(delivery: Delivery) -> str:
    """Key of the plan of a delivery: it changes with the listing."""
    lineage = lineage_id(
        "plan",
        VERSION,
        sector=delivery.sector,
        delivery=delivery.delivery,
        listing=delivery.listing_sha256,
    )
    return keys.plan(delivery.sector, lineage)


def load_plan(delivery: Delivery, there: Container[str], platform: Platform) -> pa.Table:
    """What to pull for a delivery, written down when first asked for.

    Parameters
    ----------
    delivery
        A listed one.
    there
        Keys that the store has.
    platform
        Its archive is asked only if the store has no plan.

    Raises
    ------
    ArchiveUnavailable
        If the script changed since the sector was listed.
    """
    key = plan_key(delivery)
    if key not in there:
        before = str(delivery.facts.get("plan", ""))
        if _is_of_known_list(delivery) and before in there:
            table = platform.store.load_table(before)
        else:
            table = plan_table(_fetch_listing(delivery, platform))
        platform.store.save_table(key, table)
    return platform.store.load_table(key)


def known_delivery(sector: int, platform: Platform) -> Delivery:
    """Newest delivery of a sector.

    Raises
    ------
    MissingInput
        If nobody has ever seen it.
    """
    delivery = platform.ledger.delivery(sector)
    if delivery is None:
        raise MissingInput(
            keys.sector_key(sector),
            found="never seen",
            expected="a sector that is listed",
            cure=f"Take it as the archive lists it now with `calnet-ops ingest {sector}`.",
        )
    return delivery


def held_tables(delivery: Delivery) -> list[str]:
    """Keys of manifest and statistics of the delivery before; none of a first one."""
    facts = delivery.facts
    if facts.get("delivery") == delivery.delivery:  # it is in the store, and says it itself
        return list(facts["held"])
    if delivery.delivery == 1 or "manifest" not in facts:
        return []
    return [str(facts["manifest"]), str(facts.get("statistics", ""))]


def named_again(delivery: Delivery) -> list[str] | None:
    """Files that a person asked for again with this delivery; None if it is an ordinary one."""
    again = delivery.facts.get("again", {})
    return list(again["files"]) if again.get("delivery") == delivery.delivery else None


def _is_of_known_list(delivery: Delivery) -> bool:
    """Whether a person asked for this delivery, and its list is that of the delivery before."""
    listing = delivery.facts.get("again", {}).get("listing_sha256")
    return named_again(delivery) is not None and listing == delivery.listing_sha256


def _fetch_listing(delivery: Delivery, platform: Platform) -> Script:
    script = platform.archive.fetch_script(delivery.sector)
    if script.sha256 != delivery.listing_sha256:
        raise ArchiveUnavailable(
            f"download script of {keys.sector_key(delivery.sector)}",
            found="another list of files",
            expected=f"the one of {delivery.n_listed} files that was listed",
            cure="Poll again with `calnet-ops sectors --poll`.",
        )
    return script


def _parsed(file_name: str) -> keys.SpocName | None:
    """What a file name says; None if it is another product's."""
    try:
        return keys.SpocName.parse(file_name)
    except ForeignProduct:
        return None
