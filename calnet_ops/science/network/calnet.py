"""CALNet in Keras 3: the published network, built from its description.

Two branches, one for the light curve and one for its periodogram, each of convolutions with
an attention block and max-pooling, then an LSTM; both are added and read by two dense layers.
"""

from typing import Literal, get_args

import keras
from keras import layers

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network.attention import AttentionPool, Variant

N_FLUX = 4000
"""Samples of the light curve of a segment. Published."""

N_POWER = 1000
"""Periods of its periodogram. Published."""

N_PARAMETER = 8_737_163
"""Weights of the published network; a test counts them."""

EB_INDEX = 0
"""Which of the two outputs is P(EB). As in the published Keras form."""

LIGHT_CURVE_CHANNELS = (64, 128, 256)
"""Convolutions of the light curve branch. Published."""

PERIODOGRAM_CHANNELS = (32, 64)
"""Convolutions of the periodogram branch. Published."""

N_TAP = 8
"""Length of every convolution. Published; "same" padding is 3 before and 4 behind."""

Lstm = Literal["loop", "unrolled"]
"""How the LSTMs are laid out: as a loop, or step by step, which LiteRT needs."""


def build(variant: Variant = "pooled", lstm: Lstm = "loop") -> keras.Model:
    """The published network with fresh weights.

    Parameters
    ----------
    variant
        "published": attention as its authors wrote it, then pooling. "pooled": pooling first,
        which is the same function of the same weights (see `AttentionPool`) and a quarter
        to two thirds faster.
    lstm
        "loop" is quicker to build, "unrolled" quicker to run. Same weights.

    Returns
    -------
    model
        Inputs ``flux`` (n, 4000, 1) and ``power`` (n, 1000, 1), both in 0..1; output (n, 2),
        softmax: P(EB), P(anything else).

    Raises
    ------
    WrongConfiguration
        If there is no such variant.

    References
    ----------
    Wang et al. 2025, arXiv:2504.15875.
    """
    if variant not in get_args(Variant):
        raise WrongConfiguration("variant", found=variant, expected=" or ".join(get_args(Variant)))
    flux = keras.Input((N_FLUX, 1), name="flux")
    power = keras.Input((N_POWER, 1), name="power")
    light_curve = _branch(flux, "flux", LIGHT_CURVE_CHANNELS, 128, variant, lstm)
    periodogram = _branch(power, "power", PERIODOGRAM_CHANNELS, 64, variant, lstm)
    # Half as long as the other branch: said twice, so that they can be added.
    twice = layers.RepeatVector(2, name="power_twice")(periodogram)
    twice = layers.Flatten(name="power_twice_steps")(twice)
    both = layers.Add(name="both")([light_curve, twice])
    hidden = layers.Dense(1024, activation="sigmoid", name="hidden")(both)
    kept = layers.Dropout(0.5, name="dropout")(hidden)
    output = layers.Dense(2, activation="softmax", name="probability", dtype="float32")(kept)
    return keras.Model([flux, power], output, name="calnet")


def rebuild(model: keras.Model, variant: Variant = "pooled", lstm: Lstm = "loop") -> keras.Model:
    """The same network, with the same weights, laid out in another way."""
    other = build(variant, lstm)
    other.set_weights(model.get_weights())
    return other


def _branch(
    signal: keras.KerasTensor,
    name: str,
    channels: tuple[int, ...],
    n_unit: int,
    variant: Variant,
    lstm: Lstm,
) -> keras.KerasTensor:
    """Convolutions with attention and pooling, then an LSTM, all its steps side by side."""
    for n_channel in channels:
        signal = layers.Conv1D(
            n_channel, N_TAP, padding="same", activation="relu", name=f"{name}_conv_{n_channel}"
        )(signal)
        signal = AttentionPool(variant, name=f"{name}_attention_{n_channel}")(signal)
    steps = layers.LSTM(
        n_unit, return_sequences=True, unroll=lstm == "unrolled", name=f"{name}_lstm"
    )(signal)
    return layers.Flatten(name=f"{name}_steps")(steps)
