"""Train CALNet on the newest labels, keep what it takes to score, and register a version."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import structlog

from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import fit_calibration
from calnet_ops.science.evaluation.evidence import measure
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.science.network.samples import first_segments
from calnet_ops.science.network.settings import NETWORKS, RECIPES, Settings
from calnet_ops.steps.checkpoints import StoredCheckpoints, forget_given_up
from calnet_ops.steps.dataset import Dataset, freeze_dataset, judge_stars
from calnet_ops.steps.features_version import version_to_train
from calnet_ops.steps.progress import Watch, unseen
from calnet_ops.steps.registered import (
    TrainedRecord,
    keep_model,
    register_model,
    registered_before,
)
from calnet_ops.steps.registered_model import LEAST_RECALL, Origin, Trained
from calnet_ops.steps.scratch import scratch_folder
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS, make_scorer
from calnet_ops.steps.stored_segments import StoredSegments
from calnet_ops.steps.training_reference import training_reference

if TYPE_CHECKING:
    from calnet_ops.science.network.state import Epoch

VERSION = 5
"""Raised when the same data set and settings give another model."""

N_COMPARED = 256
"""Segments on which the exported graph is compared with Keras: 2 s of work; the difference is
of rounding, so it is the same everywhere."""

log = structlog.get_logger()


def train_model(
    platform: Platform,
    settings: Settings | None = None,
    features: str = "",
    watch: Watch = unseen,
) -> TrainedRecord:
    """Train on the newest label set and register a version; free if that was done before.

    A training that was killed goes on from its last state in the store.

    Parameters
    ----------
    settings
        How to train; by default the recipe that CALNET_RECIPE names, else the published one.
    features
        Version of the features to learn from; by default see `version_to_train`.
    watch
        Shown the batches, from the first of the first epoch to the last of the last.

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
    settings = settings or choose_settings(platform.recipe)
    version = version_to_train(platform, features)
    labels = platform.ledger.latest("labels", 0)
    if labels is None:
        raise MissingInput(
            "training", found="no label set", expected="one", cure="Run: calnet-ops labels freeze"
        )
    dataset = freeze_dataset(labels.key, version, platform)
    lineage = lineage_id("train", VERSION, dataset=dataset.dataset_id, settings=asdict(settings))
    done = registered_before(lineage, platform.ledger)
    if done:
        log.info("model_unchanged", **done)
        return done
    forget_given_up(lineage, platform)
    checkpoints = StoredCheckpoints(lineage, platform.store)
    trained = _train(dataset, settings, checkpoints, platform, watch)
    origin = Origin(lineage, dataset, labels.facts["set_id"], asdict(settings))
    keep_model(trained, origin, platform.store)
    record = register_model(trained, origin, platform)
    checkpoints.forget()
    return record


def choose_settings(recipe: str, network: str = "", seed: int | None = None) -> Settings:
    """Settings of a recipe, perhaps with another network or seed.

    Raises
    ------
    WrongConfiguration
        If there is no such recipe or network.
    """
    if recipe not in RECIPES:
        raise WrongConfiguration("recipe", found=recipe, expected=" or ".join(RECIPES))
    settings = RECIPES[recipe]
    network = network or settings.network
    if network not in NETWORKS:
        raise WrongConfiguration("network", found=network, expected=" or ".join(NETWORKS))
    return replace(settings, network=network, seed=settings.seed if seed is None else seed)


def _train(
    dataset: Dataset,
    settings: Settings,
    checkpoints: StoredCheckpoints,
    platform: Platform,
    watch: Watch,
) -> Trained:
    """Fit, export, choose the threshold on validation stars, measure on test stars."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from calnet_ops.science.network.fit import train_fresh

    parts = {split: dataset.part(split) for split in ("train", "validation", "test")}
    _check_parts(parts, dataset)
    n_batch = settings.n_epoch * math.ceil(len(parts["train"]) / settings.batch)
    with scratch_folder(platform.work) as scratch:
        segments = {
            split: StoredSegments(rows, platform.store, scratch / split)
            for split, rows in parts.items()
        }
        model, epochs = train_fresh(
            segments["train"],
            segments["validation"],
            settings,
            _tell_epoch,
            on_step=partial(next, iter(watch(range(n_batch), "training")), None),
            checkpoints=checkpoints,
        )
        return _measured(model, epochs, parts, segments, dataset.features)


def _measured(
    model: Any,
    epochs: Sequence["Epoch"],
    parts: Mapping[str, pa.Table],
    segments: Mapping[str, StoredSegments],
    features: str,
) -> Trained:
    """What a trained network is worth, with the scorer that production uses."""
    from calnet_ops.science.network import export
    from calnet_ops.science.network.portable import portable
    from calnet_ops.science.network.weights import pack

    graph = export.to_litert(model)
    some = first_segments(segments["validation"], N_COMPARED)
    difference = export.check_export(graph, model, *some)
    weights = pack(export.to_weights(model)) if export.scores_in_numpy(model) else None
    scorer = make_scorer(WEIGHTS, weights) if weights else make_scorer(GRAPH, graph)
    raw = judge_stars(parts["validation"], segments["validation"].score(scorer))
    calibration = fit_calibration(raw.is_eb, raw.probability)
    known = raw.calibrated(calibration)
    test = judge_stars(parts["test"], segments["test"].score(scorer)).calibrated(calibration)
    threshold = choose_threshold(known.is_eb, known.probability, LEAST_RECALL)
    return Trained(
        model=portable(model),
        history=_history(epochs),
        graph=graph,
        weights=weights,
        litert_difference=difference,
        features=features,
        threshold=threshold,
        calibration=calibration,
        performance=measure(test.is_eb, test.eb_type, test.probability, threshold),
        test_stars=test,
        reference=training_reference(
            [(rows, segments[split]) for split, rows in parts.items()], [known, test]
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


def _tell_epoch(epoch: "Epoch") -> None:
    log.info("epoch_ended", **asdict(epoch))


def _history(epochs: Sequence["Epoch"]) -> dict[str, list[float]]:
    """Curves by name, a value an epoch."""
    names = ("loss", "validation_loss", "validation_accuracy")
    return {name: [float(getattr(epoch, name)) for epoch in epochs] for name in names}
