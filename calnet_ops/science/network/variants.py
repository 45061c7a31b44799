"""The networks that can be trained, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import keras

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network.calnet import Lstm, build
from calnet_ops.science.network.compact import build_compact
from calnet_ops.science.network.port import build_port

VARIANTS: Mapping[str, Callable[[Lstm], keras.Model]] = MappingProxyType(
    {
        "calnet": lambda lstm: build("pooled", lstm),
        "port": build_port,
        "compact": lambda _lstm: build_compact(),
    }
)
"""What builds each of them. All take flux (n, 4000, 1) and power (n, 1000, 1) and answer with
(n, 2) probabilities, P(EB) first; a model is called as its network is. `settings.NETWORKS` lists
the names for those who must not load Keras."""

IN_NUMPY = "calnet"
"""The one that `forward` computes. The others score with their LiteRT graph."""


def build_network(name: str, lstm: Lstm = "loop") -> keras.Model:
    """A network with fresh weights.

    Raises
    ------
    WrongConfiguration
        If there is none of this name.
    """
    if name not in VARIANTS:
        raise WrongConfiguration("network", found=name, expected=" or ".join(VARIANTS))
    return VARIANTS[name](lstm)


def unroll(model: keras.Model) -> keras.Model:
    """The same network with the same weights, its recurrent layers laid out step by step."""
    twin = build_network(model.name, "unrolled")
    twin.set_weights(model.get_weights())
    return twin
