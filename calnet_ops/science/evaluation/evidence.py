"""What is known of a model when it is judged, as plain numbers that travel as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from calnet_ops.science.evaluation.canary import Song
from calnet_ops.science.evaluation.compare import Difference
from calnet_ops.science.evaluation.metrics import (
    Floats,
    Mask,
    Rate,
    average_precision,
    confusion,
    precision,
    recall,
    recall_by_type,
    specificity,
)
from calnet_ops.science.evaluation.report import Level


@dataclass(frozen=True, slots=True)
class Performance:
    """How a model does on test stars at its own threshold."""

    threshold: float
    recall: Rate
    precision: Rate
    specificity: Rate
    average_precision: float
    recall_by_type: Mapping[str, Rate]

    def as_json(self) -> dict[str, Any]:
        """Numbers and dictionaries only."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What `as_json` gave."""
        return cls(
            threshold=stored["threshold"],
            recall=Rate(**stored["recall"]),
            precision=Rate(**stored["precision"]),
            specificity=Rate(**stored["specificity"]),
            average_precision=stored["average_precision"],
            recall_by_type={name: Rate(**rate) for name, rate in stored["recall_by_type"].items()},
        )


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model scores, on one core [segments per second of CPU]."""

    model: float
    champion: float | None
    """In the same process, taking turns; None without one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the gate looks at. None is a check that was not made."""

    star: Level | None
    """On the test stars of its data set."""
    against: tuple[Difference, ...] | None
    """On the same stars, from the model in production; None without one."""
    champion: str
    """Model in production; empty if there is none to be compared with."""
    song: Song | None
    """On the canary of its features."""
    speed: Speed | None
    litert_difference: float | None
    """Largest difference of a score between Keras and what production runs."""
    features: str
    """Version of the features it learned from."""
    output_index: int | None
    """Which output of the network is P(EB)."""


NO_EVIDENCE = Evidence(None, None, "", None, None, None, "", None)
"""Of a version of which nothing is known."""


def measure(
    is_eb: Mask, eb_type: Sequence[str], probability: Floats, threshold: float
) -> Performance:
    """Performance on stars.

    Parameters
    ----------
    is_eb
        (n_star,) truth, each star once.
    eb_type
        (n_star,) ``EA``, ``EB``, ``EW`` or empty.
    probability
        (n_star,) P(EB).
    threshold
        From here on a star is called a binary.
    """
    called = probability >= threshold
    counts = confusion(is_eb, called)
    return Performance(
        threshold=float(threshold),
        recall=recall(counts),
        precision=precision(counts),
        specificity=specificity(counts),
        average_precision=average_precision(is_eb, np.asarray(probability, np.float64)),
        recall_by_type=recall_by_type(eb_type, is_eb, called),
    )
