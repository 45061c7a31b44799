"""Pull a sector from the archive into the store, and say which files to believe."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import ArchiveUnavailable, KeyTaken, MissingInput
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks import statistics as file_statistics
from calnet_ops.science.checks.sector import STORED
from calnet_ops.steps.ingest_file import Outcome, Puller
from calnet_ops.steps.ingest_plan import cut, plan_table
from calnet_ops.steps.stored_files import stored_files

VERSION = 1
"""Of what this step makes; part of the lineage of manifest and statistics."""

THREADS = 4
"""Files in flight in a task; the client opens no more connections to a host than that."""

MANIFEST = pa.schema(
    {
        "file_name": pa.string(),
        "tic": pa.int64(),
        "sector": pa.int32(),
        "delivery": pa.int32(),
        "status": pa.string(),
        "reason": pa.string(),
        "message": pa.string(),
        "key": pa.string(),
        "n_bytes": pa.int64(),
        "sha256": pa.string(),
        "url": pa.string(),
        "n_try": pa.int32(),
        "date": pa.string(),
        "procver": pa.string(),
        "data_rel": pa.int32(),
        "simulated": pa.bool_(),
    }
)
"""What became of each listed file, by file name."""

STATISTICS = pa.schema(
    [*file_statistics.COLUMNS, ("file_name", pa.string()), ("sha256", pa.string())]
)
"""What each stored file looks like, by file name; the columns are there without any file too."""

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
    held: str
    """Key of the manifest of the delivery before, or empty."""
    lineage: str


class IngestTally(TypedDict):
    """What a task has done."""

    manifest: str
    statistics: str
    n_stored: int
    n_quarantined: dict[str, int]
    """By reason."""
    n_bytes: int
    """Stored."""
    seconds: float
    """Spent in this run; 0 if it was all there."""


class IngestRecord(TypedDict):
    """A sector in the store."""

    sector: int
    delivery: int
    manifest: str
    statistics: str
    n_listed: int
    n_stored: int
    n_quarantined: dict[str, int]
    n_bytes: int
    simulated: bool
    """Whether any of its files is simulated."""


def plan_shards(sector: int, platform: Platform) -> list[IngestShard]:
    """Cut the newest listing of a sector into shards of 100 files and more, at most 200.

    A sector that nobody has listed yet is taken as the archive lists it now: who asks for it by
    name does not want to wait until it has been stable for a day.

    Raises
    ------
    ArchiveUnavailable
        If the script changed since the sector was listed.
    """
    delivery = _listed_delivery(sector, platform)
    lineage = lineage_id(
        "plan", VERSION, sector=sector, delivery=delivery.delivery, listing=delivery.listing_sha256
    )
    key = keys.plan(sector, lineage)
    if not platform.store.exists(key):
        platform.store.save_table(key, plan_table(_fetch_listing(delivery, platform)))
    plan = platform.store.load_table(key)
    held = str(delivery.facts.get("manifest", "")) if delivery.delivery > 1 else ""
    return [
        IngestShard(
            sector=sector,
            delivery=delivery.delivery,
            plan=key,
            first=first,
            stop=stop,
            held=held,
            lineage=lineage_id(
                "ingest",
                VERSION,
                files=plan["file_name"][first:stop].to_pylist(),
                urls=plan["url"][first:stop].to_pylist(),
                plan=lineage,
            ),
        )
        for first, stop in cut(plan.num_rows)
    ]


def ingest_shard(shard: IngestShard, platform: Platform) -> IngestTally:
    """Pull the files of a shard; a file that is not to be believed goes to quarantine.

    Raises
    ------
    TransientError
        If archive or store fail. What was stored by then stays, and counts next time.
    """
    store, sector = platform.store, shard["sector"]
    manifest = keys.manifest(sector, shard["lineage"])
    statistics = keys.statistics(sector, shard["lineage"])
    started = time.monotonic()
    seconds = 0.0
    if not store.exists(manifest):
        outcomes = _pull_all(shard, platform)
        rows = [item.statistics for item in outcomes if item.statistics is not None]
        _save_once(store, statistics, pa.Table.from_pylist(rows, schema=STATISTICS))
        table = pa.Table.from_pylist([item.row for item in outcomes], schema=MANIFEST)
        _save_once(store, manifest, table)  # last: it tells that all of the shard is there
        seconds = round(time.monotonic() - started, 3)
    table = store.load_table(manifest)
    n_stored, n_bytes = _stored(table)
    tally = IngestTally(
        manifest=manifest,
        statistics=statistics,
        n_stored=n_stored,
        n_quarantined=_reasons(table),
        n_bytes=n_bytes,
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
    """
    store = platform.store
    delivery = _known_delivery(sector, platform)
    shards = sorted(tally["manifest"] for tally in tallies)
    lineage = lineage_id("close", VERSION, delivery=delivery.delivery, shards=shards)
    manifest, statistics = keys.manifest(sector, lineage), keys.statistics(sector, lineage)
    if not store.exists(manifest):
        tables = [store.load_table(tally["statistics"]) for tally in tallies]
        _save_once(store, statistics, _merge(STATISTICS, tables))
        tables = [store.load_table(tally["manifest"]) for tally in tallies]
        _save_once(store, manifest, _merge(MANIFEST, tables))
    record = _record(store.load_table(manifest), delivery, manifest, statistics)
    _move_to_raw(delivery, record, platform)
    platform.ledger.record("ingest", sector, manifest, facts={**record, **_pace(tallies)})
    log.info("sector_raw", **record)
    return record


