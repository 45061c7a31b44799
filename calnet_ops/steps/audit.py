"""Scrub the store: whether its bytes are still those that were stored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.steps.stored_files import stored_files

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

SHARE = 0.01
"""Share of a sector's files read again by an audit: 100 weekly ones see them all."""

LEAST = 20
"""Files read again of a small sector, or all of them if it has fewer."""

READ_THREADS = 4
"""Reads from the store under way."""

log = structlog.get_logger()


class Fault(TypedDict):
    """A stored file that is not what it was."""

    sector: int
    key: str
    fault: str
    """``missing`` or ``changed``."""
    expected: str
    """sha256 in the manifest."""
    found: str
    """sha256 of the bytes; empty if there are none."""


class AuditRecord(TypedDict):
    """What an audit found."""

    report: str
    """Key of the report."""
    round: int
    """How many audits went before: each reads the next part."""
    n_sector: int
    n_stored: int
    """Files that the manifests list as stored."""
    n_listed_missing: int
    """Of these, keys that the store no longer lists."""
    n_read: int
    """Files read again."""
    n_changed: int
    """Of these, bytes that are not those of the manifest."""
    faults: list[Fault]


def audit_store(platform: Platform) -> AuditRecord:
    """Compare the store with its manifests: every key, and the bytes of a sample.

    Audits go round the files in the order of their hashes, so that no choice is made and
    every file is read again in time.
    """
    store, ledger = platform.store, platform.ledger
    deliveries = [item for item in ledger.deliveries() if "manifest" in item.facts]
    number = len(ledger.records("audit"))
    rows = {item.sector: _stored(item.facts["manifest"], store) for item in deliveries}
    faults: list[Fault] = []
    n_read = 0
    for sector, stored in rows.items():
        missing = _missing(sector, stored, store)
        faults += missing
        gone = {fault["key"] for fault in missing}
        drawn = _draw([row for row in stored if row["key"] not in gone], number)
        n_read += len(drawn)
        faults += _changed(sector, drawn, store)
    changed = [fault for fault in faults if fault["fault"] == "changed"]
    record = AuditRecord(
        report="",
        round=number,
        n_sector=len(deliveries),
        n_stored=sum(len(stored) for stored in rows.values()),
        n_listed_missing=len(faults) - len(changed),
        n_read=n_read,
        n_changed=len(changed),
        faults=faults,
    )
    return _close(record, [item.facts["manifest"] for item in deliveries], platform)


def _close(record: AuditRecord, manifests: list[str], platform: Platform) -> AuditRecord:
    """Keep the report; tell a person if there is a fault."""
    lineage = lineage_id("audit", VERSION, manifests=manifests, found=dict(record))
    key = keys.audit_report(lineage)
    record["report"] = key
    platform.store.save_new(key, canonical_json(record), "application/json")
    counts = {name: value for name, value in record.items() if name != "faults"}
    platform.ledger.record("audit", 0, key, facts=counts)
    log.info("store_audited", **counts)
    if record["faults"]:
        first = record["faults"][0]
        platform.notifier.tell(
            f"audit {lineage}: {len(record['faults'])} stored files are not what they were",
            f"The first: {first['key']} ({first['fault']}). All: {platform.store.uri(key)}. "
            f"Restore these keys from the archive; their manifests say where from.",
        )
    return record


def _stored(manifest: str, store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stored_files(manifest, store, ["key", "sha256"]).to_pylist()
    return rows


def _missing(sector: int, stored: list[dict[str, Any]], store: Store) -> list[Fault]:
    """Files whose keys the store does not list: one listing a folder, no reads."""
    folders = {row["key"].rpartition("/")[0] + "/" for row in stored}
    held = {key for folder in sorted(folders) for key in store.iter_keys(folder)}
    return [_fault(sector, row, "") for row in stored if row["key"] not in held]


def _draw(stored: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Next part of a sector's files, in an order that only their hashes decide."""
    size = min(len(stored), max(LEAST, -(-len(stored) // round(1 / SHARE))))
    ordered = sorted(stored, key=lambda row: (row["sha256"], row["key"]))
    start = number * size % max(len(ordered), 1)
    return (ordered + ordered)[start : start + size]


def _changed(sector: int, drawn: list[dict[str, Any]], store: Store) -> list[Fault]:
    found = zip(drawn, _hashes([row["key"] for row in drawn], store), strict=True)
    return [_fault(sector, row, digest) for row, digest in found if digest != row["sha256"]]


def _hashes(wanted: list[str], store: Store) -> Iterator[str]:
    """SHA-256 of objects, in order; empty for one that is gone. Holds only those being read."""

    def read(key: str) -> str:
        try:
            return sha256_hex(store.load(key))
        except MissingInput:
            return ""

    with ThreadPoolExecutor(READ_THREADS) as pool:
        yield from pool.map(read, wanted)


def _fault(sector: int, row: dict[str, Any], found: str) -> Fault:
    return Fault(
        sector=sector,
        key=row["key"],
        fault="changed" if found else "missing",
        expected=row["sha256"],
        found=found,
    )
