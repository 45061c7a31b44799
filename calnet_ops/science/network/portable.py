"""The network in layers that every Keras has, for those who have nothing of ours."""

from typing import Any

import keras
from keras import layers

from calnet_ops.science.network.attention import N_TAP, POOL, AttentionPool


def portable(model: keras.Model) -> keras.Model:
    """The same network with `AttentionPool` spelt out in plain layers.

    Keras refuses to load a layer class that it does not know, so a file with ours in it would
    load only where calnet-ops is installed. Outputs agree to rounding (1e-6).

    Parameters
    ----------
    model
        A trained network. Its other layers, and so their weights, are shared.
    """
    plain = keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=_spelt_out
    )
    # A clone of a network that has been trained is compiled, and would be saved with the state of
    # its optimiser: three times the size.
    return keras.Model(plain.inputs, plain.outputs, name=model.name)


def _spelt_out(layer: layers.Layer, *inputs: Any, **options: Any) -> Any:
    """What the layer does; one of ours in plain layers with its weights."""
    if not isinstance(layer, AttentionPool):
        return layer(*inputs, **options)
    return _attend_and_pool(layer, *inputs)


def _attend_and_pool(ours: AttentionPool, block: keras.KerasTensor) -> keras.KerasTensor:
    """Both gates from mean and largest value, which they leave in place (see `AttentionPool`)."""
    n_channel, name = block.shape[-1], ours.name
    squeeze = layers.Dense(ours.squeeze.units, activation="relu", name=f"{name}_squeeze")
    excite = layers.Dense(n_channel, activation="relu", name=f"{name}_excite")
    scalar = layers.Conv1D(1, N_TAP, padding="same", activation="sigmoid", name=f"{name}_scalar")
    mean = layers.GlobalAveragePooling1D(name=f"{name}_mean")(block)
    largest = layers.GlobalMaxPooling1D(name=f"{name}_largest")(block)
    both = layers.Add(name=f"{name}_sum")([excite(squeeze(mean)), excite(squeeze(largest))])
    gate = layers.Activation("sigmoid", name=f"{name}_gate")(both)
    gated = [layers.Multiply()([mean, gate]), layers.Multiply()([largest, gate])]
    summary = layers.Reshape((1, 2 * n_channel))(layers.Concatenate()(gated))
    pooled = layers.MaxPooling1D(POOL, name=f"{name}_pool")(block)
    weights = layers.Multiply()([layers.Reshape((1, n_channel))(gate), scalar(summary)])
    for plain, own in ((squeeze, ours.squeeze), (excite, ours.excite), (scalar, ours.scalar)):
        plain.set_weights(own.get_weights())
    return layers.Multiply(name=name)([pooled, weights])
