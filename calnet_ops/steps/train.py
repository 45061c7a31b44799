"""Train CALNet on the newest labels, keep what it takes to score, and register a version."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow as pa
import structlog

from calnet_ops import __version__, keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.registry import TrainingLog
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.lineage import ID_LENGTH, canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration, fit_calibration
from calnet_ops.science.candidates.combine import RULE
from calnet_ops.science.evaluation import figures
from calnet_ops.science.evaluation.evidence import Performance, measure
from calnet_ops.science.evaluation.metrics import calibration_error, confusion
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.science.network.samples import Samples
from calnet_ops.science.network.settings import RECIPES, Settings
from calnet_ops.steps.dataset import Dataset, Stars, freeze_dataset, judge_stars, load_segments
from calnet_ops.steps.features_version import version_to_train
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS, make_scorer
from calnet_ops.steps.training_reference import REFERENCE_PART, training_reference

if TYPE_CHECKING:
    from calnet_ops.science.network.fit import Epoch

VERSION = 2
"""Raised when the same data set and settings give another model."""

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

N_COMPARED = 256
"""Segments on which the exported graph is compared with Keras: 2 s of work; the difference is
of rounding, so it is the same everywhere."""

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
    weights: bytes
    """What production scores with."""
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


def train_model(
    platform: Platform, settings: Settings | None = None, features: str = ""
) -> TrainedRecord:
    """Train on the newest label set and register a version; free if that was done before.

    Parameters
    ----------
    settings
        How to train; by default the recipe that CALNET_RECIPE names, else the published one.
    features
        Version of the features to learn from; by default see `version_to_train`.

    Raises
    ------
    MissingInput
        If there is no label set, no labelled star has features, or a side of the split lacks
        binaries or other stars.
    ExportDiffers
        If the exported graph does not score as the network does.
    WrongConfiguration
        If CALNET_RECIPE names no recipe, or there are no features of this version.
    """
    settings = settings or _recipe(platform.recipe)
    version = version_to_train(platform, features)
    labels = platform.ledger.latest("labels", 0)
    if labels is None:
        raise MissingInput(
            "training", found="no label set", expected="one", cure="Run: calnet-ops labels freeze"
        )
    dataset = freeze_dataset(labels.key, version, platform)
    lineage = lineage_id("train", VERSION, dataset=dataset.dataset_id, settings=asdict(settings))
    done = _done(lineage, platform.ledger)
    if done:
        log.info("model_unchanged", **done)
        return done
    trained = _train(dataset, settings, platform.store)
    _export(trained, dataset, platform.store)
    return _register(trained, dataset, labels.facts["set_id"], settings, lineage, platform)


def _recipe(name: str) -> Settings:
    if name not in RECIPES:
        raise WrongConfiguration("CALNET_RECIPE", found=name, expected=" or ".join(RECIPES))
    return RECIPES[name]


def _done(lineage: str, ledger: Ledger) -> TrainedRecord | None:
    """What this very training gave before, if it has been run."""
    for record in ledger.records(STEP):
        if record.facts["lineage"] == lineage:
            return TrainedRecord(**record.facts)  # type: ignore[typeddict-item]
    return None


def _train(dataset: Dataset, settings: Settings, store: Store) -> Trained:
    """Fit, export, choose the threshold on validation stars, measure on test stars."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from calnet_ops.science.network import export
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.portable import portable
    from calnet_ops.science.network.weights import pack

    parts = {split: dataset.part(split) for split in ("train", "validation", "test")}
    _check_parts(parts, dataset)
    samples, unseen = (_samples(parts[split], store) for split in ("train", "validation"))
    model, epochs = train_fresh(samples, unseen, settings, _tell_epoch)
    graph = export.to_litert(model)
    difference = export.check_export(
        graph, model, unseen.flux[:N_COMPARED], unseen.power[:N_COMPARED]
    )
    weights = pack(export.to_weights(model))
    scorer = make_scorer(WEIGHTS, weights)
    tested = _samples(parts["test"], store)
    raw = judge_stars(parts["validation"], scorer.score(unseen.flux, unseen.power))
    calibration = fit_calibration(raw.is_eb, raw.probability)
    known = raw.calibrated(calibration)
    test = judge_stars(parts["test"], scorer.score(tested.flux, tested.power))
    test = test.calibrated(calibration)
    threshold = choose_threshold(known.is_eb, known.probability, LEAST_RECALL)
    return Trained(
        model=portable(model),
        history=_history(epochs),
        graph=graph,
        weights=weights,
        litert_difference=difference,
        calibration=calibration,
        performance=measure(test.is_eb, test.eb_type, test.probability, threshold),
        test_stars=test,
        reference=training_reference(
            [(parts["train"], samples), (parts["validation"], unseen), (parts["test"], tested)],
            [known, test],
        ),
    )


def _check_parts(parts: dict[str, pa.Table], dataset: Dataset) -> None:
    """Both kinds of stars have to be on every side, or nothing can be learned or told."""
    for split, rows in parts.items():
        verdicts = set(rows["verdict"].to_pylist())
        if len(verdicts) < 2:  # noqa: PLR2004
            raise MissingInput(
                f"data set {dataset.dataset_id}, {split}",
                found=f"only {' '.join(verdicts) or 'nothing'}",
                expected="segments of binaries and of other stars",
                cure="Label more stars whose light curves are in the store.",
            )


def _samples(rows: pa.Table, store: Store) -> Samples:
    flux, power = load_segments(rows, store)
    is_eb = np.array([verdict == "EB" for verdict in rows["verdict"].to_pylist()], dtype=bool)
    return Samples(flux, power, is_eb)


def _tell_epoch(epoch: "Epoch") -> None:
    log.info("epoch_ended", **asdict(epoch))


def _history(epochs: Sequence["Epoch"]) -> dict[str, list[float]]:
    """Curves by name, a value an epoch."""
    names = ("loss", "validation_loss", "validation_accuracy")
    return {name: [float(getattr(epoch, name)) for epoch in epochs] for name in names}


def _export(trained: Trained, dataset: Dataset, store: Store) -> None:
    """Keep what it takes to score and to judge, `model.json` last: it says that all is there."""
    model_id, performance = trained.model_id, trained.performance
    store.save_new(keys.model(model_id, GRAPH), trained.graph)
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


def _keras_file(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calnet.keras")
        model.save(file)
        return file.read_bytes()


def _register(
    trained: Trained,
    dataset: Dataset,
    set_id: str,
    settings: Settings,
    lineage: str,
    platform: Platform,
) -> TrainedRecord:
    """Log the training, make a version of it, and note it in the ledger."""
    tags = _tags(trained, dataset, set_id)
    logged = platform.registry.log_training(_log(trained, dataset, settings, tags, platform.store))
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
