"""Judge a sector by its statistics: which files to leave out, and whether to go on at all."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput, SectorNotTrusted, ServiceUnavailable
from calnet_ops.lineage import canonical_json, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks.expectations import EXPECTATIONS, Scope, Severity, wanted
from calnet_ops.science.checks.sector import (
    Size,
    ccd_statistics,
    sector_statistics,
    with_sector_columns,
)
from calnet_ops.steps import judging
from calnet_ops.steps.appearing import stored_delivery
from calnet_ops.steps.check_report import Places, list_quarantined, list_rejected, marks_table
from calnet_ops.steps.stored_issues import StoredIssues, stored_issues

VERSION = 3
"""Raised when the results of this step change; part of every lineage id."""

N_BEFORE = 8
"""Sectors that a sector is compared with: those judged before it that are nearest in number, as
instrument and pointing change slowly. Eight make a median that two odd ones do not move."""

log = structlog.get_logger()


class CheckRecord(TypedDict):
    """Verdict on a sector."""

    sector: int
    report: str
    """Key of the report."""
    marks: str
    """Key of the table of marked files: each with the expectations that do not hold for it."""
    docs: str
    """Key of the first page of its Data Docs."""
    n_file: int
    """Files judged."""
    n_rejected: int
    """Files left out of the features."""
    n_marked: int
    """Files that some expectation of severity `warn` does not hold for."""
    warned: list[str]
    """Expectations of severity `warn` that were not met."""
    halted: list[str]
    """Expectations of severity `halt` that were not met."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a verdict rests on, but for the sectors it is compared with."""

    delivery: Delivery
    issues: StoredIssues

    @property
    def n_target(self) -> int:
        """Two-minute targets in the script; files, if nobody counted those."""
        return int(self.delivery.facts.get("n_target") or self.delivery.n_listed)

    @property
    def n_expected(self) -> int | None:
        """Targets in the CDPP table, if that was to be had."""
        return self.delivery.facts.get("n_expected")

    @property
    def lineage(self) -> str:
        """Id of them all."""
        return lineage_id(
            "validate",
            VERSION,
            manifest=self.delivery.facts["manifest"],
            statistics=self.delivery.facts["statistics"],
            n_listed=self.delivery.n_listed,
            n_target=self.n_target,
            n_expected=self.n_expected,
            known_issues=self.issues.table_id,
            expectations=[asdict(expectation) for expectation in EXPECTATIONS],
        )


def validate_sector(sector: int, platform: Platform) -> CheckRecord:
    """Judge the statistics of a sector, and say so in a report and in Data Docs.

    It judges the delivery that is in the store, also while the next one is on its way.

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
    there already. A verdict stands as long as what it rests on: sectors judged later do not
    change it.
    """
    delivery = stored_delivery(sector, platform.ledger)
    if delivery is None or "statistics" not in delivery.facts:
        raise MissingInput(
            f"checks of {keys.sector_key(sector)}",
            found="no statistics",
            expected="an ingested sector",
            cure=f"Run: calnet-ops ingest {sector}",
        )
    inputs = Inputs(delivery, stored_issues(platform))
    key = _standing_report(inputs, platform.store) or _judge_anew(inputs, platform)
    record = _record(key, json.loads(platform.store.load(key)))
    platform.ledger.record("validate", sector, key, facts={**record})
    _move(delivery, record, platform)
    log.info("sector_validated", **record)
    if record["halted"]:
        raise _distrust(record)
    return record


def _standing_report(inputs: Inputs, store: Store) -> str:
    """Key of the report that was made of the same; empty if there is none."""
    key = str(inputs.delivery.facts.get("report", ""))
    if not key or not store.exists(key):
        return ""
    return key if json.loads(store.load(key)).get("inputs") == inputs.lineage else ""


def _judge_anew(inputs: Inputs, platform: Platform) -> str:
    """Write a report, and the Data Docs about it; its key."""
    sector, store = inputs.delivery.sector, platform.store
    before = _judged_before(sector, platform)
    lineage = lineage_id("validate", VERSION, inputs=inputs.lineage, before=sorted(before))
    key = keys.check_report(sector, lineage)
    if not store.exists(key):
        report = {"inputs": inputs.lineage, "before": sorted(before)}
        report |= _judge(inputs, [before[item] for item in sorted(before)], lineage, store)
        store.save_new(key, canonical_json(report), "application/json")
    return key


