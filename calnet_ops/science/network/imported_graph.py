"""A network from elsewhere as a list of layers, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.imported_layers import FUNCTIONS, LAYERS, Layer, Unlike

Floats = npt.NDArray[np.float32]

INPUT = "InputLayer"
"""Kind of the layers that hold what the network is given."""

MAX_CALLS = 2_000
"""Calls of layers; the published network has about a hundred."""


@dataclass(frozen=True, slots=True)
class Ref:
    """What a layer answered when it was called for the n-th time."""

    layer: str
    call: int


@dataclass(frozen=True, slots=True)
class Call:
    """A layer used on something; `Ref` stands for arrays."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def refs(self) -> list[Ref]:
        """All arrays that it is called with."""
        return _refs([list(self.args), list(self.kwargs.values())])


@dataclass(frozen=True, slots=True)
class GraphLayer:
    """A layer or a function between layers."""

    name: str
    kind: str
    """Class of a layer, ``InputLayer`` among them, or name of a function."""
    is_function: bool
    config: Mapping[str, Any]
    calls: tuple[Call, ...]
    weights: tuple[Floats, ...] = ()

    @property
    def compute(self) -> Layer:
        """What it does."""
        return FUNCTIONS[self.kind] if self.is_function else LAYERS[self.kind]


@dataclass(frozen=True)
class Graph:
    """A network of one input each for the light curve and the periodogram, and one output."""

    what: str
    """Name of the file, for messages."""
    layers: Mapping[str, GraphLayer]
    output: Ref

    def widths(self, layer: str) -> set[int]:
        """Lengths of the inputs that a layer depends on."""
        seen, waiting, found = set(), [layer], set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            one = self._layer(name)
            if one.kind == INPUT:
                found.add(input_width(one))
            waiting.extend(ref.layer for call in one.calls for ref in call.refs())
        return found

    def answer(self, flux: Floats, power: Floats) -> Floats:
        """Output for segments, computed layer by layer.

        Parameters
        ----------
        flux, power
            (n, n_flux) and (n, n_power).

        Returns
        -------
        output
            (n, n_output)

        Raises
        ------
        ModelRefused
            If the graph cannot be computed.
        """
        given = {flux.shape[1]: flux[..., None], power.shape[1]: power[..., None]}
        known: dict[Ref, Any] = {}
        for name, one in self.layers.items():
            if one.kind == INPUT:
                width = input_width(one)
                if width not in given:
                    raise self._refused(f"an input of length {width}")
                known[Ref(name, 0)] = given[width]
        waiting = [self.output]
        n_done = 0
        while waiting:
            ref = waiting[-1]
            if ref in known:
                waiting.pop()
                continue
            call = self._call(ref)
            missing = [one for one in call.refs() if one not in known]
            n_done += 1
            if n_done > MAX_CALLS:
                raise self._refused("layers that depend on themselves, or far too many")
            if missing:
                waiting.extend(missing)
                continue
            known[ref] = self._compute(ref, call, known)
            waiting.pop()
        return np.asarray(known[self.output], np.float32)

    def _compute(self, ref: Ref, call: Call, known: Mapping[Ref, Any]) -> Any:
        one = self._layer(ref.layer)
        inputs = [_filled(arg, known) for arg in call.args]
        config = {**one.config, **{k: _filled(v, known) for k, v in call.kwargs.items()}}
        try:
            return one.compute(config, one.weights, inputs)
        except Unlike as error:
            raise self._refused(f"layer {one.name} ({one.kind}) with {error}") from error
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise self._refused(f"layer {one.name} ({one.kind}): {error!r:.120}") from error

    def _layer(self, name: str) -> GraphLayer:
        if name not in self.layers:
            raise self._refused(f"a layer {name!r:.60} that is not described")
        return self.layers[name]

    def _call(self, ref: Ref) -> Call:
        calls = self._layer(ref.layer).calls
        if not 0 <= ref.call < len(calls):
            raise self._refused(f"a use of layer {ref.layer!r:.60} that is not described")
        return calls[ref.call]

    def _refused(self, found: str) -> ModelRefused:
        return ModelRefused(self.what, found=found, expected="a network of the published form")


def input_width(layer: GraphLayer) -> int:
    """Length of an input; 0 if it is not of shape (n, 1)."""
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape") or []
    match shape:
        case [_, int(width), 1]:
            return width
        case _:
            return 0


def _refs(value: Any) -> list[Ref]:
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [ref for one in value for ref in _refs(one)]
    return []


def _filled(value: Any, known: Mapping[Ref, Any]) -> Any:
    """The same with arrays in the place of `Ref`."""
    if isinstance(value, Ref):
        return known[value]
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    return value