def _pace(tallies: list[IngestTally]) -> dict[str, float]:
    """Files, bytes and seconds of the tasks that pulled anything, for the ops page."""
    busy = [tally for tally in tallies if tally["seconds"]]
    return {
        "pulled_files": sum(tally["n_stored"] for tally in busy),
        "pulled_bytes": sum(tally["n_bytes"] for tally in busy),
        "pulled_seconds": round(sum(tally["seconds"] for tally in busy), 3),
    }


def _known_delivery(sector: int, platform: Platform) -> Delivery:
    delivery = platform.ledger.delivery(sector)
    if delivery is None:
        raise MissingInput(
            keys.sector_key(sector), found="never seen", expected="a sector that is listed"
        )
    return delivery


def _listed_delivery(sector: int, platform: Platform) -> Delivery:
    """Newest delivery, listed now if it was not."""
    ledger = platform.ledger
    delivery = ledger.delivery(sector)
    if delivery is None or delivery.state == "appearing":
        script = platform.archive.fetch_script(sector)
        n_listed, sha256 = len(script.files), script.sha256
        if delivery is None:
            ledger.add_delivery(sector, 1, state="listed", n_listed=n_listed, listing_sha256=sha256)
        else:
            ledger.move_delivery(delivery, state="listed", n_listed=n_listed, listing_sha256=sha256)
    return _known_delivery(sector, platform)


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


def _pull_all(shard: IngestShard, platform: Platform) -> list[Outcome]:
    """Pull a few files at a time; the first failure that is worth a retry ends it."""
    store = platform.store
    plan = store.load_table(shard["plan"]).slice(shard["first"], shard["stop"] - shard["first"])
    puller = Puller(
        shard["sector"], shard["delivery"], platform.archive, store, _held(shard["held"], store)
    )
    with ThreadPoolExecutor(THREADS, "pull") as pool:
        futures = [pool.submit(puller.pull, listed) for listed in plan.to_pylist()]
        try:
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _held(manifest: str, store: Store) -> dict[tuple[str, str], str]:
    """Keys of the files that the delivery before left in the store."""
    if not manifest:
        return {}
    files = stored_files(manifest, store, ["file_name", "sha256", "key"]).to_pylist()
    return {(row["file_name"], row["sha256"]): row["key"] for row in files}


def _save_once(store: Store, key: str, table: pa.Table) -> None:
    """Write a table; if another run was faster, its number of tries may differ, and stands."""
    try:
        store.save_table(key, table)
    except KeyTaken:
        log.info("written_by_another_run", key=key)


def _merge(schema: pa.Schema, tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *tables]).sort_by("file_name")


def _record(table: pa.Table, delivery: Delivery, manifest: str, statistics: str) -> IngestRecord:
    if table.num_rows != delivery.n_listed:
        raise MissingInput(
            manifest,
            found=f"{table.num_rows} files",
            expected=f"{delivery.n_listed}, as listed",
            cure="Pull the missing shards.",
        )
    n_stored, n_bytes = _stored(table)
    return IngestRecord(
        sector=delivery.sector,
        delivery=delivery.delivery,
        manifest=manifest,
        statistics=statistics,
        n_listed=table.num_rows,
        n_stored=n_stored,
        n_quarantined=_reasons(table),
        n_bytes=n_bytes,
        simulated=bool(pc.any(table["simulated"]).as_py()),
    )


def _stored(table: pa.Table) -> tuple[int, int]:
    """Files and bytes that a manifest believes."""
    stored = table.filter(pc.equal(table["status"], STORED))
    return stored.num_rows, pc.sum(stored["n_bytes"]).as_py() or 0


def _reasons(table: pa.Table) -> dict[str, int]:
    """How many files of a manifest were set aside for which reason."""
    reasons = (reason for reason in table["reason"].to_pylist() if reason)
    return dict(sorted(Counter(reasons).items()))


def _move_to_raw(delivery: Delivery, record: IngestRecord, platform: Platform) -> None:
    """Move the delivery on, unless it has been: a sector that was halted stays so."""
    if delivery.facts.get("manifest") == record["manifest"]:
        return
    if not platform.ledger.move_delivery(delivery, state="raw", facts={**record}):
        raise ArchiveUnavailable(
            keys.sector_key(delivery.sector),
            found="a delivery that changed meanwhile",
            expected=f"state {delivery.state}",
            cure="Run it again.",
        )
