"""From stored features to scores of segments and probabilities of targets, in shards."""

import time
from collections.abc import Iterable
from typing import TypedDict

import numpy as np
import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import FeaturesDiffer, MissingInput, SectorNotTrusted
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import RULE, combine_segments
from calnet_ops.science.features.tables import matrix
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.stored_files import stored_files
from calnet_ops.steps.stored_model import open_scorer

VERSION = 1
"""Raised when the results of this step change; part of every lineage id."""

COMBINE_VERSION = 2
"""The same for the combination to target scores: another one needs no new scores."""

STEP = "score"
"""Name of this step in the ledger."""

SCORES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("segment", pa.int32()),
        ("score", pa.float32()),
    ]
)
"""Columns of the scores, one row a segment, in the order of the features."""

TARGET_SCORES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("n_segment", pa.int32()),
        ("probability", pa.float64()),
        ("simulated", pa.bool_()),
    ]
)
"""Columns of the target scores, one row a star, by TIC number."""

log = structlog.get_logger()


class ScoreShard(TypedDict):
    """Features to be scored by a model."""

    sector: int
    model_id: str
    version: str
    """Of the features."""
    features: str
    """Key of the features."""


class ScoreTally(TypedDict):
    """What became of a shard."""

    model_id: str
    scores: str
    """Key of the scores."""
    n_segment: int
    seconds: float


class TargetRecord(TypedDict):
    """Target scores of a sector."""

    sector: int
    model_id: str
    targets: str
    """Key of the target scores."""
    shards: list[str]
    """Keys of the segments' scores."""
    n_target: int
    n_segment: int
    n_above: int
    """Targets at or above the model's threshold."""


def plan_shards(sector: int, platform: Platform) -> list[ScoreShard]:
    """One shard for each table of features, for the model in production.

    Returns
    -------
    shards
        Empty if no model is in production.

    Raises
    ------
    FeaturesDiffer
        If the sector has features, but not of the version that the model learned from.
    MissingInput
        If the sector has no features at all.
    SectorNotTrusted
        If the checks of these features have failed.
    """
    champion = platform.ledger.champion()
    if champion is None:
        return []
    version = str(load_model_facts(champion.model_id, platform.store)["features"])
    record = platform.ledger.latest(f"features-{version}", sector)
    if record is None:
        raise _no_features(sector, version, champion.model_id, platform)
    _refuse_bad_features(sector, record.key, platform)
    return [
        ScoreShard(
            sector=sector, model_id=champion.model_id, version=version, features=part["features"]
        )
        for part in record.facts["shards"]
    ]


def _refuse_bad_features(sector: int, key: str, platform: Platform) -> None:
    """Stop if the last verdict is about these very features, and is bad."""
    verdict = platform.ledger.latest("validate-features", sector)
    if verdict is not None and verdict.facts["halted"] and verdict.facts["features"] == key:
        raise SectorNotTrusted(
            f"features of {keys.sector_key(sector)}",
            found="; ".join(f"not met: {name}" for name in verdict.facts["halted"]),
            expected="features that passed their checks",
        )


def score_shard(shard: ScoreShard, platform: Platform) -> ScoreTally:
    """Write the scores of a shard; free if they are there already.

    Raises
    ------
    FeaturesDiffer
        If the features are not of the version that the model learned from.
    """
    began = time.perf_counter()
    store = platform.store
    key = keep_scores(shard, store)
    tally = ScoreTally(
        model_id=shard["model_id"],
        scores=key,
        n_segment=len(store.load_table(key, ["segment"])),
        seconds=round(time.perf_counter() - began, 3),
    )
    log.info("segments_scored", sector=shard["sector"], **tally)
    return tally


def keep_scores(shard: ScoreShard, store: Store) -> str:
    """Key of the scores of a shard; they are written if they are not there yet.

    Raises
    ------
    FeaturesDiffer
        If the features are not of the version that the model learned from.
    """
    key = scores_key(shard["model_id"], shard["sector"], shard["features"])
    if not store.exists(key):
        _check_version(shard, load_model_facts(shard["model_id"], store)["features"])
        store.save_table(key, _score(shard, store))
    return key


def scores_key(model_id: str, sector: int, features: str) -> str:
    """Where the scores of a shard are.

    Parameters
    ----------
    features
        Key of its features.
    """
    lineage = lineage_id(STEP, VERSION, features=features, model=model_id)
    return keys.scores(model_id, sector, lineage)


