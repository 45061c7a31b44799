"""Training, gate and promotion on labelled features, with a registry in memory."""

import json
import logging
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.canary import load_canary
from calnet_ops.science.evaluation.drift import NUMBERS
from calnet_ops.science.network.litert import Scorer
from calnet_ops.science.network.settings import PUBLISHED
from calnet_ops.science.network.weights import pack, unpack
from calnet_ops.steps import checkpoints, judged_model
from calnet_ops.steps.evaluation import FIGURES
from calnet_ops.steps.gate import judge_version
from calnet_ops.steps.promote import follow_champion
from calnet_ops.steps.registered_model import LEAST_RECALL
from calnet_ops.steps.stored_model import open_scorer
from calnet_ops.steps.train import train_model
from calnet_ops.steps.training_reference import REFERENCE_PART
from tests.support.labelled_sky import fill_platform, labelled_segment
from tests.support.memory_registry import MemoryRegistry
from tests.support.memory_store import MemoryStore
from tests.support.platforms import make_platform

QUICK = replace(PUBLISHED, n_epoch=2, batch=16, amsgrad=False, start="measured")


def test_without_labels_there_is_nothing_to_learn(platform):
    with pytest.raises(MissingInput, match="calnet-ops labels freeze"):
        train_model(platform, QUICK)


def test_an_unknown_recipe_is_refused(platform, monkeypatch):
    monkeypatch.setenv("CALNET_RECIPE", "cake")
    with pytest.raises(WrongConfiguration, match="cake"):
        train_model(platform)


class Killed(Exception):
    """What a kill looks like from inside."""


