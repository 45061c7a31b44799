"""Judge the features of a sector before any model sees them."""

import json
from dataclasses import asdict
from typing import Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput, SectorNotTrusted
from calnet_ops.lineage import canonical_json, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks.expectations import FEATURES_OF, Scope, Severity, wanted
from calnet_ops.science.checks.products import feature_statistics
from calnet_ops.steps import judging
from calnet_ops.steps.segment_statistics import load_statistics

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

STEP = "validate-features"
"""Name in the ledger."""

log = structlog.get_logger()


class FeatureCheckRecord(TypedDict):
    """Verdict on the features of a sector."""

    sector: int
    version: str
    """Features version."""
    features: str
    """Key of the features' record: verdicts on other features do not count."""
    report: str
    """Key of the report."""
    docs: str
    """Key of the first page of its Data Docs."""
    n_segment: int
    warned: list[str]
    """Expectations of severity `warn` that were not met."""
    halted: list[str]
    """Expectations of severity `halt` that were not met."""


def validate_features(sector: int, version: str, platform: Platform) -> FeatureCheckRecord:
    """Judge the statistics of features, and say so in a report and in Data Docs.

    Raises
    ------
    MissingInput
        If the sector has no features.
    SectorNotTrusted
        If an expectation of severity `halt` is not met: the sector is not scored.
    """
    made = platform.ledger.latest(f"features-{version}", sector)
    if made is None:
        raise MissingInput(
            f"checks of the features of {keys.sector_key(sector)}",
            found="no features",
            expected=f"features {version}",
            cure=f"Run: calnet-ops extract {sector} --features {version}",
        )
    lineage = lineage_id(
        STEP,
        VERSION,
        features=made.key,
        expectations=[asdict(expectation) for expectation in FEATURES_OF[version]],
    )
    key = keys.check_report(sector, lineage)
    if not platform.store.exists(key):
        report = _judge(made, lineage, platform.store)
        platform.store.save_new(key, canonical_json(report), "application/json")
    record = _record(key, made, json.loads(platform.store.load(key)))
    platform.ledger.record(STEP, sector, key, facts={**record})
    log.info("features_validated", **record)
    if record["halted"]:
        raise distrust(record)
    return record


def distrust(record: FeatureCheckRecord) -> SectorNotTrusted:
    """Error that says why features are not to be scored."""
    page = f"/docs/{keys.sector_key(record['sector'])}/features/"
    return SectorNotTrusted(
        f"features of {keys.sector_key(record['sector'])}",
        found="; ".join(f"not met: {name}" for name in record["halted"]),
        expected="all expectations of severity halt met",
        cure=f"Look at their Data Docs ({page} of the ops page, {record['docs']} in the store).",
    )


def _judge(made: StepRecord, lineage: str, store: Store) -> dict[str, Any]:
    sector, facts = made.sector, made.facts
    segments = load_statistics(facts["shards"], store)
    n_skipped = sum(facts["n_skipped"].values())
    whole = feature_statistics(segments, facts["n_file"], n_skipped)
    expected = FEATURES_OF[facts["version"]]
    chosen = wanted(expected, facts["n_file"])
    tables = {Scope.SEGMENT: segments, Scope.FEATURES: pa.Table.from_pylist([whole])}
    outcomes = judging.judge_tables(
        tables, chosen, lineage, lambda page: keys.data_docs(sector, lineage, page), store
    )
    return {
        "sector": sector,
        "version": facts["version"],
        "docs": keys.data_docs(sector, lineage),
        "feature_statistics": judging.plain(whole),
        "expectations": [judging.line(item) for item in outcomes],
        "not_judged": [item.name for item in expected if item not in chosen],
        "faults": judging.marks(outcomes, Severity.HALT),
        "marked": judging.marks(outcomes, Severity.WARN),
    }


def _record(key: str, made: StepRecord, report: dict[str, Any]) -> FeatureCheckRecord:
    return FeatureCheckRecord(
        sector=report["sector"],
        version=report["version"],
        features=made.key,
        report=key,
        docs=report["docs"],
        n_segment=report["feature_statistics"]["n_segment"],
        warned=judging.missed(report, Severity.WARN),
        halted=judging.missed(report, Severity.HALT),
    )
