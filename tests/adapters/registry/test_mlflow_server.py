"""The registry on a real MLflow server on loopback."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import h5py
import httpx
import numpy as np
import pytest

from calnet_ops.adapters.registry import MlflowRegistry, TrainingLog, open_registry
from calnet_ops.errors import MissingInput, ServiceUnavailable
from tests.support.mlflow_servers import mlflow_server

OUTSIDER = """
import sys, mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
kept = mlflow.artifacts.download_artifacts("models:/calnet@champion", dst_path=sys.argv[2])
model = mlflow.keras.load_model("models:/calnet@champion")
flux, power = np.full((2, 4000, 1), 0.5, "f4"), np.full((2, 1000, 1), 0.5, "f4")
assert model.predict([flux, power], verbose=0).shape == (2, 2)
served = mlflow.pyfunc.load_model(kept)
assert set(served.metadata.signature.inputs.input_names()) == {"flux", "power"}
example = served.metadata.load_input_example(kept)
assert {name: array.shape for name, array in example.items()} == {
    "flux": (1, 4000, 1), "power": (1, 1000, 1)}
assert served.predict(example).shape == (1, 2)
assert not [name for name in sys.modules if name.startswith("calnet_ops")]
"""


def test_a_server_that_is_away_may_be_back_later():
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1:1"):
        open_registry("http://127.0.0.1:1").champion_version()


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(scope="module")
def registry(url) -> MlflowRegistry:
    return open_registry(url)


@pytest.fixture(scope="module")
def version(registry) -> int:
    """A version of a network that was trained for a step, so that its optimiser has a state."""
    from calnet_ops.science.network.calnet import build
    from calnet_ops.science.network.portable import portable

    model = build()
    model.compile("adam", "binary_crossentropy")
    model.train_on_batch(
        [np.zeros((1, 4000, 1), "f4"), np.zeros((1, 1000, 1), "f4")], np.ones((1, 2), "f4")
    )
    training = TrainingLog(
        model=portable(model),
        params={"n_epoch": 2},
        metrics={"test_recall": 0.9},
        history={"loss": [0.7, 0.5], "validation_loss": [0.8, 0.6]},
        tags={"model_id": "m1", "features_version": "v1", "simulated": "true"},
        dataset_id="0123456789abcdef",
        dataset_uri="s3://calnet/datasets/0123456789abcdef.parquet",
        dataset_counts={"train": 10, "test": 2},
        figures={"training.png": b"\x89PNG"},
        example={
            "flux": np.full((1, 4000, 1), 0.5, np.float32),
            "power": np.full((1, 1000, 1), 0.25, np.float32),
        },
        files={"signature/public-key.pem": b"key"},
        commit="1" * 40,
    )
    assert registry.champion_version() is None
    assert registry.versions() == []
    logged = registry.log_training(training)
    return registry.register(logged, {"model_id": "m1", "simulated": "true"}, "Not judged yet.")


@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
class TestServer:
    def test_a_run_holds_all_that_was_told(self, url, registry, version):
        run_id = registry.version(version)["run_id"]
        api = f"{url}/api/2.0/mlflow"
        run = httpx.get(f"{api}/runs/get", params={"run_id": run_id}).json()["run"]
        assert {"key": "n_epoch", "value": "2"} in run["data"]["params"]
        (dataset,) = run["inputs"]["dataset_inputs"]
        assert dataset["dataset"]["digest"] == "0123456789abcdef"
        assert {tag["key"]: tag["value"] for tag in dataset["tags"]} == {
            "mlflow.data.context": "training",
            "n_segment_train": "10",
            "n_segment_test": "2",
            "features_version": "v1",
            "simulated": "true",
        }
        assert json.loads(dataset["dataset"]["profile"])["n_segment_train"] == "10"
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        assert tags["mlflow.source.git.commit"] == "1" * 40
        listed = httpx.get(f"{api}/artifacts/list", params={"run_id": run_id}).json()["files"]
        assert {file["path"] for file in listed} == {"figures", "signature", "environment.txt"}
        question = {"run_id": run_id, "metric_key": "loss"}
        curve = httpx.get(f"{api}/metrics/get-history", params=question).json()["metrics"]
        assert [(point["step"], point["value"]) for point in curve] == [(1, 0.7), (2, 0.5)]

    def test_tags_and_aliases_are_kept(self, registry, version):
        registry.tag(version, "verdict", "pass")
        registry.describe(version, "**fine**")
        registry.set_challenger(version)
        registry.set_champion(version)
        assert registry.champion_version() == version
        (listed,) = registry.versions()
        assert listed["tags"] == {"model_id": "m1", "simulated": "true", "verdict": "pass"}
        assert sorted(listed["aliases"]) == ["challenger", "champion"]
        registry.clear_champion()
        registry.clear_champion()
        assert registry.champion_version() is None

    def test_a_version_that_is_not_there_is_missing(self, registry, version):
        with pytest.raises(MissingInput, match="version 99"):
            registry.version(99)

    def test_the_webhook_is_replaced_not_doubled(self, url, registry, version):
        for path in ("one", "two"):
            registry.send_webhook(f"http://127.0.0.1:9/{path}", "secret")
        hooks = httpx.get(f"{url}/api/2.0/mlflow/webhooks").json()["webhooks"]
        assert [hook["url"] for hook in hooks] == ["http://127.0.0.1:9/two"]

    def test_outsiders_load_the_champion_with_nothing_of_ours(
        self, url, registry, version, tmp_path
    ):
        registry.set_champion(version)
        done = subprocess.run(
            [sys.executable, "-c", OUTSIDER, url, str(tmp_path)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        (file,) = tmp_path.rglob("model.keras")
        assert 34e6 < file.stat().st_size < 36e6
        with zipfile.ZipFile(file) as parts, h5py.File(parts.open("model.weights.h5")) as held:
            names: list[str] = []
            held.visit(names.append)
        assert "layers" in names
        assert not [name for name in names if "optimizer" in name]
        pinned = (file.parents[1] / "requirements.txt").read_text().split()
        assert {line.partition("==")[0] for line in pinned} >= {"keras", "numpy", "tensorflow-cpu"}
        assert all("==" in line for line in pinned)
