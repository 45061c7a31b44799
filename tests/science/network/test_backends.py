"""The same networks and the same training on another library than TensorFlow: JAX.

It compiles for a minute of CPU: a system test.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from calnet_ops.science.network.settings import NETWORKS

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

LEARN = """
import sys
from dataclasses import replace
import numpy as np, keras
from calnet_ops.science.network.fit import fit
from calnet_ops.science.network.samples import Samples
from calnet_ops.science.network.settings import DEMO, NETWORKS
from calnet_ops.science.network.variants import build_network

given, backend = dict(np.load(sys.argv[1])), sys.argv[2]
assert keras.backend.backend() == backend
samples = Samples(given["flux"], given["power"], given["is_eb"])
found = {}
for name in NETWORKS:
    network = build_network(name)
    weights = [given[f"{name} {number}"] for number in range(len(network.weights))]
    network.set_weights(weights)
    found[name] = keras.ops.convert_to_numpy(network(samples.inputs))
network.get_layer("dropout").rate = 0.0  # it is drawn differently by each library
brief = replace(DEMO, n_epoch=4, batch=8, reversed_share=0.0, shortest=1.0, longest=1.0)
history = fit(network, samples, samples, replace(brief, schedule="constant", n_kept_from=4))
found["loss"] = [epoch.loss for epoch in history]
np.savez(sys.argv[3], **found)
"""


@pytest.fixture(scope="module")
def answers(keras, segments, tmp_path_factory):
    """What TensorFlow and JAX, each in a process of its own, make of the same weights."""
    pytest.importorskip("jax")
    from calnet_ops.science.network.variants import build_network

    folder = tmp_path_factory.mktemp("backends")
    keras.utils.set_random_seed(3)
    weights = {
        f"{name} {number}": weight
        for name in NETWORKS
        for number, weight in enumerate(build_network(name).get_weights())
    }
    flux, power = (part[:8] for part in segments)
    is_eb = np.arange(8) % 2 == 0
    np.savez(folder / "given.npz", flux=flux, power=power, is_eb=is_eb, **weights)
    found = {}
    for backend in ("tensorflow", "jax"):
        done = subprocess.run(
            [sys.executable, "-c", LEARN, "given.npz", backend, f"{backend}.npz"],
            cwd=folder,
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found[backend] = dict(np.load(folder / f"{backend}.npz"))
    return found["tensorflow"], found["jax"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_weights_give_the_same_answers(answers, name):
    one, other = answers
    np.testing.assert_allclose(one[name], other[name], atol=1e-5)


def test_the_same_training_has_the_same_losses(answers):
    one, other = (part["loss"] for part in answers)
    np.testing.assert_allclose(one, other, rtol=1e-3)
    assert one[-1] < one[0]
