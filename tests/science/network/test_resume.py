"""A training that was stopped goes on to the same weights."""

import os
import signal
import subprocess
import sys
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


LEARN = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from calnet_ops.science.network.fit import train_fresh
from calnet_ops.science.network.samples import Samples
from calnet_ops.science.network.settings import COMPACT

given, folder, dies_at = np.load(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
samples = Samples(given["flux"], given["power"], given["is_eb"])
folder.mkdir(exist_ok=True)
steps = []

class Files:
    def newest(self):
        states = sorted(folder.glob("*.npz"))
        return states[-1].read_bytes() if states else None

    def offer(self, epoch, state):
        (folder / f"{epoch}.npz").write_bytes(state())

def step():
    steps.append(1)
    if len(steps) == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)

# One batch of 60 is learned from in two pieces.
settings = replace(COMPACT, n_epoch=3, batch=60, n_kept_from=3)
model, _ = train_fresh(samples, samples, settings, on_step=step, checkpoints=Files())
np.savez(sys.argv[4], *model.get_weights())
"""


@pytest.mark.system
@pytest.mark.timeout(600)
def test_a_process_that_is_killed_goes_on_to_the_same_weights(segments, tmp_path):
    # Twice the segments, so that an epoch has two batches: SIGKILL comes in the third epoch.
    flux, power = (np.concatenate([part, part]) for part in segments)
    is_eb = np.arange(len(flux)) % 2 == 0
    np.savez(tmp_path / "given.npz", flux=flux, power=power, is_eb=is_eb)
    ended, weights = [], []
    for folder, dies_at in (("straight", 0), ("killed", 5), ("killed", 0)):
        learned = tmp_path / f"{folder}.npz"
        command = [sys.executable, "-c", LEARN, "given.npz", folder, str(dies_at), str(learned)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ended.append(subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode)
        if learned.exists():
            with np.load(learned) as arrays:
                weights.append([arrays[name] for name in arrays.files])
    assert ended == [0, -signal.SIGKILL, 0]
    assert len(weights) == 2
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


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
