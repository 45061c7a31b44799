"""Judge a version of the model, before a person may promote it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.evaluation.evidence import Evidence
from calnet_ops.science.evaluation.gate import Margins, judge
from calnet_ops.science.evaluation.verdict import Verdict
from calnet_ops.science.features import VERSIONS
from calnet_ops.steps.judged_model import find_evidence, stored_evidence
from calnet_ops.steps.version_page import STEP, describe_version

VERSION = 2
"""Raised when the same evidence gives another verdict."""

log = structlog.get_logger()


class GateRecord(TypedDict):
    """Verdict on a version."""

    version: int
    model_id: str
    verdict: str
    """``pass`` or ``fail``."""
    reasons: list[str]
    """Rules that do not hold, if the verdict is ``fail``."""
    warnings: list[str]
    """Rules that do not hold and are tolerated."""
    champion: str
    """Model that it was compared with; empty if there was none in production."""


def judge_version(version: int, platform: Platform, margins: Margins | None = None) -> GateRecord:
    """Judge a registered version by what it does on its frozen test stars and on the canary.

    The verdict goes to the ledger, which `promote` believes, and to the version's tags and
    description, which people read.

    Parameters
    ----------
    margins
        How far it may fall behind the champion; by default as the platform's environment says.

    Raises
    ------
    MissingInput
        If there is no such version, or it is not one that `train` or `import` registered.
    FeaturesDiffer
        If the champion needs features of another version that are not there.
    """
    model_id = platform.registry.version(version)["tags"].get("model_id", "")
    if not model_id:
        raise MissingInput(
            f"version {version}", found="no tag model_id", expected="a version made by `train`"
        )
    margins = margins or platform.margins
    stored = stored_evidence(model_id, platform)
    evidence = find_evidence(model_id, stored, platform)
    verdict = judge(evidence, VERSIONS, margins)
    record = GateRecord(
        version=version,
        model_id=model_id,
        verdict=verdict.word,
        reasons=list(verdict.reasons),
        warnings=list(verdict.warnings),
        champion=evidence.champion,
    )
    _keep(record, stored, verdict, margins, platform)
    for name, value in _numbers(evidence).items():
        platform.registry.tag(version, f"gate.{name}", f"{value:.4g}")
    describe_version(version, platform)
    log.info("version_judged", **record)
    return record


def read_margins(form: Mapping[str, Any], platform: Platform) -> Margins:
    """Margins of the platform, with what a person asks for in their place.

    Parameters
    ----------
    form
        ``max_loss`` and ``max_part_loss``, both of which may be left out or None.

    Raises
    ------
    WrongConfiguration
        If one is not below 1, or negative.
    """
    asked = {name: form.get(f"max_{name}") for name in ("loss", "part_loss")}
    given = {name: float(value) for name, value in asked.items() if value is not None}
    return replace(platform.margins, **given)


def _keep(
    record: GateRecord,
    stored: dict[str, Any],
    verdict: Verdict,
    margins: Margins,
    platform: Platform,
) -> None:
    """Write the verdict where it is believed, and where it is read."""
    findings = [{**asdict(finding), "tier": str(finding.tier)} for finding in verdict.findings]
    content = {
        "verdict": record["verdict"],
        "champion": record["champion"],
        "margins": asdict(margins),
        "findings": findings,
    }
    # The findings as well: through other features, the champion may be shown more stars later.
    lineage = lineage_id(
        STEP,
        VERSION,
        registered=record["version"],
        evidence=sha256_hex(canonical_json(stored)),
        content=content,
    )
    key = keys.model(record["model_id"], f"verdict-{lineage}.json")
    platform.store.save_new(key, canonical_json(content), "application/json")
    platform.ledger.record(STEP, 0, key, model_id=record["model_id"], facts={**record})
    for name, value in (
        ("verdict", record["verdict"]),
        ("gate", record["verdict"]),
        ("verdict_reasons", "; ".join(record["reasons"])),
        ("gate.warnings", "; ".join(record["warnings"])),
    ):
        platform.registry.tag(record["version"], name, value)


def _numbers(evidence: Evidence) -> dict[str, float]:
    """What a person may want to sort versions by."""
    numbers: dict[str, float] = {}
    if evidence.star:
        for name in ("recall", "precision", "f1", "average_precision"):
            numbers[name] = getattr(evidence.star, name).value
        numbers["calibration_error"] = evidence.star.reliability.error.value
    for one in evidence.against or ():
        if not one.part:
            numbers |= {
                f"{one.rate}_diff": one.value,
                f"{one.rate}_diff_low": one.low,
                f"{one.rate}_diff_high": one.high,
            }
    if evidence.song:
        numbers |= {
            "canary_recall": evidence.song.recall,
            "canary_specificity": evidence.song.specificity,
        }
    if evidence.speed:
        numbers["segments_per_s"] = evidence.speed.model
    return numbers
