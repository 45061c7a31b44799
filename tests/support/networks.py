"""Weights of the published network for those who have no TensorFlow."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BRANCHES = {"flux": ((1, 64, 128, 256), 128), "power": ((1, 32, 64), 64)}
"""Channels before and after each convolution, and units of the LSTM."""


def fresh_weights(seed: int = 5) -> dict[str, Floats]:
    """Random weights, by name, of a size that brings scores of all kinds."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (channels, n_unit) in BRANCHES.items():
        for n_in, n in pairwise(channels):
            attention = f"{name}_attention_{n}"
            shapes |= {
                f"{name}_conv_{n}/kernel": (8, n_in, n),
                f"{attention}/squeeze/kernel": (n, n // 8),
                f"{attention}/excite/kernel": (n // 8, n),
                f"{attention}/scalar/kernel": (8, 2 * n, 1),
            }
        shapes[f"{name}_lstm/lstm_cell/kernel"] = (channels[-1], 4 * n_unit)
        shapes[f"{name}_lstm/lstm_cell/recurrent_kernel"] = (n_unit, 4 * n_unit)
    shapes |= {"hidden/kernel": (7936, 1024), "probability/kernel": (1024, 2)}
    weights = {}
    for name, shape in shapes.items():
        spread = np.float32(np.prod(shape[:-1]) ** -0.5)
        weights[name] = rng.standard_normal(shape, np.float32) * spread
        if not name.endswith("recurrent_kernel"):
            bias = name.replace("kernel", "bias")
            weights[bias] = rng.standard_normal(shape[-1], np.float32) / np.float32(8)
    return weights
