"""Compare a scored sector with the stars its model knows, and say what to expect of the scores."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Promotion, StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, known, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.checks.products import SHAPE
from calnet_ops.science.evaluation import drift
from calnet_ops.science.evaluation.expected import Expected, expect
from calnet_ops.steps.appearing import stored_delivery
from calnet_ops.steps.drift_page import write_page
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.segment_statistics import load_statistics
from calnet_ops.steps.training_reference import REFERENCE_PART

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

STEP = "drift"
"""Name of this step in the ledger."""

N_RECENT = 8
"""Sectors compared with, at most: those nearest in number, as in the checks of a sector. Their
distances then have a median, and the oldest is half a year away."""

SEED = 9
"""Of the draws of the expected figures: the same sector has the same interval."""

USUAL, WARN, UNKNOWN = "usual", "warn", "unknown"
"""States: nothing to warn of; something; nothing to compare with."""

log = structlog.get_logger()


class DriftRecord(TypedDict):
    """What is told of a sector."""

    sector: int
    model_id: str
    state: str
    """``usual``, ``warn`` or ``unknown``."""
    warnings: list[str]
    """Comparisons beyond their limit, the worst first."""
    excess: float | None
    """Largest distance over its limit."""
    against: list[str]
    """What it was compared with: ``training``, ``recent``."""
    n_recent: int
    n_star: int
    expected: dict[str, Any]
    """Recall, precision and share of binaries, each with value, low, high; n_star, n_called."""
    calibrated: bool
    """Whether the model's probabilities are; expected figures of one without are not to be
    believed."""
    stars: str
    """Key of the watched numbers, one row a star."""
    comparisons: str
    figure: str
    docs: str
    """Key of the page about it."""


def watch_drift(sector: int, platform: Platform) -> DriftRecord:
    """Judge the drift of a scored sector; warns, never halts.

    Raises
    ------
    MissingInput
        If no model is in production, or it has not scored the sector.
    """
    champion, scored, made = _inputs(sector, platform)
    store, model_id = platform.store, champion.model_id
    stars_key = _keep_stars(scored, made, platform)
    recent = _recent(sector, model_id, platform)
    lineage = lineage_id(
        STEP,
        VERSION,
        stars=stars_key,
        recent=[record.facts["stars"] for record in recent],
        threshold=champion.threshold,
    )
    key = keys.drift(model_id, sector, lineage, "drift.json")
    if not store.exists(key):
        record = _judge(sector, champion, stars_key, recent, lineage, store)
        store.save_new(key, canonical_json(record), "application/json")
    found: DriftRecord = json.loads(store.load(key))
    platform.ledger.record(STEP, sector, key, model_id=model_id, facts={**found})
    log.info("drift_watched", sector=sector, state=found["state"], warnings=found["warnings"][:3])
    return found


def _inputs(sector: int, platform: Platform) -> tuple[Promotion, StepRecord, StepRecord]:
    """Model in production, its target scores, and the features these come from."""
    ledger = platform.ledger
    champion = ledger.champion()
    scored = ledger.latest("score", sector, champion.model_id) if champion else None
    version = load_model_facts(champion.model_id, platform.store)["features"] if champion else ""
    made = ledger.latest(f"features-{version}", sector)
    if champion is None or scored is None or made is None:
        raise MissingInput(
            f"drift of {keys.sector_key(sector)}",
            found="no scores by the model in production",
            expected="a champion, features and target scores",
            cure=f"Run: calnet-ops score {sector}",
        )
    return champion, scored, made


def _keep_stars(scored: StepRecord, made: StepRecord, platform: Platform) -> str:
    """Write the watched numbers of a sector, one row a star; their key."""
    sector, store = scored.sector, platform.store
    delivery = stored_delivery(sector, platform.ledger)
    files = str(delivery.facts.get("statistics", "")) if delivery else ""
    inputs = {"targets": scored.key, "features": made.key, "files": files}
    lineage = lineage_id("drift-stars", VERSION, **inputs)
    key = keys.drift(scored.model_id, sector, lineage, "stars.parquet")
    if not store.exists(key):
        segments = load_statistics(made.facts["shards"], store)
        shapes = segments.group_by("tic").aggregate([(name, "mean") for name in SHAPE])
        shapes = shapes.rename_columns(["tic", *SHAPE])
        targets = store.load_table(scored.key, ["tic", "probability"])
        stars = targets.join(shapes, "tic").join(_places(files, store), "tic").sort_by("tic")
        store.save_table(key, stars.select(drift.STARS.names).cast(drift.STARS))
    return key


def _places(files: str, store: Store) -> pa.Table:
    """Camera and CCD of each star, by the statistics of its files."""
    names = ["tic", "camera", "ccd"]
    if not files or not store.exists(files):
        return drift.STARS.empty_table().select(names)
    rows = {row["tic"]: row for row in store.load_table(files, names).to_pylist()}
    schema = pa.schema([drift.STARS.field(name) for name in names])
    return pa.Table.from_pylist(list(rows.values()), schema=schema)


def _recent(sector: int, model_id: str, platform: Platform) -> list[StepRecord]:
    """Newest records of the other sectors that the same model has scored, nearest in number."""
    newest = {
        record.sector: record
        for record in platform.ledger.records(STEP)
        if record.model_id == model_id and record.sector != sector
    }
    nearest = sorted(newest, key=lambda other: (abs(other - sector), other))[:N_RECENT]
    return [newest[other] for other in sorted(nearest)]


def _judge(
    sector: int,
    champion: Promotion,
    stars_key: str,
    recent: list[StepRecord],
    lineage: str,
    store: Store,
) -> DriftRecord:
    model_id = champion.model_id
    calibration = Calibration.from_json(load_model_facts(model_id, store).get("calibration"))
    stars = store.load_table(stars_key)
    probability = stars["probability"].to_numpy()
    rng = np.random.default_rng([SEED, sector])
    expected = expect(probability, champion.threshold, calibration, rng)
    share = expected.eb_share.value
    reference_key = keys.model(model_id, REFERENCE_PART)
    training = store.load_table(reference_key) if store.exists(reference_key) else None
    others = [
        (store.load_table(record.facts["stars"]), _eb_share(record.facts)) for record in recent
    ]
    found = drift.compare(stars, share, others, training)
    warnings = drift.warnings(found)
    state = (WARN if warnings else USUAL) if found else UNKNOWN

    def part(name: str) -> str:
        return keys.drift(model_id, sector, lineage, name)

    store.save_table(part("comparisons.parquet"), drift.comparison_table(found))
    record = DriftRecord(
        sector=sector,
        model_id=model_id,
        state=state,
        warnings=warnings,
        excess=found[0].excess if found else None,
        against=sorted({one.against for one in found}, reverse=True),
        n_recent=len(recent),
        n_star=len(stars),
        expected=_plain(expected),
        calibrated=calibration.n_star > 0,
        stars=stars_key,
        comparisons=part("comparisons.parquet"),
        figure=part("drift.png"),
        docs=part("index.html"),
    )
    curves = drift.distributions(stars, share, others, training)
    write_page(record, curves, found, store)
    return record


def _eb_share(facts: Mapping[str, Any]) -> float:
    value = facts["expected"]["eb_share"]["value"]
    return math.nan if value is None else float(value)


def _plain(expected: Expected) -> dict[str, Any]:
    """Numbers as JSON has them: what cannot be told is null."""
    return {
        name: {part: known(number) for part, number in value.items()}
        if isinstance(value, Mapping)
        else value
        for name, value in asdict(expected).items()
    }
