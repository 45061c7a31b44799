"""When a training starts, when it does not, and what is said of it."""

from datetime import timedelta

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import ServiceUnavailable, WrongConfiguration
from calnet_ops.orchestration import forms
from calnet_ops.science.network.settings import RECIPES
from calnet_ops.steps import trigger
from calnet_ops.steps.trigger import EVENT, HAND, MONTHLY, read_wish, why_retrain

NOTHING = read_wish({})
NEEDED = 200


def freeze(platform, set_id, n_eb, n_other=1000):
    """A label set of so many binaries and others."""
    rows = [{"tic": n, "verdict": "EB", "eb_type": "EA"} for n in range(n_eb)]
    rows += [{"tic": 10_000 + n, "verdict": "NOT_EB", "eb_type": ""} for n in range(n_other)]
    platform.store.save_table(keys.label_set(set_id), pa.Table.from_pylist(rows))
    platform.ledger.record("labels", 0, keys.label_set(set_id), facts={"set_id": set_id})


def train(platform, version, model_id, set_id, dataset="datasets/d"):
    facts = {"version": version, "label_set": set_id, "dataset": dataset}
    platform.ledger.record("train", 0, model_id, model_id=model_id, facts=facts)


def promote(platform, version, model_id):
    platform.ledger.add_promotion(
        model_version=version, model_id=model_id, action="promoted", reason="", threshold=0.5,
        simulated=False,
    )  # fmt: skip


@pytest.fixture
def running(platform):
    """A champion that learned from the newest labels."""
    freeze(platform, "a", 100)
    train(platform, 1, "one", "a")
    promote(platform, 1, "one")
    return platform


def ask(platform, cause=EVENT, **form):
    return why_retrain(cause, read_wish(form), platform)


def drift(platform, sector, state, model_id="one"):
    key = f"drift {sector} {state} {len(platform.ledger.records())}"
    platform.ledger.record("drift", sector, key, model_id=model_id, facts={"state": state})


@pytest.mark.parametrize("cause", [EVENT, MONTHLY, HAND])
def test_the_first_model_is_trained_from_whatever_labels_there_are(platform, cause):
    assert "no labels" in ask(platform, cause)["reason"]
    freeze(platform, "a", 3, 4)
    assert ask(platform, cause)["start"]


def test_it_takes_so_many_changed_labels(running):
    freeze(running, "b", 100 + NEEDED - 1)
    few = ask(running)
    assert (few["start"], few["n_changed"], few["n_needed"]) == (False, NEEDED - 1, NEEDED)
    assert few["reason"] == "199 labels have changed since the champion's label set; it takes 200"
    freeze(running, "c", 100 + NEEDED)
    enough = ask(running)
    assert (enough["start"], enough["n_changed"]) == (True, NEEDED)


def test_labels_taken_back_count_as_well(running):
    freeze(running, "b", 0, 1000 - NEEDED + 100)
    assert ask(running)["start"]


def test_how_many_it_takes_is_configured_and_asked_for(running, monkeypatch):
    freeze(running, "b", 120)
    assert not ask(running)["start"]
    assert ask(running, min_new_labels=20)["start"]
    monkeypatch.setenv("CALNET_RETRAIN_LABELS", "20")
    assert ask(running)["start"]
    monkeypatch.setenv("CALNET_RETRAIN_LABELS", "many")
    with pytest.raises(WrongConfiguration, match="CALNET_RETRAIN_LABELS"):
        ask(running)


@pytest.mark.parametrize("cause", [EVENT, MONTHLY, HAND])
def test_labels_that_did_not_change_end_the_run_at_once_and_it_says_so(running, cause):
    drift(running, 87, "warn")
    said = ask(running, cause)
    assert not said["start"]
    assert said["reason"] == "labels did not change since version 1 learned from them (label set a)"
    freeze(running, "other votes, same verdicts", 100)
    assert "labels did not change" in ask(running, cause)["reason"]
    assert running.ledger.latest(trigger.STEP, 0).facts["start"] is False


def test_labels_that_a_challenger_learned_from_are_not_learned_from_again(running):
    freeze(running, "b", 500)
    assert ask(running)["start"]
    train(running, 2, "two", "b")
    assert "version 2" in ask(running)["reason"]


