"""Evaluate a stored model on the test stars of a data set, and keep figures to look at."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.registry import TrainingLog
from calnet_ops.adapters.store import Store
from calnet_ops.errors import FeaturesDiffer, KeyTaken, MissingInput
from calnet_ops.lineage import canonical_json, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.gallery import Thumbnail, draw_gallery
from calnet_ops.science.evaluation.report import (
    HALF,
    PUBLISHED_SCORE,
    SEED,
    Count,
    Mistake,
    Report,
    count,
    evaluate,
)
from calnet_ops.science.evaluation.report_figure import draw_report
from calnet_ops.steps.dataset import DATASET, Dataset, load_segments
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.scored_cases import (
    light_curve_cases,
    score_rows,
    segment_cases,
    star_cases,
)
from calnet_ops.steps.stored_model import open_scorer

VERSION = 1
"""Raised when the same model and data set give another report."""

STEP = "evaluate"
"""Name of this step in the ledger."""

MOST_OTHERS = 20_000
"""Segments, beyond those of test stars, that are scored to count as others do: a minute's work.
Of a larger data set a random choice of stars and of segments stands for the rest."""

LEAKY_SHARE = 0.2
"""Share of segments on the test side of the published port's split."""

FIGURES = ("evaluation.png", "missed.png", "false_alarms.png")
"""One page of numbers, and two galleries of the worst mistakes."""

log = structlog.get_logger()

Mask = npt.NDArray[np.bool_]


class EvaluationRecord(TypedDict):
    """Where an evaluation is, and its headline."""

    model_id: str
    dataset_id: str
    key: str
    """Key of the report, JSON."""
    figures: dict[str, str]
    """Key of each of `FIGURES`."""
    n_star: int
    n_group: int
    recall: list[float]
    """Of test stars: value, and ends of the 95% interval; so are the next ones."""
    precision: list[float]
    f1: list[float]
    average_precision: list[float]
    calibration_error: list[float]


def evaluate_model(model_id: str, dataset: Dataset, platform: Platform) -> EvaluationRecord:
    """Measure a stored model on the test stars of a data set; free if that was done before.

    Three numbers stand side by side: recall and precision as the published code counts, by the
    leaky split of its port, and on stars that the model has not learned from.

    Parameters
    ----------
    dataset
        Of the features that the model learned from.

    Raises
    ------
    MissingInput
        If there is no such model.
    FeaturesDiffer
        If it learned from features of another version.
    """
    store = platform.store
    facts = load_model_facts(model_id, store)
    if facts["features"] != dataset.features:
        raise FeaturesDiffer(
            f"evaluation of model {model_id}",
            found=f"data set {dataset.dataset_id} of features {dataset.features}",
            expected=f"features {facts['features']}, which it learned from",
        )
    lineage = lineage_id("evaluate", VERSION, model=model_id, dataset=dataset.dataset_id)
    key = keys.model(model_id, f"evaluation-{lineage}.json")
    figures = {name: keys.model(model_id, f"evaluation-{lineage}-{name}") for name in FIGURES}
    if not store.exists(key):
        report = measure_model({**facts, "dataset_id": dataset.dataset_id}, dataset, store)
        images = (
            draw_report(report),
            _gallery("Binaries that are missed, surest first", report.missed, dataset, store),
            _gallery("Called binaries and are none", report.false_alarms, dataset, store),
        )
        for figure, image in zip(figures.values(), images, strict=True):
            # Another version of matplotlib may have drawn it before: it shows the same.
            with suppress(KeyTaken):
                store.save_new(figure, image, "image/png")
        store.save_new(key, canonical_json(report.as_json()), "application/json")
    record = _record(key, figures, load_report(key, store))
    platform.ledger.record(STEP, 0, key, model_id=model_id, facts={**record})
    log.info("model_evaluated", **record)
    return record


def evaluate_again(model_id: str, platform: Platform) -> EvaluationRecord:
    """The same on the data set that is noted with the model, whose test stars never change.

    Raises
    ------
    MissingInput
        If no data set is noted with it, or there is no such model.
    """
    facts = load_model_facts(model_id, platform.store)
    dataset_id = str(facts.get("dataset_id", ""))
    if not dataset_id:
        raise MissingInput(
            f"evaluation of model {model_id}",
            found="no data set noted with it",
            expected="one with test stars",
            cure="Give light curves with labels: calnet-ops model evaluate MODEL --on FOLDER",
        )
    table = platform.store.load_table(keys.dataset(dataset_id)).cast(DATASET)
    return evaluate_model(model_id, Dataset(dataset_id, facts["features"], table), platform)


def load_report(key: str, store: Store) -> dict[str, Any]:
    """A stored report, as `Report.as_json` gave it."""
    report: dict[str, Any] = json.loads(store.load(key))
    return report


def with_evaluation(told: TrainingLog, record: EvaluationRecord, store: Store) -> TrainingLog:
    """What is told of a training, and the metrics and figures of its evaluation."""
    found: Mapping[str, Any] = record
    metrics = {
        f"test_{name}{end}": value
        for name in ("recall", "precision", "f1", "average_precision", "calibration_error")
        for end, value in zip(("", "_low", "_high"), found[name], strict=True)
    }
    for counted in load_report(record["key"], store)["counts"]:
        for name in ("recall", "precision"):
            metrics[f"{name}_{counted['name'].replace(' ', '_')}"] = counted[name]["value"]
    images = {name: store.load(key) for name, key in record["figures"].items()}
    return replace(told, metrics={**told.metrics, **metrics}, figures={**told.figures, **images})


