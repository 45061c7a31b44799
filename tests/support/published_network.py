"""Files of the published network, written as its authors would with the Keras that is given."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.evaluation.first_look import first_segments
from calnet_ops.science.network.forward import Scorer
from tests.support.networks import fresh_weights

Floats = NDArray[np.float32]
Reduce = Callable[[Any], Any]

RIDGE = 1.0
"""Of the head below, relative to the spread of what it sees: with less, the head leans on
differences so small that rounding shows."""

STEEPNESS = 1.0
"""Of the head: binaries get 0.65, quiet stars 0.29."""


@cache
def sensible_weights() -> dict[str, Floats]:
    """Weights, by the names of ours, of a network that tells clear binaries.

    Random but for the head, a linear fit to what the layers below make of `first_segments`: that is
    enough, and takes no training.
    """
    weights = fresh_weights()
    flux, power, is_eb = first_segments()
    seen = _hidden(Scorer(weights), flux, power)
    centre = seen.mean(axis=0)
    gram = (seen - centre) @ (seen - centre).T
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram), dtype=np.float32)
    slope = (seen - centre).T @ np.linalg.solve(gram, STEEPNESS * np.where(is_eb, 1, -1))
    kernel = np.stack([slope, 0 * slope], axis=1).astype(np.float32)
    bias = np.array([-centre @ slope, 0], np.float32)
    return {**weights, "probability/kernel": kernel, "probability/bias": bias}


def _hidden(scorer: Scorer, flux: Floats, power: Floats) -> Floats:
    """What the last layer sees."""
    both, steps = scorer._flux.run(flux), scorer._power.run(power)
    kernel, bias = scorer._hidden
    summed = (both + np.concatenate([steps, steps], axis=1)) @ kernel + bias
    return (1 / (1 + np.exp(-summed)))[: len(flux)]


def published_network(keras: Any, mean: Reduce, largest: Reduce) -> Any:
    """A network of the published form that tells clear binaries, and has the state of an optimiser.

    Parameters
    ----------
    keras
        Keras 2 (`tf_keras`) or Keras 3.
    mean, largest
        Reductions over time that keep the axis: TensorFlow's functions, or those of `keras.ops`.
    """
    layers = keras.layers
    roles: dict[str, Any] = {}

    def attend(block: Any, n_channel: int, name: str) -> Any:
        squeeze = roles[f"{name}/squeeze"] = layers.Dense(n_channel // 8, activation="relu")
        excite = roles[f"{name}/excite"] = layers.Dense(n_channel, activation="relu")
        one = excite(squeeze(layers.GlobalAveragePooling1D()(block)))
        two = excite(squeeze(layers.GlobalMaxPooling1D()(block)))
        gate = layers.Activation("sigmoid")(layers.Add()([one, two]))
        block = layers.Multiply()([block, gate])
        both = layers.Concatenate()([mean(block), largest(block)])
        scalar = layers.Conv1D(1, 8, padding="same", activation="sigmoid")
        roles[f"{name}/scalar"] = scalar
        return layers.Multiply()([block, scalar(both)])

    def branch(signal: Any, name: str, channels: tuple[int, ...], n_unit: int) -> Any:
        for n in channels:
            convolution = layers.Conv1D(n, 8, padding="same", activation="relu")
            roles[f"{name}_conv_{n}"] = convolution
            gated = attend(convolution(signal), n, f"{name}_attention_{n}")
            signal = layers.MaxPooling1D(4)(gated)
        lstm = roles[f"{name}_lstm/lstm_cell"] = layers.LSTM(n_unit, return_sequences=True)
        return layers.Flatten()(lstm(signal))

    flux, power = keras.Input((4000, 1)), keras.Input((1000, 1))
    one = branch(flux, "flux", (64, 128, 256), 128)
    two = layers.Flatten()(layers.RepeatVector(2)(branch(power, "power", (32, 64), 64)))
    roles["hidden"] = layers.Dense(1024, activation="sigmoid")
    roles["probability"] = layers.Dense(2, activation="softmax", name="last")
    hidden = roles["hidden"](layers.Add()([one, two]))
    model = keras.Model([flux, power], roles["probability"](layers.Dropout(0.5)(hidden)))
    for role, layer in roles.items():
        names = ("kernel", "recurrent_kernel", "bias")
        held = [sensible_weights().get(f"{role}/{name}") for name in names]
        layer.set_weights([array for array in held if array is not None])
    model.compile(keras.optimizers.Adam(1e-7, amsgrad=True), "binary_crossentropy")
    model.run_eagerly = True  # a graph for one step is not worth its making
    inputs = [np.full((1, n, 1), 0.5, np.float32) for n in (4000, 1000)]
    model.train_on_batch(inputs, np.array([[1, 0]], np.float32))
    model.run_eagerly = False
    return model


def answer_of(model: Any) -> Floats:
    """What the library itself says of `first_segments`, (n, 2)."""
    flux, power, _ = first_segments()
    return np.asarray(model.predict([flux[..., None], power[..., None]], verbose=0))
