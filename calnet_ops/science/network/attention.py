"""The attention block of CALNet with the max-pooling that follows it."""

from typing import Any, Literal

import keras
from keras import layers, ops

Variant = Literal["published", "pooled"]
"""In which order attention and pooling are computed."""

POOL = 4
"""Steps that max-pooling joins; the rest at the end is dropped. Published."""

REDUCTION = 8
"""How much narrower the hidden layer of the channel gate is. Published."""

N_TAP = 8
"""Length of the convolution of the scalar gate. Published."""

SEEING_TAP = 3
"""The one tap of that convolution that meets data: its input has length 1, "same" padding
puts 3 zeros before and 4 behind. The other 7/8 of its weights never learn."""


@keras.saving.register_keras_serializable("calnet")
class AttentionPool(layers.Layer):
    r"""Weigh each channel, then the whole block, then keep the largest of every 4 steps.

    The channel gate comes from the mean and the largest value of each channel in time. The
    "spatial" gate of the published code reduces over time as well, so it is one number a
    segment, and there is no attention in time:

    .. math::
        g = \sigma(m(\bar x) + m(\hat x)), \quad s = \sigma(w \cdot (g \bar x, g \hat x) + b)

    with :math:`m` a two-layer perceptron with ReLU on both layers.

    Parameters
    ----------
    variant
        "published" multiplies the block by both gates and pools. "pooled" pools first: the
        gates are positive and constant in time, so they commute with the largest value,
        :math:`pool(x g s) = pool(x) g s`, and the sums shrink by four.
    name
        Name of the layer.

    References
    ----------
    Woo et al. 2018, arXiv:1807.06521 (the block that the published one departs from).
    """

    def __init__(self, variant: Variant = "pooled", **options: Any) -> None:
        super().__init__(**options)
        self.variant = variant

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights of both gates."""
        n_channel = input_shape[-1] or 0
        self.squeeze = layers.Dense(n_channel // REDUCTION, activation="relu", name="squeeze")
        self.excite = layers.Dense(n_channel, activation="relu", name="excite")
        self.scalar = layers.Conv1D(1, N_TAP, padding="same", activation="sigmoid", name="scalar")
        self.squeeze.build((None, n_channel))
        self.excite.build((None, n_channel // REDUCTION))
        self.scalar.build((None, 1, 2 * n_channel))

    def call(self, block: keras.KerasTensor) -> keras.KerasTensor:
        """Attend and pool: (n, n_step, n_channel) to (n, n_step // 4, n_channel)."""
        return self._published(block) if self.variant == "published" else self._pooled(block)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of what `call` returns."""
        n_segment, n_step, n_channel = input_shape
        return (n_segment, None if n_step is None else n_step // POOL, n_channel)

    def get_config(self) -> dict[str, Any]:
        """What it takes to make this layer again."""
        return {**super().get_config(), "variant": self.variant}

    def _channel_gate(
        self, mean: keras.KerasTensor, largest: keras.KerasTensor
    ) -> keras.KerasTensor:
        return ops.sigmoid(self.excite(self.squeeze(mean)) + self.excite(self.squeeze(largest)))

    def _published(self, block: keras.KerasTensor) -> keras.KerasTensor:
        gate = self._channel_gate(ops.mean(block, axis=1), ops.max(block, axis=1))
        gated = block * gate[:, None, :]
        summary = ops.concatenate(
            [ops.mean(gated, axis=1, keepdims=True), ops.max(gated, axis=1, keepdims=True)],
            axis=-1,
        )
        return ops.max_pool(gated * self.scalar(summary), POOL, POOL)

    def _pooled(self, block: keras.KerasTensor) -> keras.KerasTensor:
        pooled = ops.max_pool(block, POOL, POOL)
        # Divided as sums, so that backwards the small array is divided and not the large one; of
        # more digits, as in half precision 4,000 values of 16 are infinite.
        total = ops.sum(ops.cast(block, "float32"), axis=1)
        mean, largest = ops.cast(total / block.shape[1], block.dtype), ops.max(pooled, axis=1)
        # Of pooled values and of what pooling drops: a quarter of the work, backwards too.
        n_pooled = POOL * pooled.shape[1]
        if n_pooled < block.shape[1]:
            largest = ops.maximum(largest, ops.max(block[:, n_pooled:], axis=1))
        gate = self._channel_gate(mean, largest)
        summary = ops.concatenate([mean * gate, largest * gate], axis=-1)
        weight, offset = self.scalar.kernel[SEEING_TAP], self.scalar.bias
        scalar = ops.sigmoid(ops.matmul(summary, weight) + offset)
        return pooled * (gate * scalar)[:, None, :]