def dying(items, label):
    """Watches two thirds of the batches."""
    yield from items[: 2 * len(items) // 3]
    raise Killed(label)


@pytest.fixture(scope="module")
def trained_platform(tmp_path_factory):
    """A platform after training, with what `train_model` said."""
    pytest.importorskip("tensorflow")
    logging.getLogger("absl").setLevel(logging.ERROR)
    platform = make_platform(tmp_path_factory.mktemp("circle"))
    platform.__dict__["registry"] = MemoryRegistry()
    fill_platform(platform, 200, versions=("v1", "v2"))
    return platform, train_model(platform, QUICK)


def labelled_canary(version):
    """Stars as this network has learned them; of real ones it knows nothing."""
    canary = load_canary(version)
    assert canary is not None
    rng = np.random.default_rng(1)
    segments = [labelled_segment(rng, number, is_eb) for number, is_eb in enumerate(canary.is_eb)]
    flux, power = (np.stack([getattr(one, name) for one in segments]) for name in ("flux", "power"))
    return replace(canary, flux=flux, power=power)


@pytest.fixture
def circle(trained_platform, monkeypatch):
    """The same with a registry of its own, so that the tests may come in any order."""
    platform, trained = trained_platform
    monkeypatch.setitem(platform.__dict__, "registry", platform.registry.copy())
    monkeypatch.setattr(judged_model, "load_canary", labelled_canary)
    return platform, trained


@pytest.mark.system
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
class TestCircle:
    def test_the_exported_model_is_the_one_that_was_judged(self, circle):
        platform, trained = circle
        facts = json.loads(platform.store.load(keys.model(trained["model_id"], "model.json")))
        assert facts["features"] == "v1"
        assert facts["threshold"] == trained["threshold"]
        assert (facts["output_index"], facts["simulated"]) == (0, True)
        assert facts["least_recall"] == trained["least_recall"] == LEAST_RECALL
        assert Calibration.from_json(facts["calibration"]).n_star > 0
        graph = platform.store.load(keys.model(trained["model_id"], "calnet.tflite"))
        whole = platform.store.load(keys.model(trained["model_id"], "calnet.keras"))
        assert 34e6 < len(whole) < 36e6  # without the state of the optimiser
        table = platform.store.load_table(trained["dataset"])
        flat = np.zeros((3, 4000), np.float32), np.zeros((3, 1000), np.float32)
        assert Scorer(graph).score(*flat).shape == (3,)
        assert len(table) == 400 >= sum(trained["n_segment"].values())  # some stars are guards

    def test_what_its_stars_look_like_is_kept_for_drift(self, circle):
        platform, trained = circle
        reference = platform.store.load_table(keys.model(trained["model_id"], REFERENCE_PART))
        counts = {(r["number"], r["verdict"]): r["n_star"] for r in reference.to_pylist()}
        assert {number for number, _ in counts} == set(NUMBERS)
        assert 180 < counts["flux_skew", "EB"] + counts["flux_skew", "NOT_EB"] <= 200  # guards
        unseen = counts["probability", "EB"] + counts["probability", "NOT_EB"]
        assert 20 < unseen < 120  # validation and test stars alone

    def test_the_registry_was_told_everything(self, circle):
        platform, trained = circle
        (log,) = platform.registry.logs
        assert log.params["n_epoch"] == QUICK.n_epoch
        assert {name: array.shape for name, array in log.example.items()} == {
            "flux": (1, 4000, 1),
            "power": (1, 1000, 1),
        }
        card = log.files["card.md"].decode()
        assert "**Taint: simulated.**" in card
        assert f"Data set `{trained['dataset_id']}`" in card
        assert {"training.png", "confusion.png", "precision_recall.png"} < set(log.figures)
        assert set(FIGURES) < set(log.figures)
        assert log.metrics["test_recall_low"] < log.metrics["test_recall"] <= 1
        assert "recall_as_published" in log.metrics
        assert len(log.history["loss"]) == QUICK.n_epoch
        tags = platform.registry.version(trained["version"])["tags"]
        assert tags["simulated"] == "true"
        assert {"features_version", "output_index", "dataset_id", "label_set"} <= set(tags)
        assert platform.registry.version(trained["version"])["aliases"][0] == "challenger"

    def test_a_model_of_other_features_is_another_and_says_so(self, circle):
        platform, trained = circle
        other = train_model(platform, replace(QUICK, n_epoch=1, seed=2), "v2")
        assert other["dataset_id"] != trained["dataset_id"]
        facts = json.loads(platform.store.load(keys.model(other["model_id"], "model.json")))
        assert facts["features"] == "v2"
        assert platform.registry.version(other["version"])["tags"]["features_version"] == "v2"

    def test_another_network_scores_with_its_graph_and_survives_a_kill(
        self, circle, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(checkpoints, "KEPT_AFTER_S", 0.0)
        platform, _ = circle
        small = replace(QUICK, network="compact")
        trained = train_model(platform, small)
        assert not platform.store.exists(keys.model(trained["model_id"], "calnet.npz"))
        assert open_scorer(trained["model_id"], platform.store).score(
            np.zeros((3, 4000), np.float32), np.zeros((3, 1000), np.float32)
        ).shape == (3,)
        judged = judge_version(trained["version"], platform)
        assert not [reason for reason in judged["reasons"] if "Keras" in reason]
        # The same on a platform where it dies in its second epoch, and is begun again.
        other = make_platform(tmp_path)
        other.__dict__["registry"] = MemoryRegistry()
        fill_platform(other, 200, versions=("v1", "v2"))
        with pytest.raises(Killed):
            train_model(other, small, watch=dying)
        assert list(other.store.iter_keys("training/"))
        given_up = keys.training_state("0123456789abcdef", 3)
        other.store.save_new(given_up, b"of a killed training that nobody took up again")
        assert isinstance(other.store, MemoryStore)
        other.store.written[given_up] = datetime(2018, 8, 1)  # noqa: DTZ001
        (other.work / "training-killed").mkdir()
        (other.work / "training-killed" / "owner").touch()
        again = train_model(other, small)
        assert again["model_id"] == trained["model_id"]
        assert not list(other.store.iter_keys("training/"))
        assert not list(other.work.glob("training-*"))

    def test_training_again_is_free(self, circle):
        platform, trained = circle
        assert train_model(platform, QUICK) == trained
        assert len(platform.registry.logs) == 1

    def test_the_judged_model_goes_into_production(self, circle):
        platform, trained = circle
        judged = judge_version(trained["version"], platform)
        assert (judged["verdict"], judged["reasons"]) == ("pass", [])
        assert platform.registry.version(trained["version"])["tags"]["verdict"] == "pass"
        platform.registry.set_champion(trained["version"])
        assert follow_champion(platform)["sectors"] == [61]

    def test_a_model_that_says_the_opposite_is_stopped(self, circle):
        platform, trained = circle
        store, model_id = platform.store, trained["model_id"]
        weights = dict(unpack(store.load(keys.model(model_id, "calnet.npz"))))
        for name in ("probability/kernel", "probability/bias"):
            weights[name] = weights[name][..., ::-1].copy()
        store.save_new(keys.model("swapped", "calnet.npz"), pack(weights))
        for part in ("evidence.json", "model.json"):
            store.save_new(keys.model("swapped", part), store.load(keys.model(model_id, part)))
        logged = platform.registry.log_training(platform.registry.logs[0])
        version = platform.registry.register(logged, {"model_id": "swapped"}, "")
        judged = judge_version(version, platform)
        assert judged["verdict"] == "fail"
        assert {"recall, lower bound", "canary, order"} <= {
            reason.split(": found")[0] for reason in judged["reasons"]
        }
