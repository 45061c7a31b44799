"""Judge a version of the model, before a person may promote it."""

import json
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer, MissingInput
from calnet_ops.lineage import canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.evidence import Evidence, Performance, measure
from calnet_ops.science.evaluation.gate import Verdict, judge
from calnet_ops.science.features import VERSIONS
from calnet_ops.steps.dataset import (
    DATASET,
    Dataset,
    freeze_dataset,
    judge_stars,
    load_segments,
)
from calnet_ops.steps.stored_model import open_scorer

VERSION = 1
"""Raised when the same evidence gives another verdict."""

STEP = "gate"
"""Name of this step in the ledger."""

TRAIN = "train"
"""Name of the step that registers versions."""

EVIDENCE = "evidence.json"
"""Part of a stored model that says how it did."""

log = structlog.get_logger()


class GateRecord(TypedDict):
    """Verdict on a version."""

    version: int
    model_id: str
    verdict: str
    """``pass`` or ``fail``."""
    reasons: list[str]
    """Rules that do not hold."""
    champion: str
    """Model that it was compared with; empty if there was none in production."""


def judge_version(version: int, platform: Platform) -> GateRecord:
    """Judge a registered version by the evidence stored with its model.

    The champion is measured again, on the very test stars of the new model: stars that it has
    not learned from either, as a star never changes sides. If it learned from features of
    another version, it sees the stars through these. The verdict goes to the ledger, which
    `promote` believes, and to the version's tags and description, which people read.

    Raises
    ------
    MissingInput
        If there is no such version, or it is not one that `train` registered.
    FeaturesDiffer
        If the champion needs features of another version that are not there.
    """
    model_id = platform.registry.version(version)["tags"].get("model_id", "")
    if not model_id:
        raise MissingInput(
            f"version {version}", found="no tag model_id", expected="a version made by `train`"
        )
    stored = _stored_evidence(model_id, platform)
    champion_id, champion = _champion(model_id, stored, platform)
    verdict = judge(_evidence(stored), champion, VERSIONS)
    record = GateRecord(
        version=version,
        model_id=model_id,
        verdict=verdict.word,
        reasons=list(verdict.reasons),
        champion=champion_id,
    )
    _keep(record, stored, verdict, platform)
    log.info("version_judged", **record)
    return record


def _keep(record: GateRecord, stored: dict[str, Any], verdict: Verdict, platform: Platform) -> None:
    """Write the verdict where it is believed, and where it is read."""
    findings = [
        {"rule": f.rule, "passed": f.passed, "found": f.found, "expected": f.expected}
        for f in verdict.findings
    ]
    # The findings as well: through other features, the champion may be shown more stars later.
    lineage = lineage_id(
        "gate",
        VERSION,
        evidence=sha256_hex(canonical_json(stored)),
        champion=record["champion"],
        findings=findings,
    )
    key = keys.model(record["model_id"], f"verdict-{lineage}.json")
    content = {"verdict": record["verdict"], "champion": record["champion"], "findings": findings}
    platform.store.save_new(key, canonical_json(content), "application/json")
    platform.ledger.record(STEP, 0, key, model_id=record["model_id"], facts={**record})
    platform.registry.tag(record["version"], "verdict", record["verdict"])
    platform.registry.tag(record["version"], "verdict_reasons", "; ".join(record["reasons"]))
    platform.registry.describe(record["version"], _description(record, verdict))


def _stored_evidence(model_id: str, platform: Platform) -> dict[str, Any]:
    """Evidence as stored; empty if there is none, so that every check fails."""
    key = keys.model(model_id, EVIDENCE)
    return dict(json.loads(platform.store.load(key))) if platform.store.exists(key) else {}


def _evidence(stored: dict[str, Any]) -> Evidence:
    performance = stored.get("performance")
    return Evidence(
        performance=Performance.from_json(performance) if performance else None,
        litert_difference=stored.get("litert_difference"),
        features=stored.get("features", ""),
        output_index=stored.get("output_index"),
    )


def _champion(
    model_id: str, stored: dict[str, Any], platform: Platform
) -> tuple[str, Performance | None]:
    """Model in production and how it does on the same test stars; ("", None) without one."""
    champion = platform.ledger.champion()
    if champion is None or champion.model_id == model_id or "dataset_id" not in stored:
        return "", None
    facts = json.loads(platform.store.load(keys.model(champion.model_id, "model.json")))
    table = platform.store.load_table(keys.dataset(stored["dataset_id"])).cast(DATASET)
    test = Dataset(stored["dataset_id"], stored["features"], table).part("test")
    unseen = test.slice(0, 0)
    if facts["features"] != stored["features"]:
        test, unseen = _through_other_features(test, facts["features"], model_id, platform)
    scorer = open_scorer(champion.model_id, platform.store)
    scores = scorer.score(*load_segments(test, platform.store))
    stars = judge_stars(
        pa.concat_tables([test, unseen]), np.append(scores, np.zeros(len(unseen), np.float32))
    )
    stars = stars.calibrated(Calibration.from_json(facts.get("calibration")))
    return champion.model_id, measure(
        stars.is_eb, stars.eb_type, stars.probability, champion.threshold
    )


def _through_other_features(
    test: pa.Table, version: str, model_id: str, platform: Platform
) -> tuple[pa.Table, pa.Table]:
    """Segments of the same test stars by another version, and rows of stars without any.

    A star that gives no features of that version cannot be found with them; a whole sector
    without has not been extracted, and then the comparison would not be fair.
    """
    trained = platform.ledger.latest(TRAIN, 0, model_id)
    featured = {item.sector for item in platform.ledger.records(f"features-{version}")}
    missing = set(test["sector"].to_pylist()) - featured
    if trained is None or missing:
        sectors = [keys.sector_key(sector) for sector in sorted(missing)]
        raise FeaturesDiffer(
            f"comparison of model {model_id} with the champion",
            found=f"no features {version} of {', '.join(sectors) or 'a known label set'}",
            expected=f"features {version}, which the champion learned from",
            cure=f"For each of these sectors, run: calnet-ops extract SECTOR --features {version}",
        )
    labels = keys.label_set(trained.facts["label_set"])
    other = freeze_dataset(labels, version, platform).part("test")
    same = other.filter(pc.is_in(other["tic"], value_set=pc.unique(test["tic"])))
    return same, test.filter(pc.invert(pc.is_in(test["tic"], value_set=pc.unique(same["tic"]))))


def _description(record: GateRecord, verdict: Verdict) -> str:
    """Verdict as Markdown, for the page of the version."""
    said = "may be promoted" if verdict.passed else "must not be promoted"
    rows = [
        f"| {f.rule} | {f.found} | {f.expected} | {'yes' if f.passed else '**no**'} |"
        for f in verdict.findings
    ]
    against = record["champion"] or "none in production"
    return "\n".join(
        [
            f"**Gate: {record['verdict']}**: this version {said}.",
            "",
            f"Model `{record['model_id']}`, compared with champion: {against}.",
            "",
            "| rule | found | expected | holds |",
            "|---|---|---|---|",
            *rows,
        ]
    )