def measure_model(facts: Mapping[str, Any], dataset: Dataset, store: Store) -> Report:
    """Report on a stored model, of which `facts` are told, without figures."""
    rows = dataset.table
    side = np.asarray(rows["split"].to_pylist(), dtype=str)
    first, fifth = _as_published(rows), _leaky(len(rows))
    needed = np.flatnonzero((side == "test") | first | fifth)
    score = np.full(len(rows), np.nan, np.float32)
    scorer = open_scorer(facts["model_id"], store)
    score[needed] = score_rows(scorer, rows.take(pa.array(needed)), store)
    calibration = Calibration.from_json(facts.get("calibration"))

    def chosen(mask: Mask) -> tuple[pa.Table, npt.NDArray[np.float32]]:
        return rows.filter(pa.array(mask)), score[mask]

    test = chosen(side == "test")
    curves = light_curve_cases(*test, calibration)
    stars = star_cases(curves)
    counts = [
        _published(segment_cases(*chosen(first), Calibration())),
        _leaked(segment_cases(*chosen(fifth), Calibration())),
        count(
            "test stars",
            "stars that the model has not learned from, nor any star near them; all segments of "
            "all sectors combined, at the model's own threshold",
            stars,
            stars.probability >= facts["threshold"],
            honest=True,
        ),
    ]
    levels = {"segment": segment_cases(*test, calibration), "light curve": curves, "star": stars}
    names = {int(sector): keys.sector_key(int(sector)) for sector in np.unique(curves.sector)}
    about = {**facts, "features": dataset.features, "simulated": dataset.simulated}
    return evaluate(about, levels, names, counts)


def _as_published(rows: pa.Table) -> Mask:
    """The first segment of each sector of all stars, or of as many as `MOST_OTHERS` allows."""
    tic = np.asarray(rows["tic"].to_numpy())
    names = np.stack([tic, np.asarray(rows["sector"].to_numpy(), np.int64)], axis=1)
    _, first = np.unique(names, axis=0, return_index=True)
    stars, member = np.unique(tic[first], return_inverse=True)
    order = np.random.default_rng(SEED).permutation(len(stars))
    kept = order[np.cumsum(np.bincount(member)[order]) <= MOST_OTHERS]
    mask = np.zeros(len(rows), bool)
    mask[first[np.isin(member, kept)]] = True
    return mask


def _leaky(n: int) -> Mask:
    """A random fifth of the segments, or as many as `MOST_OTHERS` allows."""
    mask = np.zeros(n, bool)
    n_chosen = min(round(LEAKY_SHARE * n), MOST_OTHERS)
    mask[np.random.default_rng(SEED).permutation(n)[:n_chosen]] = True
    return mask


def _published(segments: Cases) -> Count:
    """Stars of which any sector's first segment reaches the published threshold."""
    best = np.argsort(-segments.probability, kind="stable")
    _, first = np.unique(segments.tic[best], return_index=True)
    stars = segments.take(best[first])
    return count(
        "as published",
        "as the published code counts: all known stars, those learned from included; the first "
        f"segment of each sector alone, a score of {PUBLISHED_SCORE:g} in any sector",
        stars,
        stars.probability >= PUBLISHED_SCORE,
    )


def _leaked(segments: Cases) -> Count:
    return count(
        "leaky split",
        f"a random fifth of all segments (seed {SEED}) whichever stars they are of, a score of "
        f"{HALF:g}: the split of the published port. This model has learned from other segments "
        "of most of these stars, and from most of these very segments",
        segments,
        segments.probability >= HALF,
    )


def _gallery(title: str, mistakes: tuple[Mistake, ...], dataset: Dataset, store: Store) -> bytes:
    """A sheet of stars; of each the first segment of its newest sector."""
    test = dataset.part("test")
    tic, sector = test["tic"].to_numpy(), test["sector"].to_numpy()
    places = [int(np.flatnonzero((tic == one.tic) & (sector == one.sector))[0]) for one in mistakes]
    flux, power = load_segments(test.take(pa.array(places, pa.int64())), store)
    thumbnails = [
        Thumbnail(_title(one), flux[place], power[place]) for place, one in enumerate(mistakes)
    ]
    return draw_gallery(f"{title} ({len(mistakes)})", thumbnails)


def _title(one: Mistake) -> str:
    known = [
        f"TIC {one.tic}",
        keys.sector_key(one.sector),
        one.eb_type,
        f"p {one.probability:.2f}",
        f"T {one.tmag:.1f}" if np.isfinite(one.tmag) else "",
        f"P {one.period_d:.2f} d" if np.isfinite(one.period_d) else "",
    ]
    return "  ".join(word for word in known if word)


def _record(key: str, figures: dict[str, str], report: Mapping[str, Any]) -> EvaluationRecord:
    (star,) = (level for level in report["levels"] if level["name"] == "star")

    def rate(found: Mapping[str, float]) -> list[float]:
        return [found["value"], found["low"], found["high"]]

    return EvaluationRecord(
        model_id=report["model_id"],
        dataset_id=report["dataset_id"],
        key=key,
        figures=figures,
        n_star=star["n"],
        n_group=star["n_group"],
        recall=rate(star["recall"]),
        precision=rate(star["precision"]),
        f1=rate(star["f1"]),
        average_precision=rate(star["average_precision"]),
        calibration_error=rate(star["reliability"]["error"]),
    )