@pytest.mark.parametrize("cause", [MONTHLY, HAND])
def test_once_a_month_and_by_hand_one_changed_label_is_enough(running, cause):
    freeze(running, "b", 101)
    assert not ask(running, EVENT)["start"]
    said = ask(running, cause, reason="before the release")
    assert said["start"]
    assert ("before the release" in said["reason"]) == (cause == HAND)


def test_drift_starts_one_training_a_champion(running):
    freeze(running, "b", 101)
    drift(running, 87, "usual")
    drift(running, 86, "warn")
    drift(running, 88, "warn", "another model")
    said = ask(running)
    assert (said["start"], said["drift"]) == (True, ["s086"])
    assert said["reason"].startswith("drift in s086; 1 labels")
    drift(running, 86, "warn")
    assert not ask(running)["start"]
    drift(running, 87, "warn")
    assert ask(running)["drift"] == ["s087"]
    promote(running, 2, "two")
    drift(running, 87, "warn", "two")
    assert ask(running)["drift"] == ["s087"]


def test_a_warning_that_went_by_starts_nothing(running):
    freeze(running, "b", 101)
    drift(running, 86, "warn")
    drift(running, 86, "usual")
    assert not ask(running)["start"]


def test_drift_that_could_start_nothing_may_start_something_later(running):
    drift(running, 86, "warn")
    assert not ask(running)["start"]
    freeze(running, "b", 101)
    assert ask(running)["drift"] == ["s086"]


@pytest.mark.parametrize(
    "form", [{"force": True}, {"seed": 0}, {"network": "port"}, {"features": "v2"},
             {"recipe": "demo"}]
)  # fmt: skip
def test_a_person_may_train_on_the_same_labels_in_another_way(running, form):
    assert ask(running, HAND, **form)["start"]


def test_two_never_run_at_once(running):
    freeze(running, "b", 500)
    now = running.now()
    running.ledger.leases.take(trigger.TRAINING, "ada's terminal", now, timedelta(minutes=3))
    said = ask(running, HAND, force=True)
    assert not said["start"]
    assert "under way" in said["reason"]
    assert "ada's terminal" in said["reason"]
    running.ledger.leases.release(trigger.TRAINING, "ada's terminal")
    assert ask(running)["start"]


def test_an_imported_champion_learned_from_none_of_our_labels(platform):
    freeze(platform, "a", 5, 3)
    train(platform, 1, "imported", "a", dataset="")  # measured with them
    promote(platform, 1, "imported")
    assert ask(platform)["n_changed"] == 8
    assert ask(platform, MONTHLY)["start"]


def test_a_form_left_empty_asks_for_the_usual(platform):
    filled = {name: param.value for name, param in forms.RETRAIN.items()}
    assert read_wish(filled) == NOTHING
    assert trigger.settings_of(NOTHING, platform) is None
    assert not trigger.is_special(NOTHING)


def test_settings_are_those_asked_for(platform, monkeypatch):
    monkeypatch.setenv("CALNET_RECIPE", "demo")
    settings = trigger.settings_of(read_wish({"seed": 7, "network": "port"}), platform)
    assert settings is not None
    assert (settings.seed, settings.network) == (7, "port")
    assert settings.n_epoch == RECIPES["demo"].n_epoch
    assert trigger.settings_of(read_wish({"recipe": "published"}), platform) == RECIPES["published"]


@pytest.mark.parametrize("form", [{"recipe": "best"}, {"network": "resnet"}, {"seed": "x"}])
def test_what_there_is_not_is_refused_with_what_there_is(form):
    with pytest.raises(WrongConfiguration, match=next(iter(form.values()))):
        read_wish(form)


def test_the_words_of_airflow_are_those_of_the_step():
    assert forms.cause("scheduled") == MONTHLY
    assert forms.cause("asset_triggered") == EVENT
    assert forms.cause("manual") == forms.cause("operator_triggered") == HAND


def test_the_run_says_why(platform):
    class Airflow:
        told = ""

        def note_run(self, dag_id, run_id, note):
            if self.told:
                raise ServiceUnavailable("Airflow", found="nothing", expected="an answer")
            self.told = note

    airflow = platform.__dict__["scheduler"] = Airflow()
    said = ask(platform)
    for _ in range(2):
        trigger.note_run(said, "retrain", "run", platform)
    assert airflow.told.startswith("ends at once: no labels have been frozen yet")
