"""Networks that somebody else built or saved."""

from collections.abc import Callable

import keras
import numpy as np

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network.calnet import EB_INDEX, N_FLUX, N_POWER
from calnet_ops.science.network.samples import Floats

TOGETHER = 64
"""Segments scored at once: memory stays below 100 MB."""


def scoring(model: keras.Model) -> Callable[[Floats, Floats], Floats]:
    """Scoring function of a Keras network, of the form of `litert.Scorer.score`.

    Raises
    ------
    WrongConfiguration
        If it does not read a light curve and a periodogram and answer with two numbers.
    """
    widths = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if sorted(widths) != [(N_POWER, 1), (N_FLUX, 1)] or model.output_shape != (None, 2):
        raise WrongConfiguration(
            "network",
            found=f"inputs {widths}, output {model.output_shape}",
            expected=f"({N_FLUX}, 1) and ({N_POWER}, 1), output (None, 2) with P(EB) first",
        )
    flux_first = widths[0] == (N_FLUX, 1)

    def score(flux: Floats, power: Floats) -> Floats:
        inputs = [flux[..., None], power[..., None]]
        ordered = inputs if flux_first else inputs[::-1]
        output = model.predict(ordered, batch_size=TOGETHER, verbose=0)
        return np.asarray(output[:, EB_INDEX], np.float32)

    return score
