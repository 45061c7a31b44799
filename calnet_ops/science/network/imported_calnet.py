"""The weights of a published Keras network, found by their shapes and laid into ours."""

from itertools import pairwise

import numpy as np

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.forward import N_FLUX, N_POWER, Scorer
from calnet_ops.science.network.imported_graph import Floats, Graph, GraphLayer

BRANCHES = {"flux": (N_FLUX, (1, 64, 128, 256), 128), "power": (N_POWER, (1, 32, 64), 64)}
"""Length of the input, channels before and after each convolution, units of the LSTM."""

N_TAP = 8
REDUCTION = 8

AGREEMENT = 1e-4
"""Largest difference of an output between the file's graph and ours with its weights. Both are
float32 in another order: 1e-6 was seen; a network that does something else differs by 1e-2."""

Shapes = tuple[tuple[int, ...], ...]


def calnet_weights(graph: Graph) -> dict[str, Floats]:
    """Weights under the names of ours, see `weights`.

    Layers are told by the shapes of their weights, and where two branches have the same, by the
    input that they depend on. Names in the file do not matter.

    Raises
    ------
    ModelRefused
        If a layer is missing, or there are others.
    """
    left = {name: layer for name, layer in graph.layers.items() if layer.weights}
    weights: dict[str, Floats] = {}
    for role, (shapes, width) in _roles().items():
        layer = _find(graph, left, role, shapes, width)
        del left[layer.name]
        weights |= _named(role, layer.weights)
    if left:
        kinds = ", ".join(f"{name} {_shapes(layer)}" for name, layer in left.items())
        raise _refused(graph.what, f"further layers with weights: {kinds:.200}")
    return weights


def check_graph(graph: Graph, weights: dict[str, Floats], flux: Floats, power: Floats) -> None:
    """Demand that the file's own graph and ours with its weights say the same.

    Parameters
    ----------
    flux, power
        A few segments.

    Raises
    ------
    ModelRefused
        If the file's network is not the published one, though its weights have the same shapes.
    """
    output = graph.answer(flux, power)
    if output.shape != (len(flux), 2):
        raise _refused(graph.what, f"an output of shape {output.shape}")
    ours = Scorer(weights).score(flux, power)
    difference = float(np.max(np.abs(output[:, 0] - ours)))
    if difference > AGREEMENT:  # not so if both say what is no number
        raise _refused(
            graph.what,
            f"layers of the right shapes, but joined otherwise (outputs off by {difference:.1e})",
        )


def swap_outputs(weights: dict[str, Floats]) -> dict[str, Floats]:
    """The same network with its two outputs in the other order."""
    last = {name: weights[f"probability/{name}"][..., ::-1].copy() for name in ("kernel", "bias")}
    return {**weights, **{f"probability/{name}": array for name, array in last.items()}}


def _roles() -> dict[str, tuple[Shapes, int]]:
    """Shapes of the weights of each layer, and the input it depends on (0: both)."""
    roles: dict[str, tuple[Shapes, int]] = {}
    for name, (width, channels, n_unit) in BRANCHES.items():
        for n_in, n in pairwise(channels):
            few, block = n // REDUCTION, f"{name}_attention_{n}"
            roles[f"{name}_conv_{n}"] = ((N_TAP, n_in, n), (n,)), width
            roles[f"{block}/squeeze"] = ((n, few), (few,)), width
            roles[f"{block}/excite"] = ((few, n), (n,)), width
            roles[f"{block}/scalar"] = ((N_TAP, 2 * n, 1), (1,)), width
        gates = 4 * n_unit
        cell = (channels[-1], gates), (n_unit, gates), (gates,)
        roles[f"{name}_lstm/lstm_cell"] = cell, width
    n_step = 62 * 128
    roles["hidden"] = ((n_step, 1024), (1024,)), 0
    roles["probability"] = ((1024, 2), (2,)), 0
    return roles


def _find(
    graph: Graph, left: dict[str, GraphLayer], role: str, shapes: Shapes, width: int
) -> GraphLayer:
    wanted = {width} if width else {N_FLUX, N_POWER}
    found = [
        layer
        for name, layer in left.items()
        if _shapes(layer) == shapes and graph.widths(name) == wanted
    ]
    if len(found) != 1:
        others = sorted({f"{_shapes(layer)}" for layer in left.values()})
        raise _refused(
            graph.what,
            f"{len(found) or 'no'} layers with weights {shapes} for {role}; "
            f"not placed yet: {', '.join(others):.300}",
        )
    return found[0]


def _shapes(layer: GraphLayer) -> Shapes:
    return tuple(array.shape for array in layer.weights)


def _named(role: str, arrays: tuple[Floats, ...]) -> dict[str, Floats]:
    names = ("kernel", "recurrent_kernel", "bias") if len(arrays) > 2 else ("kernel", "bias")  # noqa: PLR2004
    return {f"{role}/{name}": array for name, array in zip(names, arrays, strict=True)}


def _refused(what: str, found: str) -> ModelRefused:
    return ModelRefused(what, found=found, expected="the published network: 8,737,163 weights")
