"""Train CALNet on the newest labels, keep what it takes to score, and register a version."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import structlog

from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import fit_calibration
from calnet_ops.science.evaluation.evidence import measure
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.science.network.samples import Samples
from calnet_ops.science.network.settings import RECIPES, Settings
from calnet_ops.steps.dataset import Dataset, freeze_dataset, judge_stars, load_segments
from calnet_ops.steps.features_version import version_to_train
from calnet_ops.steps.registered import (
    LEAST_RECALL,
    STEP,
    Trained,
    TrainedRecord,
    keep_model,
    register_model,
)
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS, make_scorer
from calnet_ops.steps.training_reference import training_reference

if TYPE_CHECKING:
    from calnet_ops.science.network.fit import Epoch

VERSION = 2
"""Raised when the same data set and settings give another model."""

N_COMPARED = 256
"""Segments on which the exported graph is compared with Keras: 2 s of work; the difference is
of rounding, so it is the same everywhere."""

log = structlog.get_logger()


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
    keep_model(trained, dataset, platform.store)
    return register_model(trained, dataset, labels.facts["set_id"], settings, lineage, platform)


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
    weights = pack(export.to_weights(model)) if export.scores_in_numpy(model) else None
    scorer = make_scorer(WEIGHTS, weights) if weights else make_scorer(GRAPH, graph)
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
