"""A small network of our own: a sixth of the arithmetic and a 47th of the weights as published.

Of plain Keras layers alone. Where the published network spends 93% of its weights on telling apart
*where* in a segment something happens, this one asks *whether* it happens anywhere, and how it
looks: attention in time, then a mean, so that a segment's length and start matter little.
"""

import keras
from keras import layers

from calnet_ops.science.network.calnet import N_FLUX, N_POWER

DILATIONS = (1, 2, 4, 8, 16)
"""Steps between the taps of the residual blocks, 16 samples a step: the last of them sees 62 steps
to either side of its own, 3 days of a segment of 13, so two eclipses of most binaries at once."""

N_HEAD = 4
"""Things that the attention in time looks for at once."""

WIDTH = 64
"""Channels of the residual blocks."""

MEMORY = 0.9
"""Of the normalisations' means: 7 epochs of 40 steps are all there is in a demo, and Keras' own
0.99 would still remember the first weights."""


def build_compact() -> keras.Model:
    """The network with fresh weights; inputs and output as of `calnet.build`.

    References
    ----------
    Bai et al. 2018, arXiv:1803.01271 (dilated residual blocks); Lin et al. 2017, arXiv:1703.03130
    (several heads of attention that pool in time).
    """
    flux = keras.Input((N_FLUX, 1), name="flux")
    power = keras.Input((N_POWER, 1), name="power")
    both = layers.Concatenate(name="both")([_light_curve(flux), _periodogram(power)])
    hidden = layers.Dense(96, activation="relu", name="hidden")(both)
    kept = layers.Dropout(0.3, name="dropout")(hidden)
    output = layers.Dense(2, activation="softmax", name="probability", dtype="float32")(kept)
    return keras.Model([flux, power], output, name="compact")


def _light_curve(flux: keras.KerasTensor) -> keras.KerasTensor:
    """(n, 4000, 1) to (n, (N_HEAD + 1) x WIDTH)."""
    steps = _convolve(flux, "flux_1", 32, 16, stride=2)
    steps = layers.MaxPooling1D(2, name="flux_1_pool")(steps)
    steps = _convolve(steps, "flux_2", 32, 5)
    steps = layers.MaxPooling1D(4, name="flux_2_pool")(steps)
    steps = _convolve(steps, "flux_3", WIDTH, 5)
    for dilation in DILATIONS:
        name = f"flux_dilated_{dilation}"
        change = _convolve(steps, name, WIDTH, 3, dilation=dilation)
        steps = layers.Add(name=f"{name}_sum")([steps, change])
    looked_for = layers.Conv1D(N_HEAD, 1, name="flux_attention")(steps)
    weights = layers.Softmax(axis=1, name="flux_attention_weights")(looked_for)
    found = layers.Dot(axes=1, name="flux_found")([weights, steps])
    found = layers.Flatten(name="flux_found_channels")(found)
    largest = layers.GlobalMaxPooling1D(name="flux_largest")(steps)
    return layers.Concatenate(name="flux_summary")([found, largest])


def _periodogram(power: keras.KerasTensor) -> keras.KerasTensor:
    """(n, 1000, 1) to (n, 64). Here it does matter where a peak is."""
    steps = _convolve(power, "power_1", 16, 9, stride=2)
    steps = layers.MaxPooling1D(2, name="power_1_pool")(steps)
    steps = _convolve(steps, "power_2", 32, 5)
    steps = layers.MaxPooling1D(4, name="power_2_pool")(steps)
    steps = _convolve(steps, "power_3", 16, 5)
    flat = layers.Flatten(name="power_steps")(steps)
    return layers.Dense(64, activation="relu", name="power_summary")(flat)


def _convolve(
    signal: keras.KerasTensor,
    name: str,
    n_channel: int,
    n_tap: int,
    stride: int = 1,
    dilation: int = 1,
) -> keras.KerasTensor:
    """Convolution, normalisation, ReLU. The normalisation brings the offset."""
    steps = layers.Conv1D(
        n_channel,
        n_tap,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(signal)
    steps = layers.BatchNormalization(momentum=MEMORY, name=f"{name}_norm")(steps)
    return layers.ReLU(name=name)(steps)
