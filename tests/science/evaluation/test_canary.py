"""The canary is of every kind, and tells sane models from others."""

from collections import Counter

import numpy as np
import pytest

from calnet_ops.science.evaluation.canary import STEPS, listen, load_canary
from calnet_ops.science.features import N_FLUX, N_POWER, VERSIONS
from calnet_ops.science.network.forward import Scorer
from calnet_ops.simulator.signals import Kind
from tests.support import canary as made
from tests.support.networks import fresh_weights


@pytest.fixture(scope="module")
def canary():
    found = load_canary("v1")
    assert found is not None
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_features_has_one_of_every_kind(version):
    canary = load_canary(version)
    assert canary is not None, f"run: python -m tests.support.canary {version}"
    wanted = {str(kind): n for kind, n in made.WANTED.items()} | {made.INVERTED: made.N_INVERTED}
    assert Counter(canary.kind) == wanted
    assert canary.flux.shape == (len(canary.kind), N_FLUX)
    assert canary.power.shape == (len(canary.kind), N_POWER)
    for part in (canary.flux, canary.power):
        assert (part.min(), part.max()) == (0, 1)
    assert [kind in {"EA", "EB", "EW"} for kind in canary.kind] == canary.is_eb.tolist()


def test_a_version_that_nobody_made_has_none():
    assert load_canary("v0") is None


def test_it_is_made_again_from_the_simulator(canary, monkeypatch):
    monkeypatch.setattr(made, "WANTED", {Kind.EA: 1})
    monkeypatch.setattr(made, "N_INVERTED", 1)
    monkeypatch.setattr(made, "N_TRIED", 4)
    upside_down, star = made.stars("v1")
    first = canary.kind.index(made.INVERTED)
    again = np.asarray(upside_down["flux"]) / STEPS
    assert upside_down["kind"] == made.INVERTED
    assert again == pytest.approx(canary.flux[first], abs=0.005)
    assert star["is_eb"] is True


def test_the_truth_sings_and_its_opposite_does_not(canary):
    right = canary.is_eb * 0.9 + 0.05
    song = listen(canary, right, 0.5)
    assert (song.recall, song.specificity, song.order) == (1, 1, 1)
    swapped = listen(canary, 1 - right, 0.5)
    assert (swapped.recall, swapped.specificity, swapped.order) == (0, 0, 0)


def test_a_blind_spot_and_a_constant_are_heard(canary):
    probability = np.where(np.array(canary.kind) == "EW", 0.0, canary.is_eb * 0.9)
    song = listen(canary, probability, 0.5)
    assert (song.order_of["EA"], song.order_of["EW"]) == (1, 0.5)
    same = listen(canary, np.full(len(canary.kind), 0.7), 0.5)
    assert same.order == 0.5
    assert same.spread == pytest.approx(0)


def test_a_network_that_learned_nothing_is_heard(canary):
    score = Scorer(fresh_weights()).score(canary.flux, canary.power)
    song = listen(canary, score.astype(float), 0.5)
    assert song.spread < 0.1
    assert song.order < 0.8