def _judged_before(sector: int, platform: Platform) -> dict[str, dict[str, Any]]:
    """Numbers of the sectors nearest in number that were judged and not halted, by report."""
    newest = {item.sector: item for item in platform.ledger.records("validate")}
    newest.pop(sector, None)
    sound = [item for item in newest.values() if not item.facts.get("halted")]
    nearest = sorted(sound, key=lambda item: (abs(item.sector - sector), item.sector))[:N_BEFORE]
    reports = {item.key: platform.store.load(item.key) for item in nearest}
    return {key: json.loads(body)["sector_statistics"] for key, body in reports.items()}


def _judge(
    inputs: Inputs, before: Sequence[dict[str, Any]], lineage: str, store: Store
) -> dict[str, Any]:
    """Report on a delivery; the Data Docs about it are stored on the way."""
    delivery, sector = inputs.delivery, inputs.delivery.sector
    statistics = with_sector_columns(store.load_table(delivery.facts["statistics"]), sector)
    manifest = store.load_table(delivery.facts["manifest"])
    simulated = pc.any(statistics["simulated"]).as_py() or False
    alike = [item for item in before if bool(item.get("share_simulated")) == simulated]
    size = Size(delivery.n_listed, inputs.n_target, inputs.n_expected)
    whole = sector_statistics(statistics, manifest, size, alike)
    ccds = ccd_statistics(statistics)
    chosen = wanted(EXPECTATIONS, delivery.n_listed, len(alike))
    tables = {Scope.FILE: statistics, Scope.CCD: ccds if len(statistics) else ccds.slice(0, 0)}
    tables[Scope.SECTOR] = pa.Table.from_pylist([whole])
    outcomes = judging.judge_tables(
        tables, chosen, lineage, lambda page: keys.data_docs(sector, lineage, page), store
    )
    places = Places(statistics, sector, inputs.issues.issues)
    marks = marks_table(outcomes, places)
    marks_key = keys.check_marks(sector, lineage)
    store.save_table(marks_key, marks)
    return {
        "sector": sector,
        "delivery": delivery.delivery,
        "manifest": delivery.facts["manifest"],
        "statistics": delivery.facts["statistics"],
        "known_issues": inputs.issues.key,
        "docs": keys.data_docs(sector, lineage),
        "marks": marks_key,
        "n_file": len(statistics),
        "n_marked": len(marks["file_name"].unique()),
        "sector_statistics": judging.plain(whole),
        "ccds": [judging.plain(row) for row in ccds.to_pylist()],
        "expectations": [judging.line(item) | places.of_sector(item) for item in outcomes],
        "not_judged": [item.name for item in EXPECTATIONS if item not in chosen],
        "rejected": list_rejected(outcomes, places),
        "marked": judging.marks(outcomes, Severity.WARN, places.of_row),
        "quarantined": list_quarantined(manifest, places),
    }


def _record(key: str, report: dict[str, Any]) -> CheckRecord:
    return CheckRecord(
        sector=report["sector"],
        report=key,
        marks=report["marks"],
        docs=report["docs"],
        n_file=report["n_file"],
        n_rejected=len(report["rejected"]),
        n_marked=report["n_marked"],
        warned=judging.missed(report, Severity.WARN),
        halted=judging.missed(report, Severity.HALT),
    )


def _move(delivery: Delivery, record: CheckRecord, platform: Platform) -> None:
    """Let later steps find the report; features are not made of a delivery that is halted."""
    state = "halted" if record["halted"] else "raw"
    facts = {name: record[name] for name in ("report", "marks", "docs", "n_rejected", "n_marked")}
    if not platform.ledger.move_delivery(delivery, state=state, facts=facts):
        raise ServiceUnavailable(
            f"delivery of {keys.sector_key(delivery.sector)}",
            found="changed by somebody else meanwhile",
            expected="the one that was judged",
        )


def _distrust(record: CheckRecord) -> SectorNotTrusted:
    page = f"/docs/{keys.sector_key(record['sector'])}/"
    return SectorNotTrusted(
        f"sector {keys.sector_key(record['sector'])}",
        found="; ".join(f"not met: {name}" for name in record["halted"]),
        expected="all expectations of severity halt met",
        cure=(
            f"Look at its Data Docs ({page} of the ops page, {record['docs']} in the store), "
            f"remove the cause, then run: calnet-ops validate {record['sector']}"
        ),
    )
