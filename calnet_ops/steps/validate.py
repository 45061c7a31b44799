"""Judge a sector by its statistics: which files to leave out, and whether to go on at all."""

import json
import mimetypes
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import KeyTaken, MissingInput, SectorNotTrusted, ServiceUnavailable
from calnet_ops.lineage import canonical_json, known, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks.expectations import EXPECTATIONS, Scope, Severity
from calnet_ops.science.checks.sector import sector_statistics, with_sector_columns

if TYPE_CHECKING:
    from calnet_ops.adapters.quality import Outcome

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

NOT_SHOWN = (".gif",)
"""Left out of Data Docs: two films on how to use Great Expectations, 3.4 of their 4 MB."""

log = structlog.get_logger()


class CheckRecord(TypedDict):
    """Verdict on a sector."""

    sector: int
    report: str
    """Key of the report."""
    docs: str
    """Key of the first page of its Data Docs."""
    n_file: int
    """Files judged."""
    n_rejected: int
    """Files left out of the features."""
    warned: list[str]
    """Expectations of severity `warn` that were not met."""
    halted: list[str]
    """Expectations of severity `halt` that were not met."""


def validate_sector(sector: int, platform: Platform) -> CheckRecord:
    """Judge the statistics of a sector, and say so in a report and in Data Docs.

    Raises
    ------
    MissingInput
        If the sector has not been ingested.
    SectorNotTrusted
        If an expectation of severity `halt` is not met. The delivery is halted until the cause
        is removed and this step runs again.

    Notes
    -----
    Great Expectations takes 7 to 16 s to import: once a sector, and not at all if the report is
    there already.
    """
    delivery = platform.ledger.delivery(sector)
    if delivery is None or "statistics" not in delivery.facts:
        raise MissingInput(
            f"checks of {keys.sector_key(sector)}",
            found="no statistics",
            expected="an ingested sector",
            cure=f"Run: calnet-ops ingest {sector}",
        )
    lineage = lineage_id(
        "validate",
        VERSION,
        manifest=delivery.facts["manifest"],
        statistics=delivery.facts["statistics"],
        n_listed=delivery.n_listed,
        expectations=[asdict(expectation) for expectation in EXPECTATIONS],
    )
    key = keys.check_report(sector, lineage)
    if not platform.store.exists(key):
        report = _judge(delivery, lineage, platform.store)
        platform.store.save_new(key, canonical_json(report), "application/json")
    record = _record(key, json.loads(platform.store.load(key)))
    platform.ledger.record("validate", sector, key, facts={**record})
    _move(delivery, record, platform)
    log.info("sector_validated", **record)
    if record["halted"]:
        raise _distrust(record)
    return record


def _judge(delivery: Delivery, lineage: str, store: Store) -> dict[str, Any]:
    """Report on a delivery; the Data Docs about it are stored on the way."""
    from calnet_ops.adapters.quality import judge

    statistics = with_sector_columns(store.load_table(delivery.facts["statistics"]))
    manifest = store.load_table(delivery.facts["manifest"], ["status"])
    whole = sector_statistics(statistics, manifest, delivery.n_listed)
    tables = {Scope.SECTOR: pa.Table.from_pylist([whole]).to_pandas()}
    if len(statistics):
        tables[Scope.FILE] = statistics.to_pandas()
    wanted = [item for item in EXPECTATIONS if delivery.n_listed >= item.min_file]
    with tempfile.TemporaryDirectory(prefix="calnet-docs-") as folder:
        outcomes = judge(tables, wanted, lineage, Path(folder))
        _upload(Path(folder), delivery.sector, lineage, store)
    return {
        "sector": delivery.sector,
        "delivery": delivery.delivery,
        "manifest": delivery.facts["manifest"],
        "statistics": delivery.facts["statistics"],
        "docs": keys.data_docs(delivery.sector, lineage),
        "n_file": len(statistics),
        "sector_statistics": {name: known(value) for name, value in whole.items()},
        "expectations": [_line(outcome) for outcome in outcomes],
        "not_judged": [item.name for item in EXPECTATIONS if item not in wanted],
        "rejected": _rejected(outcomes, statistics, delivery.sector),
    }


def _upload(folder: Path, sector: int, lineage: str, store: Store) -> None:
    """Store the pages of Data Docs.

    Names of pages follow from the lineage, but their bytes hold times of the clock. A page that
    an interrupted run has left says the same in other bytes, so it stays.
    """
    for file in sorted(folder.rglob("*")):
        if file.is_dir() or file.suffix in NOT_SHOWN:
            continue
        page = file.relative_to(folder).as_posix()
        content_type = mimetypes.guess_type(page)[0] or "application/octet-stream"
        with suppress(KeyTaken):
            store.save_new(keys.data_docs(sector, lineage, page), file.read_bytes(), content_type)


def _line(outcome: "Outcome") -> dict[str, Any]:
    expectation = outcome.expectation
    return {
        "name": expectation.name,
        "scope": expectation.scope,
        "column": expectation.column,
        "bounds": expectation.bounds,
        "severity": expectation.severity,
        "reason": expectation.reason,
        "met": outcome.met,
        "n_row": outcome.n_row,
        "n_unexpected": outcome.n_unexpected,
    }


def _rejected(
    outcomes: list["Outcome"], statistics: pa.Table, sector: int
) -> list[dict[str, int | str]]:
    """Files to leave out, by name, each with the first thing that speaks against it."""
    names, numbers = statistics["file_name"].to_pylist(), statistics["tic"].to_pylist()
    tics = dict(zip(names, numbers, strict=True))
    rejected: dict[str, dict[str, int | str]] = {}
    for outcome in outcomes:
        expectation = outcome.expectation
        if expectation.severity is not Severity.REJECT:
            continue
        for file_name, found in outcome.unexpected:
            reason = f"check failed: {expectation.name}"
            wanted = f"{expectation.column} {expectation.bounds}"
            row = {
                "tic": tics[file_name],
                "sector": sector,
                "file_name": file_name,
                "reason": reason,
                "message": f"{file_name}: {reason}: found {found}, expected {wanted}",
            }
            rejected.setdefault(file_name, row)
    return [rejected[file_name] for file_name in sorted(rejected)]


def _record(key: str, report: dict[str, Any]) -> CheckRecord:
    failed = [item for item in report["expectations"] if not item["met"]]
    return CheckRecord(
        sector=report["sector"],
        report=key,
        docs=report["docs"],
        n_file=report["n_file"],
        n_rejected=len(report["rejected"]),
        warned=[item["name"] for item in failed if item["severity"] == Severity.WARN],
        halted=[item["name"] for item in failed if item["severity"] == Severity.HALT],
    )


def _move(delivery: Delivery, record: CheckRecord, platform: Platform) -> None:
    """Let later steps find the report; features are not made of a delivery that is halted."""
    state = "halted" if record["halted"] else "raw"
    facts = {"report": record["report"], "docs": record["docs"], "n_rejected": record["n_rejected"]}
    if not platform.ledger.move_delivery(delivery, state=state, facts=facts):
        raise ServiceUnavailable(
            f"delivery of {keys.sector_key(delivery.sector)}",
            found="changed by somebody else meanwhile",
            expected="the one that was judged",
        )


def _distrust(record: CheckRecord) -> SectorNotTrusted:
    return SectorNotTrusted(
        f"sector {keys.sector_key(record['sector'])}",
        found="; ".join(f"not met: {name}" for name in record["halted"]),
        expected="all expectations of severity halt met",
        cure=(
            f"Look at {record['docs']}, remove the cause, "
            f"then run: calnet-ops validate {record['sector']}"
        ),
    )
