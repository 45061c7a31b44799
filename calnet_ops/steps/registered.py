"""What comes out of a training, or of an import, goes to the store, the registry and the ledger."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import structlog

from calnet_ops import __version__, keys
from calnet_ops.adapters.registry import TrainingLog
from calnet_ops.adapters.store import Store
from calnet_ops.lineage import ID_LENGTH, canonical_json, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import RULE
from calnet_ops.science.evaluation import figures
from calnet_ops.science.evaluation.evidence import Performance
from calnet_ops.science.evaluation.metrics import calibration_error, confusion
from calnet_ops.science.network.settings import Settings
from calnet_ops.steps.dataset import Dataset, Stars
from calnet_ops.steps.evaluation import evaluate_model, with_evaluation
from calnet_ops.steps.signed_model import sign_model
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS
from calnet_ops.steps.training_reference import REFERENCE_PART

STEP = "train"
"""Name of this step in the ledger."""

LEAST_RECALL = 0.90
"""Recall of validation stars that the threshold is chosen for (they are blurred, see
`choose_threshold`, so unseen stars do better). Two networks of the recipe "demo" then found 0.92
to 0.98 of the binaries in seven unseen simulated sectors. Of sectors thinned to 4% binaries (real
ones have 2%), half of the candidates were binaries; a choice for 0.95 found 0.96 to 0.99, and only
a third were: half as many stars more for the vetters to look at."""

OUTPUT_INDEX = 0
"""Output that is P(EB), as in the published Keras form."""

log = structlog.get_logger()


class TrainedRecord(TypedDict):
    """A trained and registered model."""

    version: int
    """In the registry."""
    model_id: str
    run_id: str
    dataset: str
    """Key of the data set."""
    dataset_id: str
    label_set: str
    """Id of the label set."""
    threshold: float
    least_recall: float
    """Recall of validation stars that the threshold was chosen for."""
    recall: float
    """Of test stars."""
    precision: float
    n_segment: dict[str, int]
    """By side of the split."""
    simulated: bool
    lineage: str


@dataclass(frozen=True)
class Trained:
    """A network and what came out of its training."""

    model: Any
    """Keras model of plain layers."""
    history: dict[str, list[float]]
    graph: bytes
    """Exported for LiteRT."""
    weights: bytes | None
    """What production scores with, where the platform itself computes this network; else it is
    the graph."""
    litert_difference: float
    """Of the graph and of the weights from Keras, the larger one."""
    calibration: Calibration
    """Fitted on validation stars."""
    performance: Performance
    """On test stars."""
    test_stars: Stars
    """With calibrated probabilities."""
    reference: pa.Table
    """How the numbers that drift is judged by are distributed among its stars."""

    @property
    def model_id(self) -> str:
        """Id of graph and calibration: same weights and same probabilities, same model."""
        return sha256_hex(self.graph + canonical_json(self.calibration.as_json()))[:ID_LENGTH]


def keep_model(trained: Trained, dataset: Dataset, store: Store) -> None:
    """Keep and sign what it takes to score and to judge."""
    model_id, performance = trained.model_id, trained.performance
    store.save_new(keys.model(model_id, GRAPH), trained.graph)
    if trained.weights is not None:
        store.save_new(keys.model(model_id, WEIGHTS), trained.weights)
    keras_key = keys.model(model_id, "calnet.keras")
    # A Keras file holds the date it was saved on: the first one stays.
    if not store.exists(keras_key):
        store.save_new(keras_key, _keras_file(trained.model))
    store.save_table(keys.model(model_id, REFERENCE_PART), trained.reference)
    evidence = {
        "performance": performance.as_json(),
        "litert_difference": trained.litert_difference,
        "features": dataset.features,
        "output_index": OUTPUT_INDEX,
        "dataset_id": dataset.dataset_id,
    }
    facts = {
        "model_id": model_id,
        "features": dataset.features,
        "threshold": performance.threshold,
        "least_recall": LEAST_RECALL,
        "calibration": trained.calibration.as_json(),
        "output_index": OUTPUT_INDEX,
        "combine": RULE,
        "dataset": dataset.key,
        "dataset_id": dataset.dataset_id,
        "simulated": dataset.simulated,
    }
    for part, content in (("evidence.json", evidence), ("model.json", facts)):
        store.save_new(keys.model(model_id, part), canonical_json(content), "application/json")
    sign_model(model_id, store)


def _keras_file(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calnet.keras")
        model.save(file)
        return file.read_bytes()


def register_model(
    trained: Trained,
    dataset: Dataset,
    set_id: str,
    settings: Settings,
    lineage: str,
    platform: Platform,
) -> TrainedRecord:
    """Evaluate the model, log its training, make a version of it, and note it in the ledger.

    Parameters
    ----------
    set_id
        Id of the label set.
    settings
        How it was trained.
    lineage
        Of the training: who asks for the same once more gets this record.
    """
    tags = _tags(trained, dataset, set_id)
    evaluated = evaluate_model(trained.model_id, dataset, platform)
    told = _log(trained, dataset, settings, tags, platform.store)
    logged = platform.registry.log_training(with_evaluation(told, evaluated, platform.store))
    version = platform.registry.register(logged, tags, "Not judged yet.")
    platform.registry.set_challenger(version)
    record = TrainedRecord(
        version=version,
        model_id=trained.model_id,
        run_id=logged.run_id,
        dataset=dataset.key,
        dataset_id=dataset.dataset_id,
        label_set=set_id,
        threshold=trained.performance.threshold,
        least_recall=LEAST_RECALL,
        recall=trained.performance.recall.value,
        precision=trained.performance.precision.value,
        n_segment=_counts(dataset),
        simulated=dataset.simulated,
        lineage=lineage,
    )
    key = keys.model(trained.model_id, "model.json")
    platform.ledger.record(STEP, 0, key, model_id=trained.model_id, facts={**record})
    log.info("model_trained", **record)
    return record


def _tags(trained: Trained, dataset: Dataset, set_id: str) -> dict[str, str]:
    return {
        "model_id": trained.model_id,
        "features_version": dataset.features,
        "output_index": str(OUTPUT_INDEX),
        "dataset_id": dataset.dataset_id,
        "label_set": set_id,
        "simulated": str(dataset.simulated).lower(),
        "code_version": __version__,
        "threshold": f"{trained.performance.threshold:.4f}",
        "least_recall": f"{LEAST_RECALL:g}",
    }


def _log(
    trained: Trained,
    dataset: Dataset,
    settings: Settings,
    tags: dict[str, str],
    store: Store,
) -> TrainingLog:
    performance, stars = trained.performance, trained.test_stars
    called = stars.probability >= performance.threshold
    metrics = {
        "threshold": performance.threshold,
        "test_calibration_error": calibration_error(
            stars.is_eb, stars.probability, np.random.default_rng(settings.seed)
        ).value,
        "calibration_slope": trained.calibration.slope,
        "calibration_intercept": trained.calibration.intercept,
        "test_average_precision": performance.average_precision,
        "litert_difference": trained.litert_difference,
    }
    for name in ("recall", "precision", "specificity"):
        rate = getattr(performance, name)
        metrics |= {f"test_{name}": rate.value, f"test_{name}_low": rate.low}
    metrics |= {f"test_recall_{n}": rate.value for n, rate in performance.recall_by_type.items()}
    return TrainingLog(
        model=trained.model,
        params={
            **asdict(settings),
            "features": dataset.features,
            "combine": RULE,
            "least_recall": LEAST_RECALL,
        },
        metrics=metrics,
        history=trained.history,
        tags=tags,
        dataset_id=dataset.dataset_id,
        dataset_uri=store.uri(dataset.key),
        dataset_counts=_counts(dataset),
        figures={
            "training.png": figures.training_curve(trained.history),
            "confusion.png": figures.confusion_matrix(confusion(stars.is_eb, called)),
            "precision_recall.png": figures.precision_recall_curve(
                stars.is_eb, stars.probability, performance.threshold
            ),
        },
    )


def _counts(dataset: Dataset) -> dict[str, int]:
    return {split: len(dataset.part(split)) for split in ("train", "validation", "test")}
