"""Arithmetic of a network, counted layer by layer."""

from math import prod
from typing import Any


def n_multiply_add(model: Any) -> int:
    """Multiplications of weights in one segment's score; an addition goes with each.

    Of convolutions, dense and recurrent layers. Gates, pooling and normalisation, some percent, are
    left out.
    """
    return sum(_of(layer) for layer in model.layers)


def _of(layer: Any) -> int:
    """Kernels are applied at each step of what comes out (or of what goes through an LSTM)."""
    kernels = sum(prod(weight.shape) for weight in layer.weights if "kernel" in weight.path)
    if "_attention_" in layer.name and type(layer).__name__ == "AttentionPool":
        return kernels
    n_step = layer.output.shape[1] if kernels and len(layer.output.shape) > 2 else 1
    return kernels * n_step
