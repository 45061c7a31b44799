"""Judge a staged catalog before a person is asked whether to release it."""

import json
from dataclasses import asdict
from typing import Any, TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.errors import ReleaseRefused
from calnet_ops.lineage import canonical_json, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks.expectations import CATALOG, Scope, Severity, wanted
from calnet_ops.science.checks.products import catalog_columns
from calnet_ops.steps import judging
from calnet_ops.steps.publish import CHECKED, StagedRecord
from calnet_ops.steps.publish_contents import load_catalog

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

log = structlog.get_logger()


class CatalogCheckRecord(TypedDict):
    """Verdict on a staged catalog."""

    staging: str
    """Prefix of the staged files."""
    version: str
    """Version it would have."""
    report: str
    """Key of the report."""
    docs: str
    """Key of the first page of its Data Docs."""
    n_row: int
    halted: list[str]
    """Expectations that were not met."""


def validate_catalog(staged: StagedRecord, platform: Platform) -> CatalogCheckRecord:
    """Judge each row of a staged catalog, and say so in a report and in Data Docs.

    Raises
    ------
    ReleaseRefused
        If an expectation is not met; publishing it is refused too.
    """
    store = platform.store
    lineage = lineage_id(
        CHECKED,
        VERSION,
        staging=staged["staging"],
        expectations=[asdict(expectation) for expectation in CATALOG],
    )
    key = keys.catalog_report(lineage)
    if not store.exists(key):
        report = _judge(staged, lineage, platform)
        store.save_new(key, canonical_json(report), "application/json")
    report = json.loads(store.load(key))
    record = CatalogCheckRecord(
        staging=staged["staging"],
        version=staged["version"],
        report=key,
        docs=keys.catalog_docs(lineage),
        n_row=report["n_row"],
        halted=judging.missed(report, Severity.HALT),
    )
    platform.ledger.record(CHECKED, 0, key, facts={**record})
    log.info("catalog_validated", **record)
    if record["halted"]:
        raise _refuse(record)
    return record


def _judge(staged: StagedRecord, lineage: str, platform: Platform) -> dict[str, Any]:
    catalog = catalog_columns(load_catalog(platform.store, staged["staging"]))
    chosen = wanted(CATALOG, len(catalog))
    outcomes = judging.judge_tables(
        {Scope.CATALOG: catalog},
        chosen,
        lineage,
        lambda page: keys.catalog_docs(lineage, page),
        platform.store,
    )
    return {
        "staging": staged["staging"],
        "version": staged["version"],
        "n_row": len(catalog),
        "expectations": [judging.line(item) for item in outcomes],
        "faults": judging.marks(outcomes, Severity.HALT),
    }


def _refuse(record: CatalogCheckRecord) -> ReleaseRefused:
    return ReleaseRefused(
        record["version"],
        found="; ".join(f"not met: {name}" for name in record["halted"]),
        expected="all expectations of a catalog met",
        cure=f"Look at its Data Docs (/docs/catalog/ of the ops page, {record['docs']} "
        "in the store).",
    )
