"""Sectors get the features of the model in production; a new model may learn from others."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.errors import WrongConfiguration
from calnet_ops.steps.features_version import version_to_extract, version_to_train


def promote(platform, features):
    facts = {"model_id": "aaaa", "features": features}
    platform.store.save_new(keys.model("aaaa", "model.json"), json.dumps(facts).encode())
    platform.ledger.add_promotion(
        model_version=1, model_id="aaaa", action="promoted", reason="", threshold=0.5,
        simulated=True,
    )  # fmt: skip


def test_where_nobody_has_chosen_it_is_the_published_recipe(platform):
    assert (version_to_extract(platform), version_to_train(platform)) == ("v1", "v1")


def test_the_first_model_learns_from_what_the_installation_says(platform, monkeypatch):
    monkeypatch.setenv("CALNET_FEATURES", "v2")
    assert (version_to_extract(platform), version_to_train(platform)) == ("v2", "v2")


def test_sectors_follow_the_champion_and_training_goes_ahead_of_it(platform, monkeypatch):
    promote(platform, "v1")
    monkeypatch.setenv("CALNET_FEATURES", "v2")
    assert (version_to_extract(platform), version_to_train(platform)) == ("v1", "v2")


def test_once_promoted_a_version_stays(platform):
    promote(platform, "v2")
    assert (version_to_extract(platform), version_to_train(platform)) == ("v2", "v2")
    assert version_to_train(platform, "v1") == "v1"


def test_a_version_that_is_none_is_refused(platform, monkeypatch):
    with pytest.raises(WrongConfiguration, match=r"v98.*v1 or v2"):
        version_to_train(platform, "v98")
    monkeypatch.setenv("CALNET_FEATURES", "v99")
    for choose in (version_to_extract, version_to_train):
        with pytest.raises(WrongConfiguration, match=r"v99.*v1 or v2"):
            choose(platform)
