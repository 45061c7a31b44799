"""A network ready to be registered, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from calnet_ops.lineage import ID_LENGTH, canonical_json, sha256_hex
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.evidence import Performance
from calnet_ops.steps.dataset import Dataset, Stars

LEAST_RECALL = 0.90
"""Recall of validation stars that the threshold is chosen for (they are blurred, see
`choose_threshold`, so unseen stars do better). Two networks of the recipe "demo" then found 0.92
to 0.98 of the binaries in seven unseen simulated sectors. Of sectors thinned to 4% binaries (real
ones have 2%), half of the candidates were binaries; a choice for 0.95 found 0.96 to 0.99, and only
a third were: half as many stars more for the vetters to look at."""

OUTPUT_INDEX = 0
"""Output that is P(EB), as in the published Keras form; of networks from elsewhere as well, once
they are here."""


@dataclass(frozen=True)
class Trained:
    """A network and all that is known of it, ready to be kept."""

    model: Any
    """Keras model of plain layers."""
    graph: bytes
    """Exported for LiteRT."""
    weights: bytes | None
    """What production scores with, where the platform itself computes this network; else it is
    the graph."""
    litert_difference: float
    """Of the graph and of the weights from Keras, the larger one."""
    features: str
    """Version of the features that it learned from."""
    threshold: float
    calibration: Calibration
    """Fitted on validation stars; the identity without any."""
    performance: Performance | None
    """On test stars; None where there are none, so that the gate holds it."""
    test_stars: Stars | None
    """With calibrated probabilities."""
    reference: pa.Table | None
    """How the numbers that drift is judged by are distributed among its stars."""
    history: Mapping[str, list[float]] = field(default_factory=dict)
    """Curves of its training by name, a value an epoch."""
    file_sha256: str = ""
    """Of the file from elsewhere that it was read from."""

    @property
    def model_id(self) -> str:
        """Id of graph and calibration: same weights and same probabilities, same model.

        A file from elsewhere is a model of its own, whatever else has the same weights.
        """
        told = self.graph + canonical_json(self.calibration.as_json())
        return sha256_hex(told + self.file_sha256.encode())[:ID_LENGTH]


@dataclass(frozen=True)
class Origin:
    """Where a network comes from: a training, or a file."""

    lineage: str
    """Who asks for the same once more gets the same record."""
    dataset: Dataset | None
    """What it was judged on, and learned from unless `foreign` says otherwise."""
    set_id: str
    """Id of the label set behind the data set."""
    params: Mapping[str, str | int | float]
    """How it was made."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """What is known of a file from elsewhere; its training stars are not."""

    @property
    def simulated(self) -> bool:
        """Whether a simulation has a part in it."""
        return self.dataset is not None and self.dataset.simulated

    @property
    def taint(self) -> str:
        """What its readers have to know, in words; empty if nothing."""
        words = ["simulated"] if self.simulated else []
        return ", ".join([*words, *(["training data unknown"] if self.foreign else [])])
