"""A training that was stopped goes on to the same weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network.samples import Samples
from calnet_ops.science.network.settings import DEMO

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("tensorflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

BRIEF = replace(DEMO, n_epoch=3, batch=12, noise=0.02, gap_share=0.3, n_kept_from=3)


class Killed(Exception):
    """What a kill looks like from inside."""


class Notebook:
    """Checkpoints in memory; the process dies after an epoch."""

    def __init__(self, dies_after=None):
        self.states = {}
        self._dies_after = dies_after

    def newest(self):
        return self.states[max(self.states)] if self.states else None

    def offer(self, epoch, state):
        self.states[epoch] = state()
        if epoch == self._dies_after:
            raise Killed


@pytest.fixture(scope="module")
def samples(segments):
    return Samples(segments[0], segments[1], np.arange(40) % 2 == 0)


@pytest.fixture(scope="module")
def make_network(keras):
    """A small network with all that has a state: moving means, dropout, an optimizer."""

    def make():
        keras.utils.set_random_seed(5)
        flux, power = keras.Input((4000, 1)), keras.Input((1000, 1))
        steps = keras.layers.Conv1D(4, 16, strides=8)(flux)
        steps = keras.layers.ReLU()(keras.layers.BatchNormalization()(steps))
        narrow = [keras.layers.AveragePooling1D(20)(one) for one in (steps, power)]
        both = keras.layers.concatenate([keras.layers.Flatten()(one) for one in narrow])
        kept = keras.layers.Dropout(0.5)(keras.layers.Dense(8, activation="tanh")(both))
        return keras.Model([flux, power], keras.layers.Dense(2, activation="softmax")(kept))

    return make


@pytest.fixture(scope="module")
def straight(make_network, samples):
    """Weights, history and states of a training that nothing disturbed."""
    from calnet_ops.science.network.fit import fit

    notebook, model = Notebook(), make_network()
    history = fit(model, samples, samples, BRIEF, checkpoints=notebook)
    return model.get_weights(), history, notebook


def assert_same(model, weights):
    for weight, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("dies_after", [1, 3])
def test_after_a_kill_the_weights_are_the_same_to_the_last_bit(
    make_network, samples, straight, dies_after
):
    from calnet_ops.science.network.fit import fit

    notebook = Notebook(dies_after)
    with pytest.raises(Killed):
        fit(make_network(), samples, samples, BRIEF, checkpoints=notebook)
    model, steps = make_network(), []
    history = fit(
        model,
        samples,
        samples,
        BRIEF,
        on_step=lambda: steps.append(1),
        state=notebook.newest(),
    )
    weights, epochs, _ = straight
    assert history == epochs
    assert len(steps) == 3 * 4  # those done before are counted as well
    assert_same(model, weights)


def test_a_training_that_had_ended_is_not_taken_further(make_network, samples, straight):
    from calnet_ops.science.network.fit import fit

    weights, epochs, notebook = straight
    model = make_network()
    # Its patience had run out; more epochs would have been allowed.
    lucky = replace(BRIEF, n_epoch=9, n_kept_from=9, patience=0)
    assert fit(model, samples, samples, lucky, state=notebook.newest()) == epochs
    assert_same(model, weights)


def test_a_state_of_another_network_or_a_damaged_one_is_refused(keras, samples, straight):
    from calnet_ops.science.network.fit import fit

    state = straight[2].newest()
    flux, power = keras.Input((4000, 1)), keras.Input((1000, 1))
    both = keras.layers.concatenate([keras.layers.Flatten()(one) for one in (flux, power)])
    other = keras.Model([flux, power], keras.layers.Dense(2)(both), name="other")
    with pytest.raises(WrongConfiguration, match="of the shapes of other"):
        fit(other, samples, samples, BRIEF, state=state)
    with pytest.raises(WrongConfiguration, match=r"a sound \.npz file"):
        fit(other, samples, samples, BRIEF, state=state[:1000])


def test_half_precision_ends_in_float32(keras, samples):
    from calnet_ops.science.network.fit import train_fresh

    mixed = replace(BRIEF, network="compact", n_epoch=1, precision="mixed")
    seen: list[Any] = []
    model, _ = train_fresh(samples, samples, mixed, seen.append)
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    assert model.get_layer("flux_1_conv").compute_dtype == "float32"
    assert np.isfinite(seen[0].loss)
    assert keras.config.dtype_policy().name == "float32"
