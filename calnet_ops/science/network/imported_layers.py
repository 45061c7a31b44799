"""What the layers of a network from elsewhere do, in plain numpy.

A file's graph is not run by the library that wrote it, but read as a list of layers, and each is
computed here: nothing that a file says is ever executed. It is slow and only looks at a few
segments: it tells whether the weights, laid into our network, do what the file's network does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Config = Mapping[str, Any]
Weights = Sequence[Floats]
Layer = Callable[[Config, Weights, Sequence[Any]], Floats]
"""Computes a layer from its configuration, its weights and what it is called with."""


def sigmoid(x: Floats) -> Floats:
    """Logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)


def softmax(x: Floats) -> Floats:
    """Shares of the last axis."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "linear": lambda x: x,
        "relu": lambda x: np.maximum(x, np.float32(0)),
        "sigmoid": sigmoid,
        "softmax": softmax,
        "tanh": np.tanh,
    }
)
"""By the names that Keras gives them."""


MAX_VALUES = 2**25
"""Of an array between layers; the largest of the published network has 1.5 million."""


class Unlike(ValueError):
    """A layer is set to do something that no layer of CALNet does."""


def _activation(config: Config, name: str = "activation") -> Callable[[Floats], Floats]:
    said = config.get(name) or "linear"
    # A function given itself, such as `tf.nn.relu`: Keras too finds it again by its name alone.
    if isinstance(said, dict) and said.get("class_name") == "function":
        said = said.get("config")
    if not isinstance(said, str) or said not in ACTIVATIONS:
        raise Unlike(f"{name} {said!r:.60}")
    return ACTIVATIONS[said]


def _demand(config: Config, **wanted: Any) -> None:
    """Settings that have to be as they are wherever CALNet uses the layer."""
    for name, value in wanted.items():
        found = config.get(name, value)
        plain = found[0] if isinstance(found, list) and len(found) == 1 else found
        if plain != value:
            raise Unlike(f"{name} {found!r:.60}")


def _demand_size(shape: Sequence[int]) -> None:
    """Refuse what would not fit into memory, before it is made."""
    if math.prod(shape) > MAX_VALUES:
        raise Unlike(f"an array of {math.prod(shape):.0e} numbers")


def convolution(config: Config, weights: Weights, inputs: Sequence[Any]) -> Floats:
    """Conv1D of stride 1."""
    _demand(config, strides=1, dilation_rate=1, groups=1, data_format="channels_last")
    kernel, *bias = weights
    (x,) = inputs
    if config.get("padding") == "same":
        before = (len(kernel) - 1) // 2
        x = np.pad(x, ((0, 0), (before, len(kernel) - 1 - before), (0, 0)))
    else:
        _demand(config, padding="valid")
    n_step = x.shape[1] - len(kernel) + 1
    total = sum(x[:, tap : tap + n_step] @ kernel[tap] for tap in range(len(kernel)))
    return _activation(config)(total + bias[0] if bias else np.asarray(total))


def dense(config: Config, weights: Weights, inputs: Sequence[Any]) -> Floats:
    """Dense layer on the last axis."""
    kernel, *bias = weights
    total = inputs[0] @ kernel
    return _activation(config)(total + bias[0] if bias else total)


def lstm(config: Config, weights: Weights, inputs: Sequence[Any]) -> Floats:
    """LSTM; gates in the order of Keras: input, forget, candidate, output."""
    _demand(config, go_backwards=False, time_major=False, return_state=False)
    kernel, recurrent, bias = weights
    inside, gate = _activation(config), _activation(config, "recurrent_activation")
    (x,) = inputs
    seen = x @ kernel + bias
    state = memory = np.zeros((len(x), len(recurrent)), np.float32)
    steps = []
    for step in range(x.shape[1]):
        parts = np.split(seen[:, step] + state @ recurrent, 4, axis=1)
        memory = gate(parts[1]) * memory + gate(parts[0]) * inside(parts[2])
        state = gate(parts[3]) * inside(memory)
        steps.append(state)
    return np.stack(steps, axis=1) if config.get("return_sequences") else state


def max_pooling(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """MaxPooling1D of windows side by side."""
    size = config["pool_size"]
    size = size[0] if isinstance(size, list) else size
    _demand(config, strides=size, padding="valid", data_format="channels_last")
    (x,) = inputs
    n_window = x.shape[1] // size
    windows = x[:, : n_window * size].reshape(len(x), n_window, size, -1)
    return np.asarray(windows.max(axis=2))


def _reduction(function: Callable[..., Any]) -> Layer:
    def reduce(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
        axis = config.get("axis", inputs[1] if len(inputs) > 1 else None)
        if axis is None:
            raise Unlike("a reduction over everything")
        axes = tuple(axis) if isinstance(axis, list) else axis
        return np.asarray(function(inputs[0], axis=axes, keepdims=bool(config.get("keepdims"))))

    return reduce


def _over_time(function: Callable[..., Any]) -> Layer:
    def reduce(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
        _demand(config, data_format="channels_last")
        return np.asarray(function(inputs[0], axis=1, keepdims=bool(config.get("keepdims"))))

    return reduce


def _together(function: Callable[[Any, Any], Any]) -> Layer:
    """A function that joins arrays, given one by one or in a list."""

    def join(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
        first, *others = _flat(inputs, config, "y", "x2")
        for other in others:
            _demand_size(np.broadcast_shapes(np.shape(first), np.shape(other)))
            first = function(first, other)
        return np.asarray(first, np.float32)

    return join


def _merged(function: Callable[[Any, Any], Any]) -> Layer:
    """A layer that joins arrays: one without the axis of time is the same at all times."""
    join = _together(function)

    def merge(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
        arrays = _flat(inputs, config)
        n_axis = max(one.ndim for one in arrays)
        wide = [np.expand_dims(one, tuple(range(1, 1 + n_axis - one.ndim))) for one in arrays]
        return join({}, _, wide)

    return merge


def concatenate(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """Arrays side by side along an axis."""
    arrays = [one for one in _flat(inputs, config) if isinstance(one, np.ndarray)]
    numbers = [one for one in _flat(inputs, config) if isinstance(one, int)]
    return np.concatenate(arrays, axis=config.get("axis", numbers[0] if numbers else -1))


def _flat(inputs: Sequence[Any], config: Config, *names: str) -> list[Any]:
    joined: list[Any] = []
    for one in [*inputs, *(config[name] for name in names if name in config)]:
        joined.extend(one if isinstance(one, list) else [one])
    return joined


def reshape(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """Another shape; layers do not count the first axis, functions do."""
    x = inputs[0]
    if "target_shape" in config:
        return np.asarray(x.reshape(len(x), *config["target_shape"]))
    shape = config.get("newshape", config.get("shape", inputs[1] if len(inputs) > 1 else None))
    if not isinstance(shape, list) or not all(isinstance(n, int) or n is None for n in shape):
        raise Unlike(f"shape {shape!r:.60}")
    return np.asarray(x.reshape(len(x), *shape[1:]))


def repeat_vector(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """The same at each of n steps."""
    (x,) = inputs
    _demand_size((config["n"], *x.shape))
    return np.repeat(x[:, None], config["n"], axis=1)


def _tile(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    x = inputs[0]
    times = config.get("multiples", config.get("repeats", inputs[1] if len(inputs) > 1 else None))
    _demand_size((*times, *x.shape))
    return np.tile(x, times)


def _item(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """All of an array, with new axes of length 1: ``x[:, None, :]``."""
    parts = config.get("slice_spec", inputs[1] if len(inputs) > 1 else None)
    whole = {"start": None, "stop": None, "step": None}
    if not all(one is None or one.get("config", one) == whole for one in parts):
        raise Unlike("a part of an array")
    return np.asarray(inputs[0][tuple(None if one is None else slice(None) for one in parts)])


def expand(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    """One more axis of length 1."""
    axis = config.get("axis", inputs[1] if len(inputs) > 1 else -1)
    return np.expand_dims(inputs[0], axis)


def _squeeze(config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    axis = config.get("axis")
    return np.squeeze(inputs[0], tuple(axis) if isinstance(axis, list) else axis)


def _same(_config: Config, _: Weights, inputs: Sequence[Any]) -> Floats:
    return np.asarray(inputs[0])


def _apply(name: str) -> Layer:
    return lambda _config, _, inputs: ACTIVATIONS[name](inputs[0])


LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        "Conv1D": convolution,
        "Dense": dense,
        "LSTM": lstm,
        "MaxPooling1D": max_pooling,
        "GlobalAveragePooling1D": _over_time(np.mean),
        "GlobalMaxPooling1D": _over_time(np.max),
        "Flatten": lambda _config, _, inputs: inputs[0].reshape(len(inputs[0]), -1),
        "RepeatVector": repeat_vector,
        "Add": _merged(np.add),
        "Multiply": _merged(np.multiply),
        "Concatenate": concatenate,
        "Activation": lambda config, _, inputs: _activation(config)(inputs[0]),
        "Reshape": reshape,
        "Permute": lambda config, _, inputs: inputs[0].transpose(0, *config["dims"]),
        "Dropout": _same,
        "SpatialDropout1D": _same,
        "ReLU": _apply("relu"),
        "Softmax": _apply("softmax"),
    }
)
"""Layers of Keras 2 and 3 that a network of the published form may be written with."""

FUNCTIONS: Mapping[str, Layer] = MappingProxyType(
    {
        **dict.fromkeys(("reduce_mean", "mean"), _reduction(np.mean)),
        **dict.fromkeys(("reduce_max", "max", "amax"), _reduction(np.max)),
        **dict.fromkeys(("concat", "concatenate"), concatenate),
        "add": _together(np.add),
        **dict.fromkeys(("subtract", "sub"), _together(np.subtract)),
        **dict.fromkeys(("multiply", "mul"), _together(np.multiply)),
        **dict.fromkeys(("expand_dims", "expanddims"), expand),
        "squeeze": _squeeze,
        "getitem": _item,
        "tile": _tile,
        "reshape": reshape,
        **dict.fromkeys(("identity", "cast"), _same),
        **{name: _apply(name) for name in ("sigmoid", "relu", "softmax", "tanh")},
    }
)
"""Functions of TensorFlow and of `keras.ops` that may stand between them, by the last part of
their name in small letters."""
