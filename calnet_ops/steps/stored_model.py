"""A stored model, ready to score, without TensorFlow."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.steps.signed_model import check_parts

Floats = npt.NDArray[np.float32]

GRAPH = "calnet.tflite"
"""The network for anybody's LiteRT; its hash is the model's id."""

WEIGHTS = "calnet.npz"
"""Its weights, which production scores with. Models from before they were kept have none."""


class Scorer(Protocol):
    """What scores, whatever computes it."""

    def score(self, flux: Floats, power: Floats) -> Floats:
        """P(EB) of segments from their flux (n, 4000) and power (n, 1000)."""


def open_scorer(model_id: str, store: Store) -> Scorer:
    """Get a stored model ready, in one way for all that score with it.

    Raises
    ------
    MissingInput
        If there is no such model.
    ModelNotTrusted
        If it is not what was signed, see `check_parts`.
    """
    return make_scorer(*load_network(model_id, store))


def load_network(model_id: str, store: Store) -> tuple[str, bytes]:
    """File name and content of what a stored model scores with.

    Raises
    ------
    MissingInput
        If there is no such model.
    ModelNotTrusted
        If it is not what was signed, see `check_parts`.
    """
    name = WEIGHTS if store.exists(keys.model(model_id, WEIGHTS)) else GRAPH
    network = store.load(keys.model(model_id, name))
    check_parts(model_id, {name: network}, store)
    return name, network


def make_scorer(name: str, network: bytes) -> Scorer:
    """What scores with the content of a ``.npz`` or ``.tflite`` file; one core either way."""
    if name.endswith(".npz"):
        from calnet_ops.science.network.forward import Scorer as Forward
        from calnet_ops.science.network.weights import unpack

        return Forward(unpack(network))
    from calnet_ops.science.network.litert import Scorer as LiteRt

    return LiteRt(network)
