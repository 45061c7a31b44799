"""Runs, models and their versions, and which one is in production: MLflow."""

from calnet_ops.adapters.registry.mlflow_server import MODEL, MlflowRegistry, open_registry
from calnet_ops.adapters.registry.moved import Moved
from calnet_ops.adapters.registry.registry import (
    CHALLENGER,
    CHAMPION,
    MAX_DESCRIPTION,
    LoggedModel,
    ModelVersion,
    Registry,
    TrainingLog,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MAX_DESCRIPTION",
    "MODEL",
    "LoggedModel",
    "MlflowRegistry",
    "ModelVersion",
    "Moved",
    "Registry",
    "TrainingLog",
    "open_registry",
]
