"""Hold what was expected of a sector's scores beside what people found."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypedDict

import numpy as np
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Decision, Promotion, StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, known, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.expected import own_mix
from calnet_ops.science.evaluation.metrics import Rate, wilson
from calnet_ops.science.labels.consensus import consensus
from calnet_ops.steps.model_facts import load_model_facts

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

STEP = "expected-found"
"""Name of this step in the ledger."""

LOOKED = frozenset({"person", "simulated"})
"""Sources of words said about a light curve; lists of other people are not."""

log = structlog.get_logger()


class FoundRecord(TypedDict):
    """Expected and found, side by side. What cannot be told is null."""

    sector: int
    model_id: str
    expected_recall: dict[str, float | None]
    """Of all binaries of the sector."""
    found_recall: dict[str, float] | None
    """Of the sector's binaries with a label from elsewhere that the model has not learned from."""
    expected_precision: dict[str, float | None]
    """Of all candidates of the sector."""
    found_precision: dict[str, float] | None
    """Of the candidates that have a verdict."""
    expected_of_vetted: float | None
    """Precision expected of these very candidates: vetters begin with the most probable."""
    n_candidate: int
    n_vetted: int


def compare_vetting(sector: int, platform: Platform) -> FoundRecord | None:
    """Compare, and note it; None while nobody has judged a candidate of the sector.

    Raises
    ------
    MissingInput
        If the drift of the sector under the model in production has not been watched yet.
    """
    champion = platform.ledger.champion()
    watched = platform.ledger.latest("drift", sector, champion.model_id) if champion else None
    if champion is None or watched is None:
        raise MissingInput(
            f"expected figures of {keys.sector_key(sector)}",
            found="none by the model in production",
            expected="a record of its drift",
            cure=f"Run: calnet-ops drift {sector}",
        )
    said = platform.ledger.decisions()
    vetted = _verdicts(d for d in said if _is_vetting(d))
    labels = _verdicts(d for d in said if not _is_vetting(d))
    record = _compare(watched, champion, vetted, labels, platform.store)
    if not record["n_vetted"]:
        return None
    body = canonical_json(record)
    lineage = lineage_id(STEP, VERSION, drift=watched.key, found=record)
    key = keys.drift(champion.model_id, sector, lineage, "found.json")
    platform.store.save_new(key, body, "application/json")
    platform.ledger.record(STEP, sector, key, model_id=champion.model_id, facts={**record})
    log.info("expected_and_found", **record)
    return record


def _is_vetting(said: Decision) -> bool:
    """Whether somebody was shown a candidate: such words know no star that was missed."""
    return bool(said.sector) and said.source in LOOKED


def _verdicts(said: Iterable[Decision]) -> dict[int, bool]:
    """Whether a star is a binary, for those on which all agree."""
    return {row["tic"]: row["verdict"] == "EB" for row in consensus(said).rows}


def _compare(
    watched: StepRecord,
    champion: Promotion,
    vetted: Mapping[int, bool],
    labels: Mapping[int, bool],
    store: Store,
) -> FoundRecord:
    facts = load_model_facts(champion.model_id, store)
    stars = store.load_table(watched.facts["stars"], ["tic", "probability"])
    probability = stars["probability"].to_numpy()
    calibration = Calibration.from_json(facts.get("calibration"))
    likely = own_mix(probability, calibration.eb_share)
    tics = stars["tic"].to_pylist()
    called = [tic for tic, p in zip(tics, probability, strict=True) if p >= champion.threshold]
    judged = [vetted[tic] for tic in called if tic in vetted]
    asked = {*called} & {*vetted}
    expected = [p for tic, p in zip(tics, likely, strict=True) if tic in asked]
    learned = _learned(facts, store)
    binaries = [tic for tic in tics if labels.get(tic) and tic not in learned]
    return FoundRecord(
        sector=watched.sector,
        model_id=champion.model_id,
        expected_recall=watched.facts["expected"]["recall"],
        found_recall=_rate(len({*binaries} & {*called}), len(binaries)),
        expected_precision=watched.facts["expected"]["precision"],
        found_precision=_rate(sum(judged), len(judged)),
        expected_of_vetted=known(float(np.mean(expected))) if expected else None,
        n_candidate=len(called),
        n_vetted=len(judged),
    )


def _rate(n_hit: int, n: int) -> dict[str, Any] | None:
    rate: Rate = wilson(n_hit, n)
    return asdict(rate) if n else None


def _learned(facts: Mapping[str, Any], store: Store) -> set[int]:
    """Stars that the model was made with, those of the test aside."""
    key = facts.get("dataset", "")
    if not key or not store.exists(key):
        return set()
    rows = store.load_table(key, ["tic", "split"]).to_pylist()
    return {row["tic"] for row in rows if row["split"] != "test"}
