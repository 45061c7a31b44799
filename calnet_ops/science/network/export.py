"""The trained network as bare weights and as a LiteRT graph: scoring never loads TensorFlow."""

import keras
import numpy as np
import numpy.typing as npt

from calnet_ops.errors import ExportDiffers
from calnet_ops.science.network import forward
from calnet_ops.science.network.calnet import EB_INDEX, N_FLUX, N_POWER
from calnet_ops.science.network.litert import BATCH, Scorer
from calnet_ops.science.network.variants import IN_NUMPY, unroll

AGREEMENT = 1e-5
"""Largest difference of P(EB) between Keras and what was exported. Trained networks were seen to
differ by 3e-6 (LiteRT) and 1e-6 (`forward`); a catalog gives four digits."""


def scores_in_numpy(model: keras.Model) -> bool:
    """Whether `forward` computes this network, so that its weights are all that scoring takes."""
    return model.name == IN_NUMPY


def to_weights(model: keras.Model) -> dict[str, npt.NDArray[np.float32]]:
    """Weights by name, such as ``flux_conv_64/kernel``."""
    return {weight.path: np.asarray(weight, np.float32) for weight in model.weights}


def to_litert(model: keras.Model, *, half: bool = False) -> bytes:
    """Float32 LiteRT graph of a network: pooled attention, unrolled LSTMs, `BATCH` segments.

    Parameters
    ----------
    model
        A network of `variants.VARIANTS`, or of `calnet.build` in any layout.
    half
        Keep the weights in 16 bits: half the size, and scores that differ by 1e-3 or so.

    Returns
    -------
    graph
        The same network always gives the same bytes, so they can name the model.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    twin = unroll(model)
    traced = tf.function(
        lambda flux, power: twin([flux, power], training=False)[:, EB_INDEX],
        autograph=False,
        input_signature=[
            tf.TensorSpec((BATCH, N_FLUX, 1), tf.float32, "flux"),
            tf.TensorSpec((BATCH, N_POWER, 1), tf.float32, "power"),
        ],
    )
    # Keras 3 keeps its weights where the converter does not look: make them constants first.
    frozen = convert_variables_to_constants_v2(traced.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def check_export(
    graph: bytes,
    model: keras.Model,
    flux: npt.NDArray[np.float32],
    power: npt.NDArray[np.float32],
) -> float:
    """Largest difference between what was exported and the network it was made from.

    Parameters
    ----------
    flux, power
        Segments to compare on: (n, 4000) and (n, 1000).

    Raises
    ------
    ExportDiffers
        If it is above `AGREEMENT`.
    """
    outputs = model.predict([flux[..., None], power[..., None]], batch_size=BATCH, verbose=0)
    scorers: list[Scorer | forward.Scorer] = [Scorer(graph)]
    if scores_in_numpy(model):
        scorers.append(forward.Scorer(to_weights(model)))
    differences = [np.abs(one.score(flux, power) - outputs[:, EB_INDEX]) for one in scorers]
    difference = float(np.max(differences))
    if not difference <= AGREEMENT:
        raise ExportDiffers(
            "exported network",
            found=f"scores off by {difference:.1e}",
            expected=f"at most {AGREEMENT:.0e} from Keras",
        )
    return difference