def combine_targets(sector: int, tallies: list[ScoreTally], platform: Platform) -> TargetRecord:
    """Combine the scores of all shards to one calibrated probability a star, and note them.

    Raises
    ------
    MissingInput
        If there are no shards: nothing was planned, as no model is in production.
    """
    if not tallies:
        raise MissingInput(
            f"target scores of {keys.sector_key(sector)}",
            found="no shards",
            expected="scores by the model in production",
            cure="Train a model and promote it in the MLflow UI.",
        )
    store, model_id = platform.store, tallies[0]["model_id"]
    shards = [tally["scores"] for tally in tallies]
    facts = load_model_facts(model_id, store)
    calibration = Calibration.from_json(facts.get("calibration"))
    lineage = lineage_id(
        "combine_targets",
        COMBINE_VERSION,
        scores=shards,
        rule=RULE,
        calibration=calibration.as_json(),
    )
    key = keys.target_scores(model_id, sector, lineage)
    if store.exists(key):
        table = store.load_table(key)
    else:
        table = _combine(sector, shards, _simulated(sector, platform), calibration, store)
        store.save_table(key, table)
    threshold = facts["threshold"]
    record = TargetRecord(
        sector=sector,
        model_id=model_id,
        targets=key,
        shards=shards,
        n_target=len(table),
        n_segment=sum(table["n_segment"].to_pylist()),
        n_above=int(np.sum(table["probability"].to_numpy() >= threshold)),
    )
    platform.ledger.record(STEP, sector, key, model_id=model_id, facts={**record})
    log.info("targets_combined", **{**record, "shards": len(shards)})
    return record


def _score(shard: ScoreShard, store: Store) -> pa.Table:
    features = store.load_table(shard["features"], ["tic", "sector", "segment", "flux", "power"])
    score = open_scorer(shard["model_id"], store).score(
        matrix(features, "flux"), matrix(features, "power")
    )
    names = features.select(["tic", "sector", "segment"])
    return names.append_column("score", pa.array(score, pa.float32())).cast(SCORES)


def _combine(
    sector: int,
    shards: Iterable[str],
    simulated: dict[int, bool],
    calibration: Calibration,
    store: Store,
) -> pa.Table:
    by_star: dict[int, list[float]] = {}
    for key in shards:
        part = store.load_table(key, ["tic", "score"])
        for tic, score in zip(part["tic"].to_pylist(), part["score"].to_pylist(), strict=True):
            by_star.setdefault(tic, []).append(score)
    rows = [
        {
            "tic": tic,
            "sector": sector,
            "n_segment": len(scores),
            "probability": float(calibration.apply(combine_segments(scores))),
            "simulated": simulated.get(tic, False),
        }
        for tic, scores in sorted(by_star.items())
    ]
    return pa.Table.from_pylist(rows, schema=TARGET_SCORES)


def _simulated(sector: int, platform: Platform) -> dict[int, bool]:
    """Which stars of a sector never were, by the manifest that its features come from."""
    delivery = platform.ledger.delivery(sector)
    if delivery is None or "manifest" not in delivery.facts:
        raise MissingInput(
            f"target scores of {keys.sector_key(sector)}",
            found="no manifest",
            expected="an ingested sector",
            cure=f"Run: calnet-ops ingest {sector}",
        )
    files = stored_files(delivery.facts["manifest"], platform.store, ["tic", "simulated"])
    return {row["tic"]: row["simulated"] for row in files.to_pylist()}


def _check_version(shard: ScoreShard, wanted: str) -> None:
    if shard["version"] != wanted or not shard["features"].startswith(f"features/{wanted}/"):
        raise FeaturesDiffer(
            f"{shard['features']} for model {shard['model_id']}",
            found=f"features {shard['version']}",
            expected=f"features {wanted}, which the model learned from",
            cure=f"Run: calnet-ops extract {shard['sector']} --features {wanted}",
        )


def _no_features(
    sector: int, version: str, model_id: str, platform: Platform
) -> FeaturesDiffer | MissingInput:
    """Other features, or none."""
    steps = {record.step for record in platform.ledger.records() if record.sector == sector}
    others = sorted(step for step in steps if step.startswith("features-"))
    kind = FeaturesDiffer if others else MissingInput
    return kind(
        f"scores of {keys.sector_key(sector)} by model {model_id}",
        found=" and ".join(others) or "no features",
        expected=f"features-{version}, which the model learned from",
        cure=f"Run: calnet-ops extract {sector} --features {version}",
    )
