"""Sectors as ingest leaves them: raw files, manifest, statistics, delivery."""

from typing import Any

import pyarrow as pa

from calnet_ops import keys
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc
from calnet_ops.steps.ingest_tables import MANIFEST, STATISTICS


def store_sector(platform: Platform, files: dict[str, bytes], sector: int = 87) -> pa.Table:
    """Write files as stored and believed ones; the manifest."""
    rows, statistics = [], []
    for name, body in files.items():
        key = keys.raw(sector, 1, name)
        platform.store.save_new(key, body)
        rows.append(manifest_row(name, body, key, sector))
        statistics.append(_statistics_row(name, body))
    manifest = pa.Table.from_pylist(rows, schema=MANIFEST)
    facts = {
        "manifest": keys.manifest(sector, "test"),
        "statistics": keys.statistics(sector, "test"),
    }
    platform.store.save_table(facts["manifest"], manifest)
    table = pa.Table.from_pylist(statistics, schema=STATISTICS)
    platform.store.save_table(facts["statistics"], table)
    ledger = platform.ledger
    ledger.add_delivery(sector, 1, state="listed", n_listed=len(files), listing_sha256="0" * 64)
    seen = ledger.delivery(sector)
    assert seen is not None
    ledger.move_delivery(seen, state="raw", facts=facts)
    return manifest


def store_statistics(
    platform: Platform,
    statistics: pa.Table,
    sector: int = 87,
    changes: dict[int, dict[str, Any]] | None = None,
    **facts: Any,
) -> None:
    """Write statistics of files as ingest leaves them, without the files.

    Parameters
    ----------
    platform
        Gets statistics, manifest and a raw delivery.
    statistics
        Rows of the statistics table, some of which may be missing.
    sector
        TESS sector.
    changes
        Other values of manifest columns, by number of the row.
    facts
        More facts of the delivery.
    """
    rows = [
        manifest_row(row["file_name"], b"", "", sector) | (changes or {}).get(number, {})
        for number, row in enumerate(statistics.to_pylist())
    ]
    facts |= {
        "manifest": keys.manifest(sector, "test"),
        "statistics": keys.statistics(sector, "test"),
    }
    aside = [row["file_name"] for row in rows if row["status"] != "stored"]
    believed = [row for row in statistics.to_pylist() if row["file_name"] not in aside]
    table = pa.Table.from_pylist(believed, schema=STATISTICS)
    platform.store.save_table(facts["manifest"], pa.Table.from_pylist(rows, schema=MANIFEST))
    platform.store.save_table(facts["statistics"], table)
    ledger, n_listed = platform.ledger, len(rows)
    ledger.add_delivery(sector, 1, state="listed", n_listed=n_listed, listing_sha256="0" * 64)
    seen = ledger.delivery(sector)
    assert seen is not None
    ledger.move_delivery(seen, state="raw", facts=facts)


def manifest_row(name: str, body: bytes, key: str, sector: int) -> dict[str, Any]:
    """What a manifest says of a stored and believed file."""
    return {
        "file_name": name,
        "tic": keys.SpocName.parse(name).tic,
        "sector": sector,
        "delivery": 1,
        "status": "stored",
        "reason": "",
        "message": "",
        "key": key,
        "n_bytes": len(body),
        "sha256": sha256_hex(body),
        "url": "",
        "source": "archive",
        "etag": f'"{sha256_hex(body)[:32]}"',
        "last_modified": "",
        "n_try": 1,
        "trust": "sound",
        "n_look": 1,
        "evidence": "archive: sound",
        "compared": "",
        "date": "2025-01-20",
        "procver": "spoc-5.0.1",
        "data_rel": 110,
        "simulated": True,
    }


def _statistics_row(name: str, body: bytes) -> dict[str, Any]:
    row = {"file_name": name, "sha256": sha256_hex(body)}
    return row | file_statistics(spoc.read(body))
