"""What the platform needs of a model registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

import numpy as np
import numpy.typing as npt

from calnet_ops.adapters.registry.moved import Moved

CHAMPION = "champion"
"""Alias of the version in production. A person moves it, in the MLflow UI."""

CHALLENGER = "challenger"
"""Alias of the version trained last."""


MAX_DESCRIPTION = 5000
"""Longest description; PostgreSQL behind MLflow takes no more."""


class ModelVersion(TypedDict):
    """A version of the registered model."""

    version: int
    run_id: str
    tags: dict[str, str]
    aliases: list[str]
    description: str
    """Markdown, as the UI shows it."""


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A run and the model that it left behind."""

    run_id: str
    model_uri: str


@dataclass(frozen=True)
class TrainingLog:
    """All that is told about a training."""

    model: Any
    """The network, a Keras model of plain Keras layers."""
    params: Mapping[str, str | int | float]
    metrics: Mapping[str, float]
    """Of the finished model."""
    history: Mapping[str, Sequence[float]]
    """Of each epoch."""
    tags: Mapping[str, str]
    dataset_id: str
    """Empty where there is none; then address and counts are as well."""
    dataset_uri: str
    dataset_counts: Mapping[str, int]
    """Segments of each split."""
    dataset_use: str = "training"
    """What it served for: ``training``, or ``evaluation`` of a network from elsewhere."""
    figures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG images by file name."""
    example: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """A segment by input of the network, each of shape (1, n, 1)."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Further artifacts by path: signature, model card, environment."""
    commit: str = ""
    """Git commit of the code, if it ran from a checkout."""


class Registry(Protocol):
    """A model registry with runs, versions, tags and aliases. It knows no stages."""

    def log_training(self, training: TrainingLog) -> LoggedModel:
        """Keep a run with its parameters, curves, figures, data set and model."""

    def register(self, logged: LoggedModel, tags: Mapping[str, str], description: str) -> int:
        """Make a version of a logged model; its number."""

    def version(self, version: int) -> ModelVersion:
        """A version by its number."""

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""

    def tag(self, version: int, name: str, value: str) -> None:
        """Set a tag of a version."""

    def untag(self, version: int, name: str) -> None:
        """Take a tag of a version away, if it is there."""

    def attach(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Keep files with the artifacts of a run, in place of any of the same names."""

    def artifacts_link(self, run_id: str) -> str:
        """Address of a run's artifacts, as a description links to it from within the UI."""

    def describe(self, version: int, description: str) -> None:
        """Set the text that the UI shows with a version."""

    def champion_version(self) -> int | None:
        """Where the alias ``champion`` points."""

    def set_champion(self, version: int) -> None:
        """Point the alias ``champion`` at a version."""

    def clear_champion(self) -> None:
        """Take the alias ``champion`` away."""

    def champion_moved(self, key: str) -> Moved | None:
        """Who moved the alias last, by a note signed with a key; None if nobody noted it."""

    def champion_keepers(self) -> list[str] | None:
        """Who may move the alias, by name; None if the registry has no logins."""

    def set_challenger(self, version: int) -> None:
        """Point the alias ``challenger`` at a version."""

    def send_webhook(self, url: str, secret: str) -> None:
        """Have the registry call a URL whenever an alias moves, signed with a secret."""
