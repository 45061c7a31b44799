"""What depends on the library that Keras runs on, and on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import keras
from keras import layers, ops

from calnet_ops.science.network.settings import Settings

LEARNED_AT_ONCE = 48
"""Segments whose gradients are taken at once on a CPU, at most: 10 MB each with the published
network. Its batches of 128 take 2.4 GiB as a whole, and a tenth less time."""


def keep_all_digits() -> None:
    """Multiply in float32 on a GPU as well.

    By default TensorFlow and JAX drop 13 of 23 bits there, and no export would agree with that to
    1e-5.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(enabled=False)
    elif keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")  # type: ignore[no-untyped-call]


@contextmanager
def precision_of(settings: Settings) -> Iterator[None]:
    """Build networks in the precision that settings ask for.

    "auto" is half precision on a GPU, with weights in float32, and float32 on a CPU, where half
    precision is slower.
    """
    mixed = settings.precision == "mixed" or (settings.precision == "auto" and _has_gpu())
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def pieces_of_batch(settings: Settings) -> int:
    """Pieces in which the gradient of a batch is taken: on a GPU, which has the memory, in one."""
    return 1 if _has_gpu() else ceil(settings.batch / LEARNED_AT_ONCE)


def without_softmax(model: keras.Model) -> keras.Model:
    """The same layers and weights up to what goes into the last softmax.

    The published loss is the cross-entropy of each of these two numbers through a sigmoid: Keras
    on TensorFlow remembers them. Other libraries forget them, and would take another loss of the
    same name.
    """
    last = model.layers[-1]
    sums = _Sums(last, dtype="float32", name="sums")(last.input)
    return keras.Model(model.inputs, sums, name=model.name)


def _has_gpu() -> bool:
    if keras.backend.backend() == "torch":
        import torch  # type: ignore[import-not-found]

        return bool(torch.cuda.is_available())
    # Asked for "gpu" by name, JAX fails where there is none.
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())


class _Sums(layers.Layer):
    """What a dense layer gives to its activation."""

    def __init__(self, dense: layers.Dense, **options: Any) -> None:
        super().__init__(**options)
        self.dense = dense

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return ops.matmul(inputs, self.dense.kernel) + self.dense.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.dense.units)
