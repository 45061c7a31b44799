"""Models from elsewhere: files as Keras 2 and Keras 3 write them, read without running them.

One module, so that one process loads TensorFlow and the files, of 140 MB each, are written once.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import ModelRefused, WrongConfiguration
from calnet_ops.science.evaluation.first_look import first_segments
from calnet_ops.science.network.forward import Scorer
from calnet_ops.steps.gate import judge_version
from calnet_ops.steps.import_model import THRESHOLDS, import_model
from calnet_ops.steps.imported_network import read_network
from calnet_ops.steps.model_card import show_card
from calnet_ops.steps.stored_model import open_scorer
from tests.support.labelled_sky import fill_platform
from tests.support.memory_registry import MemoryRegistry
from tests.support.published_network import answer_of, published_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("tensorflow"),
    pytest.mark.filterwarnings("ignore"),
]

PYTHON = "/usr/bin/python3"
"""Debian's, whose PyTorch the tests use: the wheel of the registries is ten times as large."""

TORCH_PORT = Path(__file__).parents[1] / "support" / "torch_port.py"

FORMS = ("keras2.keras", "keras2.h5", "keras3.keras", "keras3.h5")


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, Any]:
    """What each library says; the files are in `folder`."""
    tf = pytest.importorskip("tensorflow")
    import keras
    import tf_keras

    folder = tmp_path_factory.mktemp("published")
    old = published_network(
        tf_keras,
        lambda block: tf.reduce_mean(block, axis=1, keepdims=True),
        lambda block: tf.reduce_max(block, axis=1, keepdims=True),
    )
    old.save(folder / "keras2.keras")
    old.save(folder / "keras2.h5")
    new = published_network(
        keras,
        lambda block: keras.ops.mean(block, axis=1, keepdims=True),
        lambda block: keras.ops.max(block, axis=1, keepdims=True),
    )
    new.save(folder / "keras3.keras")
    new.save(folder / "keras3.h5")
    said, said_now = answer_of(old), answer_of(new)
    return {
        "folder": folder,
        "keras2.keras": said,
        "keras2.h5": said,
        "keras3.keras": said_now,
        "keras3.h5": said_now,
    }


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Path:
    """Folder with files that Debian's PyTorch wrote, and what it says of `first_segments`."""
    folder = tmp_path_factory.mktemp("port")
    if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False).returncode:
        missing = f"Debian's python3-torch is not here ({PYTHON})"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    flux, power, is_eb = first_segments()
    np.savez(folder / "segments.npz", flux=flux, power=power, is_eb=is_eb)
    done = subprocess.run(
        [PYTHON, str(TORCH_PORT), str(folder), str(folder / "segments.npz")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture
def registered(platform):
    """A platform with labelled stars and a registry in memory."""
    platform.__dict__["registry"] = MemoryRegistry()
    fill_platform(platform, 100)
    return platform


@pytest.mark.parametrize("form", FORMS)
def test_a_published_file_scores_here_as_in_its_own_library(answers, form):
    file = answers["folder"] / form
    assert file.stat().st_size > 139e6  # with the state of the optimiser
    found = read_network(file)
    flux, power, _ = first_segments()
    score = Scorer(found.weights).score(flux, power)
    np.testing.assert_allclose(score, answers[form][:, 0], atol=1e-5)
    assert (found.network, found.output_index, found.look.order) == ("calnet", 0, "right")


def test_the_other_output_is_noticed_and_put_in_order(answers, tmp_path):
    file = Path(shutil.copy(answers["folder"] / "keras2.h5", tmp_path / "swapped.h5"))
    for array in ("kernel", "bias"):
        change(file, f"last/last/{array}:0", lambda values: values[..., ::-1])
    with pytest.raises(ModelRefused, match=r"output 0 higher for quiet.*--output-index 1"):
        read_network(file)
    flux, power, _ = first_segments()
    score = Scorer(read_network(file, 1).weights).score(flux, power)
    np.testing.assert_allclose(score, answers["keras2.h5"][:, 0], atol=1e-5)


@pytest.mark.system
def test_an_imported_model_is_registered_with_its_origin_and_judged(answers, registered):
    file = answers["folder"] / "keras2.keras"
    record = import_model(file, registered, name="as published", who="ada")
    tags = registered.registry.version(record["version"])["tags"]
    assert tags["taint"] == "simulated, training data unknown"
    assert tags["origin_name"] == "as published"
    assert tags["origin_file"] == "keras2.keras"
    assert tags["origin_imported_by"] == "ada"
    assert len(tags["origin_sha256"]) == 64
    assert tags["features_version"] == "v1"
    facts = json.loads(registered.store.load(keys.model(record["model_id"], "model.json")))
    assert facts["dataset"] == ""  # what it has learned from is not known
    assert facts["calibration"]["n_star"] > 0
    flux, power, _ = first_segments()
    score = open_scorer(record["model_id"], registered.store).score(flux, power)
    np.testing.assert_allclose(score, answers["keras2.keras"][:, 0], atol=1e-5)
    (told,) = registered.registry.logs
    assert told.dataset_use == "evaluation"
    judged = judge_version(record["version"], registered)
    assert "no evidence" not in " ".join(judged["reasons"])
    assert import_model(file, registered) == record
    assert len(registered.registry.logs) == 1


def test_a_network_that_says_the_same_of_everything_is_refused(answers, tmp_path):
    file = shutil.copy(answers["folder"] / "keras2.h5", tmp_path / "same.h5")
    change(file, "last/last/kernel:0", lambda kernel: 0 * kernel)
    with pytest.raises(ModelRefused, match="the same answer"):
        read_network(Path(file))


def test_a_network_that_answers_nonsense_is_refused(answers, tmp_path):
    file = shutil.copy(answers["folder"] / "keras2.h5", tmp_path / "nan.h5")
    change(file, "last/last/bias:0", lambda bias: np.nan * bias)
    with pytest.raises(ModelRefused, match="no numbers"):
        read_network(Path(file))


def test_the_same_weights_in_another_network_are_refused(answers, tmp_path):
    import h5py

    file = Path(shutil.copy(answers["folder"] / "keras2.h5", tmp_path / "other.h5"))
    with h5py.File(file, "r+") as held:
        config = held.attrs["model_config"]
        assert '"function": "math.reduce_max"' in config
        held.attrs["model_config"] = config.replace("math.reduce_max", "math.reduce_mean")
    with pytest.raises(ModelRefused, match="joined otherwise"):
        read_network(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WrongConfiguration, match=r"none\.keras"):
        read_network(tmp_path / "none.keras")


def test_a_folder_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ModelRefused, match=r"a SavedModel.*model\.save\('calnet\.keras'\)"):
        read_network(tmp_path)


def test_an_output_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WrongConfiguration, match="0 or 1"):
        read_network(tmp_path / "none.keras", 2)


