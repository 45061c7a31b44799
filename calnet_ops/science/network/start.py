"""First weights that let the network learn from its first step on."""

import keras
import numpy as np
from keras import layers, ops

from calnet_ops.science.features.tables import as_floats
from calnet_ops.science.network.samples import Floats, Segments

N_LOOKED_AT = 64
"""Segments that the first weights are measured on: enough for a mean and a spread (each is of
thousands of samples a channel), and a second of work."""

SMALLEST_SPREAD = 1e-6
"""Channels that vary less than this are left as they are drawn."""


def fit_start(model: keras.Model, samples: Segments, rng: np.random.Generator) -> None:
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
    inputs = _some_of(samples, rng)
    for layer in model.layers:
        if isinstance(layer, layers.Conv1D) or layer.name == "hidden":
            _fit_layer(layer, keras.Model(model.inputs, layer.input)(inputs))
        elif isinstance(layer, layers.BatchNormalization):
            _fit_normalisation(layer, keras.Model(model.inputs, layer.input)(inputs))
    if model.get_layer("hidden").activation is keras.activations.sigmoid:
        # Half of every hidden weight sum is a constant as sigmoids are 0.5 on average: take it out.
        output = model.get_layer("probability")
        kernel, offset = output.get_weights()
        output.set_weights([kernel, offset - 0.5 * kernel.sum(axis=0)])


def _some_of(samples: Segments, rng: np.random.Generator) -> list[Floats]:
    """Inputs of some segments, from as many shards as it takes."""
    shards = rng.permutation(len(samples.n_in_shard))
    flux, power = [], []
    missing = N_LOOKED_AT
    for shard in shards:
        parts = samples.load(int(shard))
        n_segment = len(parts[0])
        chosen = rng.choice(n_segment, min(missing, n_segment), replace=False)
        flux.append(as_floats(parts[0][chosen]))
        power.append(as_floats(parts[1][chosen]))
        missing -= len(chosen)
        if not missing:
            break
    return [np.concatenate(parts)[..., None] for parts in (flux, power)]


def _fit_layer(layer: layers.Layer, seen: keras.KerasTensor) -> None:
    """Divide each channel's kernel by the spread of its answers, and centre them if it can."""
    kernel, *offset = layer.get_weights()
    answer = _linear(layer, ops.cast(seen, "float32"), kernel)
    axes = tuple(range(len(answer.shape) - 1))
    mean = ops.convert_to_numpy(ops.mean(answer, axis=axes))
    spread = ops.convert_to_numpy(ops.std(answer, axis=axes))
    varies = spread > SMALLEST_SPREAD
    scale = np.where(varies, 1 / np.maximum(spread, SMALLEST_SPREAD), 1).astype(np.float32)
    centred = [np.where(varies, -mean * scale, one) for one in offset]
    layer.set_weights([kernel * scale, *centred])


def _fit_normalisation(layer: layers.BatchNormalization, seen: keras.KerasTensor) -> None:
    """Begin with the mean and variance that are there, not with 0 and 1."""
    scale, offset, *_ = layer.get_weights()
    moments = [ops.convert_to_numpy(one) for one in ops.moments(seen, axes=(0, 1))]
    layer.set_weights([scale, offset, *moments])


def _linear(layer: layers.Layer, seen: keras.KerasTensor, kernel: Floats) -> keras.KerasTensor:
    """What the layer answers before its offset and activation."""
    if not isinstance(layer, layers.Conv1D):
        return ops.matmul(seen, kernel)
    return ops.conv(
        seen,
        kernel,
        strides=layer.strides,
        padding=layer.padding,
        dilation_rate=layer.dilation_rate,
    )
