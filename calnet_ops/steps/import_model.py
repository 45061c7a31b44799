"""Bring a model from elsewhere: check the file, fit what belongs to our stars, register it."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from calnet_ops.errors import MissingInput
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import IDENTITY, fit_calibration
from calnet_ops.science.evaluation.evidence import measure
from calnet_ops.science.evaluation.first_look import first_segments
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.steps.dataset import Dataset, freeze_dataset, judge_stars
from calnet_ops.steps.imported_network import ImportedNetwork, read_network
from calnet_ops.steps.registered import (
    TrainedRecord,
    keep_model,
    register_model,
    registered_before,
)
from calnet_ops.steps.registered_model import LEAST_RECALL, Origin, Trained
from calnet_ops.steps.stored_model import GRAPH, WEIGHTS, Scorer, make_scorer
from calnet_ops.steps.stored_segments import StoredSegments
from calnet_ops.steps.training_reference import training_reference

VERSION = 1
"""Raised when the same file and data set give another model."""

FEATURES = "v1"
"""Features that published networks learned from."""

THRESHOLDS = {"calnet": 0.9, "port": 0.5}
"""Where nothing is known of our stars: what the published code asks of either network."""

log = structlog.get_logger()


def import_model(
    file: Path,
    platform: Platform,
    output_index: int | None = None,
    name: str = "",
    who: str = "",
) -> TrainedRecord:
    """Register a network that somebody else trained; free if that was done before.

    Nothing of the file is run: its arrays are laid into our own network. Calibration and threshold
    are fitted on our validation stars and figures measured on our test stars, if there are labels;
    without, the gate holds the version, as checks that were not made have failed.

    Parameters
    ----------
    file
        See `read_network`.
    output_index
        Which output is P(EB), if not the published one.
    name
        What to call it in the registry; by default the file's name.
    who
        Who imports it.

    Raises
    ------
    ModelRefused
        If the file is not safe, not one of the published networks, or answers nonsense.
    WrongConfiguration
        If there is no such file, or no such output.
    ExportDiffers
        If the exported graph does not score as the network does.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = read_network(file, output_index)
    dataset, set_id = _newest_dataset(platform)
    lineage = lineage_id(
        "import",
        VERSION,
        file=found.sha256,
        output_index=found.output_index,
        dataset=dataset.dataset_id if dataset else "",
    )
    done = registered_before(lineage, platform.ledger)
    if done:
        log.info("model_unchanged", **done)
        return done
    trained = _prepare(found, dataset, platform)
    foreign = {
        "name": name or file.name,
        "file": file.name,
        "sha256": found.sha256,
        "form": found.form,
        "output_index": str(found.output_index),
        "order_of_outputs": found.look.order,
        "imported_by": who or "unknown",
    }
    params: Mapping[str, str] = {"network": found.network, "origin": "imported"}
    origin = Origin(lineage, dataset, set_id, params, foreign)
    keep_model(trained, origin, platform.store)
    return register_model(trained, origin, platform)


def _newest_dataset(platform: Platform) -> tuple[Dataset | None, str]:
    """Data set of the newest labels and the id of these; None if it cannot judge a network."""
    labels = platform.ledger.latest("labels", 0)
    if labels is None:
        return None, ""
    try:
        dataset = freeze_dataset(labels.key, FEATURES, platform)
    except MissingInput as error:
        log.warning("model_not_measured", reason=str(error))
        return None, ""
    for side in ("validation", "test"):
        if len(set(dataset.part(side)["verdict"].to_pylist())) < 2:  # noqa: PLR2004 - EB, NOT_EB
            log.warning("model_not_measured", reason=f"one kind of star only on side {side}")
            return None, ""
    return dataset, labels.facts["set_id"]


def _prepare(found: ImportedNetwork, dataset: Dataset | None, platform: Platform) -> Trained:
    """Export the network, and fit and measure what our stars tell of it."""
    from calnet_ops.science.network import export
    from calnet_ops.science.network.portable import portable
    from calnet_ops.science.network.variants import build_network
    from calnet_ops.science.network.weights import pack

    model = build_network(found.network)
    for weight in model.weights:
        weight.assign(found.weights[weight.path])
    graph = export.to_litert(model)
    flux, power, _ = first_segments()
    difference = export.check_export(graph, model, flux, power)
    weights = pack(export.to_weights(model)) if export.scores_in_numpy(model) else None
    scorer = make_scorer(WEIGHTS, weights) if weights else make_scorer(GRAPH, graph)
    return Trained(
        model=portable(model),
        graph=graph,
        weights=weights,
        litert_difference=difference,
        features=FEATURES,
        file_sha256=found.sha256,
        **_measured(found, dataset, scorer, platform),
    )


def _measured(
    found: ImportedNetwork, dataset: Dataset | None, scorer: Scorer, platform: Platform
) -> dict[str, Any]:
    """Threshold, calibration and figures: fields of `Trained`."""
    if dataset is None:
        unknown = dict.fromkeys(("performance", "test_stars", "reference"))
        return {"threshold": THRESHOLDS[found.network], "calibration": IDENTITY, **unknown}
    parts = {side: dataset.part(side) for side in ("validation", "test")}
    with TemporaryDirectory(prefix="import-", dir=platform.work) as scratch:
        segments = {
            side: StoredSegments(rows, platform.store, Path(scratch, side))
            for side, rows in parts.items()
        }
        raw = {side: judge_stars(parts[side], segments[side].score(scorer)) for side in parts}
        calibration = fit_calibration(raw["validation"].is_eb, raw["validation"].probability)
        known, test = (raw[side].calibrated(calibration) for side in ("validation", "test"))
        threshold = choose_threshold(known.is_eb, known.probability, LEAST_RECALL)
        return {
            "threshold": threshold,
            "calibration": calibration,
            "performance": measure(test.is_eb, test.eb_type, test.probability, threshold),
            "test_stars": test,
            "reference": training_reference(
                [(parts[side], segments[side]) for side in parts], [known, test]
            ),
        }
