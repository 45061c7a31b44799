"""The weights of the later PyTorch form, found by their shapes and laid into ours.

What the layers are called in the file is not known for certain: only the names that PyTorch itself
gives to the weights of an LSTM are used. Everything else goes by shapes, and where two layers have
the same, by the order in which the branches come.
"""

import re
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.imported_torch import Floats

N_WEIGHT = 8_834_554
"""Numbers in the file: recurrent layers keep two offsets a gate."""

N_TAP, REDUCTION = 7, 8
CHANNELS = {"flux": (1, 64, 128, 256), "power": (1, 32, 64)}
UNITS = {"flux": 128, "power": 64}
WITHOUT_ATTENTION = 256
"""As in `port`, which cannot be imported here: it loads Keras."""

_LSTM = re.compile(r"(?P<name>.*)(?P<part>weight|bias)_(?P<of>ih|hh)_l(?P<depth>[01])").fullmatch

Shape = tuple[int, ...]


def port_weights(what: str, tensors: Mapping[str, Floats]) -> dict[str, Floats]:
    """Weights under the names of `port.build_port`, such as ``flux_conv_64/kernel``.

    Parameters
    ----------
    what
        Name of the file, for messages.
    tensors
        Of the state dictionary, in its order.

    Raises
    ------
    ModelRefused
        If a tensor is missing, or there are others.
    """
    left = {name: np.squeeze(one) if one.ndim > 3 else one for name, one in tensors.items()}  # noqa: PLR2004
    taken = _Taken(what, left)
    weights = _recurrent(taken)
    for name, channels in CHANNELS.items():
        for n_in, n in pairwise(channels):
            kernel = taken.only((n, n_in, N_TAP))
            weights[f"{name}_conv_{n}/kernel"] = kernel.transpose(2, 1, 0)
            weights[f"{name}_conv_{n}/bias"] = taken.beside((n,))
    blocks = _blocks(taken)
    for (name, n), (squeeze, excite, spatial) in blocks.items():
        block = f"{name}_attention_{n}"
        weights[f"{block}_squeeze/kernel"] = squeeze.reshape(-1, n).T
        weights[f"{block}_excite/kernel"] = excite.reshape(n, -1).T
        weights[f"{block}_spatial/kernel"] = spatial.transpose(2, 1, 0)
    for name, shape in (("hidden", (1024, 7936)), ("probability", (2, 1024))):
        weights[f"{name}/kernel"] = taken.only(shape).T
        weights[f"{name}/bias"] = taken.beside((shape[0],))
    if taken.left:
        rest = ", ".join(f"{name} {one.shape}" for name, one in taken.left.items())
        raise _refused(what, f"further tensors: {rest:.200}")
    return {name: np.ascontiguousarray(one, np.float32) for name, one in weights.items()}


class _Taken:
    """Tensors that are not placed yet, by name."""

    def __init__(self, what: str, tensors: Mapping[str, Floats]) -> None:
        self.what = what
        self.left = dict(tensors)
        self._last = ""

    def only(self, shape: Shape) -> Floats:
        """The one tensor of a shape."""
        found = self.named(shape)
        if len(found) != 1:
            raise _refused(self.what, f"{len(found) or 'no'} tensors of shape {shape}")
        (self._last,) = found
        return self.left.pop(self._last)

    def beside(self, shape: Shape) -> Floats:
        """The offset of the layer that was taken last: its name differs in the last word."""
        name = f"{self._last.removesuffix('weight')}bias"
        if name not in self.left or self.left[name].shape != shape:
            raise _refused(self.what, f"no {name} of shape {shape}")
        return self.left.pop(name)

    def named(self, *shapes: Shape) -> list[str]:
        """Names of the tensors of one of these shapes, in the order of the file."""
        return [name for name, one in self.left.items() if one.shape in shapes]


def _recurrent(taken: _Taken) -> dict[str, Floats]:
    """Weights of the LSTMs; PyTorch's gates come in the order of Keras."""
    weights: dict[str, Floats] = {}
    held: dict[tuple[str, int], dict[str, Floats]] = {}
    for name in list(taken.left):
        if match := _LSTM(name):
            parts = held.setdefault((match["name"], int(match["depth"])), {})
            parts[f"{match['part']}_{match['of']}"] = taken.left.pop(name)
    for (_, depth), parts in held.items():
        shapes = {part: one.shape for part, one in parts.items()}
        branch = {4 * n: name for name, n in UNITS.items()}.get(shapes.get("bias_ih", (0,))[0])
        n_unit = UNITS.get(branch or "", 0)
        n_in = n_unit if depth else CHANNELS.get(branch or "", (0,))[-1]
        wanted = {
            "weight_ih": (4 * n_unit, n_in),
            "weight_hh": (4 * n_unit, n_unit),
            **dict.fromkeys(("bias_ih", "bias_hh"), (4 * n_unit,)),
        }
        if shapes != wanted:
            raise _refused(taken.what, f"an LSTM of shapes {shapes}")
        cell = f"{branch}_lstm_{depth + 1}/lstm_cell"
        weights[f"{cell}/kernel"] = parts["weight_ih"].T
        weights[f"{cell}/recurrent_kernel"] = parts["weight_hh"].T
        weights[f"{cell}/bias"] = parts["bias_ih"] + parts["bias_hh"]
    if len(weights) != 3 * 2 * len(UNITS):
        raise _refused(taken.what, f"{len(held)} recurrent layers")
    return weights


def _blocks(taken: _Taken) -> dict[tuple[str, int], tuple[Floats, Floats, Floats]]:
    """Squeeze, excite and spatial weights of each attention block.

    Blocks of 64 channels are in both branches: they come in the order of the branches, which is
    that of the blocks only one branch has.
    """
    sizes = {(name, n) for name, channels in CHANNELS.items() for n in channels[1:]}
    wanted = {n for _, n in sizes if n != WITHOUT_ATTENTION}
    squeezes = [name for n in wanted for name in taken.named(*_either(n // REDUCTION, n))]
    order = [name for name in taken.left if name in set(squeezes)]
    found = [taken.left[name].shape[1] for name in order]
    flux_first = 128 in found and 32 in found and found.index(128) < found.index(32)  # noqa: PLR2004
    branches = ["flux", "power"] if flux_first else ["power", "flux"]
    expected = [(b, n) for b in branches for n in CHANNELS[b][1:] if n != WITHOUT_ATTENTION]
    if [n for _, n in expected] != found:
        raise _refused(taken.what, f"channel gates of {found} channels in this order")
    spatial = taken.named((1, 2, N_TAP))
    if len(spatial) != len(expected):
        raise _refused(taken.what, f"{len(spatial)} attentions in time")
    blocks = {}
    for block, name, step in zip(expected, order, spatial, strict=True):
        n = block[1]
        excite = taken.named(*_either(n, n // REDUCTION))
        if not excite:
            raise _refused(taken.what, f"no second layer of the gate of {n} channels")
        blocks[block] = taken.left.pop(name), taken.left.pop(excite[0]), taken.left.pop(step)
    return blocks


def _either(n_out: int, n_in: int) -> tuple[Shape, Shape]:
    """Shapes of a dense layer and of a convolution of one tap."""
    return (n_out, n_in), (n_out, n_in, 1)


def _refused(what: str, found: str) -> ModelRefused:
    return ModelRefused(
        what,
        found=found,
        expected=f"the PyTorch form of CALNet: {N_WEIGHT:,} weights",
        cure="Other networks cannot be imported.",
    )
