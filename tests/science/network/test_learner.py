"""A network as it learns is the network: same answers, same gradients."""

import numpy as np
import pytest


@pytest.fixture
def lstm(keras):
    """A small LSTM with weights unlike those it begins with, and inputs of some steps."""
    keras.utils.set_random_seed(5)
    layer = keras.layers.LSTM(6, return_sequences=True)
    layer.build((None, 9, 4))
    rng = np.random.default_rng(5)
    layer.set_weights([rng.normal(size=one.shape).astype(np.float32) for one in layer.weights])
    return layer, rng.normal(size=(3, 9, 4)).astype(np.float32)


def _gradients(steps, inputs, weights):
    """Of a sum in which every output has a factor of its own, for the inputs and each weight."""
    import tensorflow as tf

    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = steps(inputs)
        loss = tf.reduce_sum(outputs * np.random.default_rng(6).normal(size=outputs.shape))
    return outputs, tape.gradient(loss, [inputs, *(one.value for one in weights)])


def test_the_lstm_has_the_outputs_and_gradients_of_that_of_keras(lstm):
    from calnet_ops.science.network.learner import lstm_steps

    layer, inputs = lstm
    outputs, wanted = _gradients(layer, inputs, layer.weights)
    ours, found = _gradients(
        lambda steps: lstm_steps(steps, *(one.value for one in layer.weights)),
        inputs,
        layer.weights,
    )
    np.testing.assert_allclose(ours, outputs, atol=1e-6)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["calnet", "port", "compact"])
def test_the_learner_shares_its_weights_and_gives_what_the_softmax_is_given(keras, segments, name):
    from calnet_ops.science.network.learner import OURS, as_it_learns
    from calnet_ops.science.network.variants import build_network

    network = build_network(name)
    learner = as_it_learns(network)
    inputs = [part[:2, :, None] for part in segments]
    np.testing.assert_allclose(
        keras.ops.softmax(learner.predict_on_batch(inputs)),
        network.predict_on_batch(inputs),
        atol=1e-6,
    )
    theirs = {id(one) for one in network.trainable_variables}
    assert {id(one) for one in learner.trainable_variables} == theirs
    assert not any(type(layer) in OURS and layer.use_bias for layer in learner.layers)
