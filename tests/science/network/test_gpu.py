"""The same code learns on a GPU where there is one; elsewhere these tests say why not."""

from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("tensorflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def gpu(keras: Any) -> str:
    """Name of the first GPU that TensorFlow sees."""
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU")
    if not found:
        pytest.skip("TensorFlow sees no GPU here (docs/installation.md#gpu)")
    return str(found[0].name)


@pytest.fixture(scope="module")
def trained(gpu, segments):
    """A network that took a few steps, on whatever device Keras chooses."""
    from dataclasses import replace

    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.samples import Samples
    from calnet_ops.science.network.settings import DEMO

    flux, power = segments
    samples = Samples(flux, power, np.arange(len(flux)) % 2 == 0)
    return train_fresh(samples, samples, replace(DEMO, n_epoch=1, batch=20))


def test_training_takes_the_gpu_without_being_told(gpu, trained):
    model, history = trained
    assert {weight.value.device for weight in model.trainable_weights} == {gpu}
    assert np.isfinite(history[0].loss)


def test_what_was_learned_there_scores_the_same_on_a_cpu(trained, segments):
    from calnet_ops.science.network import forward
    from calnet_ops.science.network.export import to_weights

    model, _ = trained
    flux, power = segments
    output = model.predict([flux[..., None], power[..., None]], verbose=0)
    scores = forward.Scorer(to_weights(model)).score(flux, power)
    np.testing.assert_allclose(scores, output[:, 0], atol=1e-5)