def change(file, path, how):
    import h5py

    with h5py.File(file, "r+") as held:
        array = held["model_weights"][path]
        array[...] = how(array[...])


@pytest.mark.parametrize("form", ["port.pt", "checkpoint.pth"])
def test_a_state_dictionary_scores_here_as_in_pytorch(port, form):
    found = read_network(port / form)
    assert (found.network, found.output_index, found.look.order) == ("port", 1, "right")
    from calnet_ops.science.network.variants import build_network

    flux, power, _ = first_segments()
    model = build_network("port")
    for weight in model.weights:
        weight.assign(found.weights[weight.path])
    both = model.predict([flux[..., None], power[..., None]], verbose=0)
    # As in every network of ours, P(EB) comes first.
    np.testing.assert_allclose(both[:, ::-1], np.load(port / "answer.npy"), atol=1e-5)


def test_a_state_dictionary_in_the_order_of_keras_is_noticed(port):
    with pytest.raises(ModelRefused, match=r"output 0 higher for quiet.*--output-index 1"):
        read_network(port / "port.pt", 0)


@pytest.mark.parametrize(
    ("form", "found"), [("whole.pt", r"wants to run __main__\.Port"), ("old.pt", "bare pickle")]
)
def test_a_file_of_pytorch_that_holds_more_than_weights_is_refused(port, form, found):
    with pytest.raises(ModelRefused, match=found):
        read_network(port / form)


@pytest.mark.system
def test_without_labels_it_is_registered_and_the_gate_holds_it(port, platform):
    platform.__dict__["registry"] = MemoryRegistry()
    record = import_model(port / "port.pt", platform)
    assert record["threshold"] == THRESHOLDS["port"]
    assert record["recall"] is None
    tags = platform.registry.version(record["version"])["tags"]
    assert tags["taint"] == "training data unknown"
    flux, power, _ = first_segments()
    score = open_scorer(record["model_id"], platform.store).score(flux, power)
    np.testing.assert_allclose(score, np.load(port / "answer.npy")[:, 1], atol=1e-5)
    card = show_card(record["model_id"], platform)
    assert "has learned from is not known" in card
    assert "PyTorch state dictionary" in card
    assert "Not judged yet" in card
    judged = judge_version(record["version"], platform)
    assert judged["verdict"] == "fail"
    assert any("recall" in reason and "no evidence" in reason for reason in judged["reasons"])
    card = show_card(record["model_id"], platform)
    assert "## Gate\n**fail**" in card
    assert platform.registry.attached["run-1/card.md"].decode() == card
