"""A training told to MLflow: parameters, curves, figures, data set, model."""

import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calnet_ops.adapters.registry.registry import LoggedModel, TrainingLog

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "calnet"
"""Experiment that holds every training."""

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""MLflow's own settings: tell nobody, and leave standard output to the commands' JSON."""

NEEDED = ("keras", "numpy", "tensorflow-cpu", "h5py")
"""What it takes to load the model, pinned to what it was made with. Said, because MLflow would load
the model once more in a process of its own to find out."""

ENVIRONMENT = "environment.txt"
"""Artifact that lists every package of the process that made the model."""

COMMIT = "mlflow.source.git.commit"
"""MLflow's own tag for the commit, which its pages show."""


def log_run(url: str, training: TrainingLog) -> LoggedModel:
    """Keep a run with its parameters, curves, figures, data set and model.

    The model goes in as plain Keras layers in Keras' own format, without the state of the
    optimiser, so that ``mlflow.keras.load_model("models:/calnet@champion")`` works for anybody
    who has Keras and nothing of ours.

    Parameters
    ----------
    url
        The tracking server.
    training
        What to keep.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow

    mlflow.set_tracking_uri(url)
    mlflow.set_experiment(EXPERIMENT)
    commit = {COMMIT: training.commit} if training.commit else {}
    # Its own names (calm-cod-101) tell nothing; without a model's, it makes one up.
    title = training.tags.get("model_id")
    with mlflow.start_run(run_name=title, tags={**training.tags, **commit}) as run:
        mlflow.log_params(dict(training.params))
        mlflow.log_metrics(dict(training.metrics))
        _log_history(mlflow.MlflowClient(), run.info.run_id, training)
        if training.dataset_id:
            mlflow.log_input(_dataset(training), training.dataset_use, _dataset_tags(training))
        with _artifacts(training) as folder:
            mlflow.log_artifacts(folder)
        return LoggedModel(run.info.run_id, _log_model(training))


def _log_history(client: "MlflowClient", run_id: str, training: TrainingLog) -> None:
    """All epochs in one request."""
    from mlflow.entities import Metric

    now_ms = int(time.time() * 1000)
    client.log_batch(
        run_id,
        [
            Metric(name, float(value), now_ms, epoch)
            for name, values in training.history.items()
            for epoch, value in enumerate(values, start=1)
        ],
    )


def _dataset(training: TrainingLog) -> Any:
    """Address and id of the data set: MLflow keeps where it is, the store keeps it."""
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset

    profile = json.dumps(_dataset_tags(training))

    class Profiled(MetaDataset):
        def to_dict(self) -> dict[str, str]:
            """As it is; the pages of a run show the profile of a data set, and not its tags."""
            return {**super().to_dict(), "profile": profile}

    source = resolve_dataset_source(training.dataset_uri)
    return Profiled(source, name="calnet", digest=training.dataset_id)


def _dataset_tags(training: TrainingLog) -> dict[str, str]:
    """What the page of a run shows with its data set."""
    kept = ("features_version", "label_set", "simulated", "taint")
    return {
        **{f"n_segment_{split}": str(n) for split, n in training.dataset_counts.items()},
        **{name: training.tags[name] for name in kept if name in training.tags},
    }


def _log_model(training: TrainingLog) -> str:
    """Address of the logged model: ``models:/m-...``."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema

    inputs, outputs = training.model.inputs, training.model.outputs
    signature = ModelSignature(
        Schema([_tensor(tensor, tensor.name) for tensor in inputs]),
        Schema([_tensor(*pair) for pair in zip(outputs, training.model.output_names, strict=True)]),
    )
    info = Model.log(
        artifact_path=None,
        name="model",
        flavor=_KerasFlavor,
        validate_serving_input=False,  # it would load the model once more; a test does
        model=training.model,
        signature=signature,
        input_example=dict(training.example) or None,
        pip_requirements=[f"{package}=={version(package)}" for package in NEEDED],
    )
    return str(info.model_uri)


class _KerasFlavor:
    """`mlflow.keras`, which writes the input example into a folder that it has not made yet."""

    __name__ = "mlflow.keras"

    @staticmethod
    def save_model(path: str, *, validate_serving_input: bool, **told: Any) -> None:
        """Make the folder, then do as `mlflow.keras` does."""
        import mlflow

        del validate_serving_input  # is for the caller, who passes it on

        Path(path).mkdir(parents=True, exist_ok=True)
        mlflow.keras.save_model(path=path, **told)


def _tensor(tensor: Any, name: str) -> Any:
    """Name, type and shape of an input or output; -1 stands for any number of segments."""
    import numpy as np
    from mlflow.types import TensorSpec

    return TensorSpec(np.dtype("float32"), (-1, *tensor.shape[1:]), name)


@contextmanager
def _artifacts(training: TrainingLog) -> Iterator[str]:
    """A folder with all further artifacts of the run."""
    figures = {f"figures/{name}": image for name, image in training.figures.items()}
    files = {**figures, ENVIRONMENT: _environment().encode(), **training.files}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield folder


def _environment() -> str:
    """Python and every package of this process, as pip reads it."""
    found = {f"{one.metadata['Name']}=={one.version}" for one in distributions()}
    return "\n".join([f"# Python {platform.python_version()}", *sorted(found, key=str.lower), ""])
