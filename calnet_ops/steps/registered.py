"""What comes out of a training, or of an import, goes to the store, the registry and the ledger."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.registry import TrainingLog
from calnet_ops.adapters.store import Store
from calnet_ops.lineage import canonical_json
from calnet_ops.platform import Platform, code_commit, code_version, model_key
from calnet_ops.science.candidates.combine import RULE
from calnet_ops.science.evaluation import figures
from calnet_ops.science.evaluation.evidence import Performance
from calnet_ops.science.evaluation.first_look import first_segments
from calnet_ops.science.evaluation.metrics import calibration_error, confusion
from calnet_ops.steps.dataset import Dataset, Stars
from calnet_ops.steps.evaluation import evaluate_model, load_report, with_evaluation
from calnet_ops.steps.model_card import CARD, keep_card
from calnet_ops.steps.registered_model import LEAST_RECALL, OUTPUT_INDEX, Origin, Trained
from calnet_ops.steps.signed_model import sign_model
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS
from calnet_ops.steps.training_reference import REFERENCE_PART

STEP = "train"
"""Name of this step in the ledger."""

SEED = 1
"""Of the bootstrap behind the calibration error."""

log = structlog.get_logger()


class TrainedRecord(TypedDict):
    """A trained and registered model."""

    version: int
    """In the registry."""
    model_id: str
    run_id: str
    dataset: str
    """Key of the data set that it learned from; empty if that is unknown."""
    dataset_id: str
    """Of the data set that it was judged on; empty without one."""
    label_set: str
    """Id of the label set behind it."""
    threshold: float
    least_recall: float
    """Recall of validation stars that the threshold was chosen for."""
    recall: float | None
    """Of test stars; None without any."""
    precision: float | None
    n_segment: dict[str, int]
    """By side of the split."""
    simulated: bool
    lineage: str


def keep_model(trained: Trained, origin: Origin, store: Store) -> None:
    """Keep and sign what it takes to score and to judge."""
    model_id, dataset = trained.model_id, origin.dataset
    store.save_new(keys.model(model_id, GRAPH), trained.graph)
    if trained.weights is not None:
        store.save_new(keys.model(model_id, WEIGHTS), trained.weights)
    keras_key = keys.model(model_id, "calnet.keras")
    # A Keras file holds the date it was saved on: the first one stays.
    if not store.exists(keras_key):
        store.save_new(keras_key, _keras_file(trained.model))
    if trained.reference is not None:
        store.save_table(keys.model(model_id, REFERENCE_PART), trained.reference)
    evidence = {
        "litert_difference": trained.litert_difference,
        "features": trained.features,
        "output_index": OUTPUT_INDEX,
    }
    if dataset is not None and trained.performance is not None:
        evidence |= {
            "performance": trained.performance.as_json(),
            "dataset_id": dataset.dataset_id,
        }
    facts = {
        "model_id": model_id,
        "features": trained.features,
        "threshold": trained.threshold,
        "least_recall": LEAST_RECALL,
        "calibration": trained.calibration.as_json(),
        "output_index": OUTPUT_INDEX,
        "combine": RULE,
        "dataset": _learned_from(origin),
        "dataset_id": dataset.dataset_id if dataset else "",
        "simulated": origin.simulated,
        "network": trained.model.name,
        **({"origin": dict(origin.foreign)} if origin.foreign else {}),
    }
    for part, content in (("evidence.json", evidence), ("model.json", facts)):
        store.save_new(keys.model(model_id, part), canonical_json(content), "application/json")
    sign_model(model_id, store)


def _learned_from(origin: Origin) -> str:
    """Key of the data set that the network has learned from, as far as is known."""
    return "" if origin.foreign or origin.dataset is None else origin.dataset.key


def _keras_file(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calnet.keras")
        model.save(file)
        return file.read_bytes()


def register_model(trained: Trained, origin: Origin, platform: Platform) -> TrainedRecord:
    """Evaluate a kept model, log its origin, make a version of it, and note it in the ledger."""
    tags = _tags(trained, origin)
    told = _log(trained, origin, tags, platform.store)
    counts: list[Any] = []
    if origin.dataset is not None and trained.performance is not None:
        evaluated = evaluate_model(trained.model_id, origin.dataset, platform)
        told = with_evaluation(told, evaluated, platform.store)
        counts = load_report(evaluated["key"], platform.store)["counts"]
    card = keep_card(trained, origin, counts, list(told.figures), platform.store)
    told = replace(told, files={**told.files, CARD: card.encode()})
    logged = platform.registry.log_training(told)
    version = platform.registry.register(logged, tags, "Not judged yet.")
    platform.registry.set_challenger(version)
    performance = trained.performance
    record = TrainedRecord(
        version=version,
        model_id=trained.model_id,
        run_id=logged.run_id,
        dataset=_learned_from(origin),
        dataset_id=tags["dataset_id"],
        label_set=origin.set_id,
        threshold=trained.threshold,
        least_recall=LEAST_RECALL,
        recall=performance.recall.value if performance else None,
        precision=performance.precision.value if performance else None,
        n_segment=_counts(origin.dataset),
        simulated=origin.simulated,
        lineage=origin.lineage,
    )
    key = keys.model(trained.model_id, "model.json")
    platform.ledger.record(STEP, 0, key, model_id=trained.model_id, facts={**record})
    log.info("model_registered", **record)
    return record


def registered_before(lineage: str, ledger: Ledger) -> TrainedRecord | None:
    """What this very training, or import, gave before, if it has been run."""
    for record in ledger.records(STEP):
        if record.facts["lineage"] == lineage:
            return TrainedRecord(**record.facts)  # type: ignore[typeddict-item]
    return None


def _tags(trained: Trained, origin: Origin) -> dict[str, str]:
    return {
        "model_id": trained.model_id,
        "features_version": trained.features,
        "output_index": str(OUTPUT_INDEX),
        "dataset_id": origin.dataset.dataset_id if origin.dataset else "",
        "label_set": origin.set_id,
        "lineage": origin.lineage,
        "simulated": str(origin.simulated).lower(),
        "taint": origin.taint or "none",
        "code_version": code_version(),
        "threshold": f"{trained.threshold:.4f}",
        "least_recall": f"{LEAST_RECALL:g}",
        **{f"origin_{name}": value for name, value in origin.foreign.items()},
    }


def _log(trained: Trained, origin: Origin, tags: dict[str, str], store: Store) -> TrainingLog:
    dataset = origin.dataset
    metrics = {
        "threshold": trained.threshold,
        "calibration_slope": trained.calibration.slope,
        "calibration_intercept": trained.calibration.intercept,
        "litert_difference": trained.litert_difference,
    }
    images = {"training.png": figures.training_curve(trained.history)} if trained.history else {}
    if trained.performance is not None and trained.test_stars is not None:
        metrics |= _measured(trained.performance, trained.test_stars)
        images |= _drawn(trained.performance, trained.test_stars)
    return TrainingLog(
        model=trained.model,
        params={
            **origin.params,
            "features": trained.features,
            "combine": RULE,
            "least_recall": LEAST_RECALL,
        },
        metrics=metrics,
        history=trained.history,
        tags=tags,
        dataset_id=dataset.dataset_id if dataset else "",
        dataset_uri=store.uri(dataset.key) if dataset else "",
        dataset_counts=_counts(dataset),
        dataset_use="evaluation" if origin.foreign else "training",
        figures=images,
        example=_example(),
        files=_signature(trained.model_id, store),
        commit=code_commit(),
    )


def _example() -> dict[str, npt.NDArray[np.float32]]:
    """A segment of a clear binary, as the network takes it."""
    flux, power, _ = first_segments()
    return {"flux": flux[:1, :, None], "power": power[:1, :, None]}


def _signature(model_id: str, store: Store) -> dict[str, bytes]:
    """The signature of the stored files, and the key that checks it, if they are signed."""
    key = model_key()
    place = keys.signature(model_id, key.fingerprint) if key else ""
    if key is None or not store.exists(place):
        return {}
    return {
        f"signature/{keys.signature_name(key.fingerprint)}": store.load(place),
        "signature/public-key.pem": key.pem,
    }


def _measured(performance: Performance, stars: Stars) -> dict[str, float]:
    error = calibration_error(stars.is_eb, stars.probability, np.random.default_rng(SEED))
    metrics = {
        "test_calibration_error": error.value,
        "test_average_precision": performance.average_precision,
    }
    for name in ("recall", "precision", "specificity"):
        rate = getattr(performance, name)
        metrics |= {f"test_{name}": rate.value, f"test_{name}_low": rate.low}
    return metrics | {
        f"test_recall_{name}": rate.value for name, rate in performance.recall_by_type.items()
    }


def _drawn(performance: Performance, stars: Stars) -> dict[str, bytes]:
    called = stars.probability >= performance.threshold
    return {
        "confusion.png": figures.confusion_matrix(confusion(stars.is_eb, called)),
        "precision_recall.png": figures.precision_recall_curve(
            stars.is_eb, stars.probability, performance.threshold
        ),
    }


def _counts(dataset: Dataset | None) -> dict[str, int]:
    sides = ("train", "validation", "test")
    return {side: len(dataset.part(side)) for side in sides} if dataset else {}
