"""Pull a sector from the archive into the store, and say which files to believe."""

import time
from typing import Any, TypedDict, cast

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import DeliveredAgain, KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import APPEARING, LISTED
from calnet_ops.steps.ingest_diff import compare_deliveries
from calnet_ops.steps.ingest_outcome import Outcome
from calnet_ops.steps.ingest_plan import (
    cut,
    held_tables,
    known_delivery,
    load_plan,
    named_again,
    plan_key,
)
from calnet_ops.steps.ingest_pull import Tell, open_puller, pull_files
from calnet_ops.steps.ingest_tables import (
    MANIFEST,
    STATISTICS,
    VERSION,
    Counts,
    count_rows,
    make_table,
    merge,
    statistics_key,
)

UNJUDGED = {"report": "", "marks": "", "docs": "", "n_rejected": 0, "n_marked": 0}
"""Facts of a delivery that no check has seen: those of the one before do not speak for it."""

MOVE_TRIES = 3
"""Times to move a delivery that others move as well: a poll may note a fact meanwhile."""

log = structlog.get_logger()


class IngestShard(TypedDict):
    """Rows of a plan that one task pulls."""

    sector: int
    delivery: int
    plan: str
    """Key of the plan."""
    first: int
    stop: int
    """Its rows: `first` up to, not including, `stop`."""
    held: list[str]
    """Keys of manifest and statistics of the delivery before; none of a first one."""
    again: list[str] | None
    """The only files to ask for, if a person named some."""
    done: str
    """Key of the manifest that tells of these files, if it is there already."""
    lineage: str
    max_bytes_per_s: float | None
    """Share of the network that this task may take; no part of the lineage."""


class IngestTally(Counts):
    """What a task has done."""

    delivery: int
    plan: str
    held: list[str]
    manifest: str
    statistics: str
    n_request: int
    """Requests of this run for files, to the archive and to the second source."""
    pulled_files: int
    """Files that they were for."""
    pulled_bytes: int
    """What they brought."""
    seconds: float
    """Spent in this run; 0, as the three before, if it was all there."""


class IngestRecord(Counts):
    """A sector in the store."""

    sector: int
    delivery: int
    plan: str
    held: list[str]
    """Keys of manifest and statistics of the delivery before; none of a first one."""
    manifest: str
    statistics: str
    n_listed: int
    diff: dict[str, int]
    """Files added, removed, changed, unchanged since the delivery before; empty of a first one."""
    diff_rows: str
    """Key of the table of those that are not unchanged, or empty."""
    simulated: bool
    """Whether any of its files is simulated."""


def plan_shards(
    sector: int, platform: Platform, max_bytes_per_s: float | None = None
) -> list[IngestShard]:
    """Cut the newest listing of a sector into shards of 100 files and more, at most 200.

    A sector that appears, also one that was listed and grew since, gives none: it is ingested
    when it is listed.

    Parameters
    ----------
    sector
        TESS sector.
    platform
        Where from and where to.
    max_bytes_per_s
        Share of the network that each task may take [bytes/s].

    Raises
    ------
    MissingInput
        If nobody has ever seen the sector.
    ArchiveUnavailable
        If the script changed since the sector was listed.

    Notes
    -----
    Of a sector that is in the store it lists one folder of the store, asks the archive nothing,
    and gives one shard, which costs one read.
    """
    delivery = known_delivery(sector, platform)
    if delivery.state == APPEARING:
        log.info("sector_not_listed", sector=sector, delivery=delivery.delivery)
        return []
    there = set(platform.store.iter_keys(keys.manifest_folder(sector)))
    whole = _shard(delivery, (0, delivery.n_listed), [], max_bytes_per_s)
    if _is_raw(delivery) and delivery.facts["manifest"] in there:
        return [whole | {"done": delivery.facts["manifest"]}]
    files = load_plan(delivery, there, platform).to_pylist()
    shards = []
    for first, stop in cut(len(files)):
        shard = _shard(delivery, (first, stop), files[first:stop], max_bytes_per_s)
        manifest = keys.manifest(sector, shard["lineage"])
        shards.append(shard | {"done": manifest if manifest in there else ""})
    return shards


