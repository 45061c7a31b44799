"""The later PyTorch form of CALNet in Keras 3: akin to the published network, not the same.

Of plain Keras layers alone. In the light curve branch the third convolution has no attention; the
hidden layer of a channel gate has no offset and its output no ReLU; attention in time is real; the
recurrent layers are two deep.
"""

import keras
from keras import layers

from calnet_ops.science.network.calnet import (
    LIGHT_CURVE_CHANNELS,
    N_FLUX,
    N_POWER,
    PERIODOGRAM_CHANNELS,
    Lstm,
)

N_PARAMETER = 8_833_018
"""Weights; a test counts them. The PyTorch file has 8,834,554: its recurrent layers keep two
offsets a gate, which only ever act as their sum, and Keras keeps that sum."""

N_TAP = 7
"""Length of every convolution, 3 zeros at either end. As in the port."""

POOL = 4
REDUCTION = 8
"""As in the published network."""

WITHOUT_ATTENTION = 256
"""Channels of the one convolution that no attention follows."""

PERIODOGRAM_UNITS, LIGHT_CURVE_UNITS = 64, 128
"""Units of the recurrent layers."""


def build_port(lstm: Lstm = "loop") -> keras.Model:
    """The port's network with fresh weights.

    Parameters
    ----------
    lstm
        As in `calnet.build`.

    Returns
    -------
    model
        Inputs and output as of `calnet.build`: output 0 is P(EB). In the PyTorch file it is
        output 1, so both columns of its last layer change places on import.

    Notes
    -----
    An attention block `flux_attention_64` has the layers `…_squeeze`, `…_excite` and `…_spatial`,
    a branch the recurrent layers `flux_lstm_1` and `flux_lstm_2`; kernels are the transposed ones
    of PyTorch.

    References
    ----------
    https://github.com/wangleon/CALNet, July 2025.
    """
    flux = keras.Input((N_FLUX, 1), name="flux")
    power = keras.Input((N_POWER, 1), name="power")
    light_curve = _branch(flux, "flux", LIGHT_CURVE_CHANNELS, LIGHT_CURVE_UNITS, lstm)
    periodogram = _branch(power, "power", PERIODOGRAM_CHANNELS, PERIODOGRAM_UNITS, lstm)
    twice = layers.Concatenate(name="power_twice")([periodogram, periodogram])
    both = layers.Add(name="both")([light_curve, twice])
    hidden = layers.Dense(1024, activation="sigmoid", name="hidden")(both)
    kept = layers.Dropout(0.5, name="dropout")(hidden)
    output = layers.Dense(2, activation="softmax", name="probability", dtype="float32")(kept)
    return keras.Model([flux, power], output, name="port")


def _branch(
    signal: keras.KerasTensor, name: str, channels: tuple[int, ...], n_unit: int, lstm: Lstm
) -> keras.KerasTensor:
    """Convolutions with attention and pooling, then two LSTMs, all steps side by side."""
    for n_channel in channels:
        signal = layers.Conv1D(
            n_channel, N_TAP, padding="same", activation="relu", name=f"{name}_conv_{n_channel}"
        )(signal)
        if n_channel != WITHOUT_ATTENTION:
            signal = _attend(signal, f"{name}_attention_{n_channel}")
        signal = layers.MaxPooling1D(POOL, name=f"{name}_pool_{n_channel}")(signal)
    for number in (1, 2):
        signal = layers.LSTM(
            n_unit, return_sequences=True, unroll=lstm == "unrolled", name=f"{name}_lstm_{number}"
        )(signal)
    return layers.Flatten(name=f"{name}_steps")(signal)


def _attend(block: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Weigh each channel, then each step."""
    n_channel = block.shape[-1]
    squeeze = layers.Dense(
        n_channel // REDUCTION, activation="relu", use_bias=False, name=f"{name}_squeeze"
    )
    excite = layers.Dense(n_channel, use_bias=False, name=f"{name}_excite")
    mean = layers.GlobalAveragePooling1D(keepdims=True, name=f"{name}_mean")(block)
    largest = layers.GlobalMaxPooling1D(keepdims=True, name=f"{name}_largest")(block)
    both = layers.Add(name=f"{name}_sum")([excite(squeeze(mean)), excite(squeeze(largest))])
    gate = layers.Activation("sigmoid", name=f"{name}_gate")(both)
    gated = layers.Multiply(name=f"{name}_channels")([block, gate])
    # With channels taken for steps, pooling in "time" runs over the channels of each step.
    across = {"data_format": "channels_first", "keepdims": True}
    mean = layers.GlobalAveragePooling1D(name=f"{name}_step_mean", **across)(gated)
    largest = layers.GlobalMaxPooling1D(name=f"{name}_step_largest", **across)(gated)
    summary = layers.Concatenate(name=f"{name}_step_summary")([mean, largest])
    steps = layers.Conv1D(
        1, N_TAP, padding="same", activation="sigmoid", use_bias=False, name=f"{name}_spatial"
    )(summary)
    return layers.Multiply(name=name)([gated, steps])
