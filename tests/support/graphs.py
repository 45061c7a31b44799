"""A tiny graph with the inputs and output of an exported network, for tests without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TINY = Path(__file__).parents[1] / "data" / "mean_flux.tflite"
"""Made by `make_tiny`; its score is the mean flux of the segment."""


def tiny_graph() -> bytes:
    """Bytes of the tiny graph."""
    return TINY.read_bytes()


def tiny_score(flux: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the tiny graph answers."""
    return flux.mean(axis=1)


def make_tiny() -> bytes:
    """Convert it anew; needs TensorFlow."""
    import tensorflow as tf

    from calnet_ops.science.network.litert import BATCH

    def mean_flux(flux: Any, power: Any) -> Any:
        return tf.reduce_mean(flux, axis=[1, 2]) + 0.0 * power[:, 0, 0]

    inputs = [
        tf.TensorSpec((BATCH, 4000, 1), tf.float32, "flux"),
        tf.TensorSpec((BATCH, 1000, 1), tf.float32, "power"),
    ]
    traced = tf.function(mean_flux, autograph=False, input_signature=inputs)
    concrete = traced.get_concrete_function()
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