def ingest_shard(shard: IngestShard, platform: Platform, tell: Tell | None = None) -> IngestTally:
    """Pull the files of a shard; a file that is not to be believed goes to quarantine.

    Parameters
    ----------
    shard
        From `plan_shards`.
    platform
        Where from and where to.
    tell
        Is called after each file with the bytes that came for it.

    Raises
    ------
    TransientError
        If archive or store fail. What was stored by then stays, and counts next time.
    KeyTaken
        If bytes in the store are no longer those that were written: a person has to look.
    """
    store, sector = platform.store, shard["sector"]
    manifest = shard["done"] or keys.manifest(sector, shard["lineage"])
    started = time.monotonic()
    outcomes = []
    if not shard["done"] and not store.exists(manifest):
        outcomes = _pull(shard, platform, tell)
        _save_shard(sector, manifest, outcomes, store)
    seconds = round(time.monotonic() - started, 3) if outcomes else 0.0
    table = store.load_table(manifest)  # of this run, or of one that was faster
    tally = IngestTally(
        **count_rows(table, shard["delivery"]),
        delivery=shard["delivery"],
        plan=shard["plan"],
        held=shard["held"],
        manifest=manifest,
        statistics=statistics_key(sector, table),
        n_request=sum(item.n_request for item in outcomes),
        pulled_files=sum(item.n_bytes > 0 for item in outcomes),
        pulled_bytes=sum(item.n_bytes for item in outcomes),
        seconds=seconds,
    )
    log.info("shard_pulled", sector=sector, first=shard["first"], stop=shard["stop"], **tally)
    return tally


def close_sector(sector: int, tallies: list[IngestTally], platform: Platform) -> IngestRecord:
    """Merge what the shards did into one manifest and one statistics table; the sector is raw.

    Raises
    ------
    MissingInput
        If the sector is not listed, or its shards do not hold each listed file.
    DeliveredAgain
        If the archive delivered the sector again while its files were pulled: what was pulled
        stays, and the delivery is ingested when it is listed again.
    ServiceUnavailable
        If others changed the delivery's row in the ledger at every try.
    """
    delivery = known_delivery(sector, platform)
    for tally in tallies:
        if tally["plan"] != plan_key(delivery):
            raise DeliveredAgain(**_other_than_pulled(delivery))
    if _is_raw(delivery) and [item["manifest"] for item in tallies] == [delivery.facts["manifest"]]:
        record = _recorded(delivery)
    else:
        record = _merge(delivery, tallies, platform.store)
        _move_to_raw(record, platform)
    facts = {**record, **pace(tallies)}
    platform.ledger.record("ingest", sector, record["manifest"], facts=facts)
    log.info("sector_raw", **record)
    return record


def pace(tallies: list[IngestTally]) -> dict[str, float]:
    """Requests, files, bytes and seconds of the tasks that pulled anything."""
    return {
        "n_request": sum(tally["n_request"] for tally in tallies),
        "pulled_files": sum(tally["pulled_files"] for tally in tallies),
        "pulled_bytes": sum(tally["pulled_bytes"] for tally in tallies),
        "pulled_seconds": round(sum(tally["seconds"] for tally in tallies), 3),
    }


def _shard(
    delivery: Delivery, rows: tuple[int, int], files: list[dict[str, Any]], share: float | None
) -> IngestShard:
    plan, held, again = plan_key(delivery), held_tables(delivery), named_again(delivery)
    names = [file["file_name"] for file in files]
    named = None if again is None else sorted({*again} & {*names})
    return IngestShard(
        sector=delivery.sector,
        delivery=delivery.delivery,
        plan=plan,
        first=rows[0],
        stop=rows[1],
        held=held,
        again=named,
        done="",
        lineage=lineage_id(
            "ingest",
            VERSION,
            plan=plan,
            files=names,
            urls=[file["url"] for file in files],
            held=held,
            again=named,
        ),
        max_bytes_per_s=share,
    )


def _is_raw(delivery: Delivery) -> bool:
    """Whether a delivery as it is listed now is in the store, whatever its checks said."""
    waiting = delivery.state in {APPEARING, LISTED}
    return not waiting and delivery.facts.get("plan") == plan_key(delivery)


