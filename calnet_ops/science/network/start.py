"""First weights that let the network learn from its first step on."""

import keras
import numpy as np
from keras import layers, ops

from calnet_ops.science.network.samples import Samples

N_LOOKED_AT = 64
"""Segments that the first weights are measured on: enough for a mean and a spread (each is of
thousands of samples a channel), and a second of work."""

SMALLEST_SPREAD = 1e-6
"""Channels that vary less than this are left as they are drawn."""


def fit_start(model: keras.Model, samples: Samples, rng: np.random.Generator) -> None:
    """Scale and shift fresh weights so that every layer answers with mean 0 and spread 1.

    As drawn, the network starts nearly blind: min-max scaling leaves most light curves at a
    constant level with little on it, so convolutions see mostly that level, and the hidden layer
    of 1024 sigmoids answers 0.5 to everything. The first epochs then go into undoing that. The
    architecture is untouched: only the values of the first weights change.

    Parameters
    ----------
    model
        Freshly built.
    samples
        What it will learn from.
    rng
        Draws the segments to look at.

    References
    ----------
    Mishkin & Matas 2016, arXiv:1511.06422 (layer-sequential unit variance), with the mean
    taken out as well (Kraehenbuehl et al. 2016, arXiv:1511.06856).
    """
    chosen = rng.choice(len(samples.is_eb), min(N_LOOKED_AT, len(samples.is_eb)), replace=False)
    inputs = samples.take(chosen).inputs
    for layer in model.layers:
        if isinstance(layer, layers.Conv1D) or layer.name == "hidden":
            seen = keras.Model(model.inputs, layer.input)(inputs)
            _fit_layer(layer, seen)
    # Half of every hidden weight sum is a constant as sigmoids are 0.5 on average: take it out.
    output = model.get_layer("probability")
    kernel, offset = output.get_weights()
    output.set_weights([kernel, offset - 0.5 * kernel.sum(axis=0)])


def _fit_layer(layer: layers.Layer, seen: keras.KerasTensor) -> None:
    """Divide each channel's kernel by the spread of its answers, and centre them."""
    kernel, offset = layer.get_weights()
    convolutional = isinstance(layer, layers.Conv1D)
    answer = ops.conv(seen, kernel, padding="same") if convolutional else ops.matmul(seen, kernel)
    axes = tuple(range(len(answer.shape) - 1))
    mean = ops.convert_to_numpy(ops.mean(answer, axis=axes))
    spread = ops.convert_to_numpy(ops.std(answer, axis=axes))
    varies = spread > SMALLEST_SPREAD
    scale = np.where(varies, 1 / np.maximum(spread, SMALLEST_SPREAD), 1).astype(np.float32)
    layer.set_weights([kernel * scale, np.where(varies, -mean * scale, offset)])
