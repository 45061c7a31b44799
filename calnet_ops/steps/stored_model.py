"""A stored model, ready to score, without TensorFlow."""

import os
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calnet_ops import keys
from calnet_ops.adapters.store import Store

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
    """
    weights = keys.model(model_id, WEIGHTS)
    if store.exists(weights):
        return scorer_of_weights(store.load(weights))
    return scorer_of_graph(store.load(keys.model(model_id, GRAPH)), n_thread=1)


def scorer_of_weights(weights: bytes) -> Scorer:
    """The network in numpy, on one core."""
    from calnet_ops.science.network.forward import Scorer as Forward
    from calnet_ops.science.network.weights import unpack

    return Forward(unpack(weights))


def scorer_of_graph(graph: bytes, n_thread: int | None = None) -> Scorer:
    """A LiteRT graph, on all cores unless told otherwise."""
    from calnet_ops.science.network.litert import Scorer as LiteRt

    return LiteRt(graph, n_thread or os.cpu_count() or 1)