def _pull(shard: IngestShard, platform: Platform, tell: Tell | None) -> list[Outcome]:
    limits = [shard["max_bytes_per_s"], platform.max_bytes_per_s]
    platform.throttle.limit(min(filter(None, limits), default=None))
    first, stop = shard["first"], shard["stop"]
    listed = platform.store.load_table(shard["plan"]).slice(first, stop - first).to_pylist()
    puller = open_puller(
        shard["sector"],
        shard["delivery"],
        shard["plan"],
        listed,
        platform,
        held=shard["held"],
        again=shard["again"],
    )
    return pull_files(listed, puller, tell)


def _save_shard(sector: int, manifest: str, outcomes: list[Outcome], store: Store) -> None:
    table = make_table([item.row for item in outcomes], MANIFEST)
    rows = [item.statistics for item in outcomes if item.statistics is not None]
    _save_once(store, statistics_key(sector, table), make_table(rows, STATISTICS))
    _save_once(store, manifest, table)  # last: it tells that all of the shard is there


def _save_once(store: Store, key: str, table: pa.Table) -> None:
    """Write a table; if another run was faster, its number of tries may differ, and stands."""
    try:
        store.save_table(key, table)
    except KeyTaken:
        log.info("written_by_another_run", key=key)


def _merge(delivery: Delivery, tallies: list[IngestTally], store: Store) -> IngestRecord:
    """One manifest and one statistics table of all shards, and what they say."""
    sector, shards = delivery.sector, sorted(tally["manifest"] for tally in tallies)
    lineage = lineage_id("close", VERSION, delivery=delivery.delivery, shards=shards)
    manifest = keys.manifest(sector, lineage)
    if not store.exists(manifest):
        table = merge([store.load_table(key) for key in shards], MANIFEST)
        _check_complete(table, delivery)
        tables = [store.load_table(tally["statistics"]) for tally in tallies]
        _save_once(store, statistics_key(sector, table), merge(tables, STATISTICS))
        _save_once(store, manifest, table)
    table = store.load_table(manifest)
    held = held_tables(delivery)
    diff_rows = keys.delivery_diff(sector, lineage) if held else ""
    diff: dict[str, int] = {}
    if held:
        rows, diff = compare_deliveries(store.load_table(held[0]), table)
        _save_once(store, diff_rows, rows)
    return IngestRecord(
        **count_rows(table, delivery.delivery),
        sector=sector,
        delivery=delivery.delivery,
        plan=plan_key(delivery),
        held=held,
        manifest=manifest,
        statistics=statistics_key(sector, table),
        n_listed=table.num_rows,
        diff=diff,
        diff_rows=diff_rows,
        simulated=any(table["simulated"].to_pylist()),
    )


def _check_complete(table: pa.Table, delivery: Delivery) -> None:
    if table.num_rows != delivery.n_listed:
        raise MissingInput(
            f"manifest of {keys.sector_key(delivery.sector)}",
            found=f"{table.num_rows} files",
            expected=f"{delivery.n_listed}, as listed",
            cure="Pull the missing shards.",
        )


def _recorded(delivery: Delivery) -> IngestRecord:
    """What an earlier run wrote down of a delivery."""
    return cast(
        "IngestRecord", {name: delivery.facts[name] for name in IngestRecord.__annotations__}
    )


def _move_to_raw(record: IngestRecord, platform: Platform) -> None:
    """Move the delivery on, unless it has been: a sector that was halted stays so."""
    for _ in range(MOVE_TRIES):
        delivery = known_delivery(record["sector"], platform)
        if delivery.facts.get("manifest") == record["manifest"]:
            return
        if plan_key(delivery) != record["plan"]:
            raise DeliveredAgain(**_other_than_pulled(delivery))
        if platform.ledger.move_delivery(delivery, state="raw", facts=UNJUDGED | record):
            return
    raise ServiceUnavailable(**_other_than_pulled(delivery))  # others move it all the time


def _other_than_pulled(delivery: Delivery) -> dict[str, str]:
    """Words of an error about a delivery that is not as it was."""
    return {
        "what": keys.sector_key(delivery.sector),
        "found": f"delivery {delivery.delivery} of {delivery.n_listed} files, {delivery.state}",
        "expected": "the delivery that was pulled",
        "cure": "It is ingested when it is listed; or run the ingest again.",
    }
