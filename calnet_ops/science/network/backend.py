"""What depends on the library that Keras runs on, and on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

import keras

from calnet_ops.science.network.settings import Settings

LEARNED_AT_ONCE = 48
"""Segments whose gradients are taken at once on a CPU, at most: 9 MiB each with the published
network. Its batches of 128 take 2.5 GiB as a whole, and a tenth less time."""


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


def compiles_whole() -> bool:
    """Whether the library's compiler is to make one program of a step.

    JAX runs one operation at a time without it. TensorFlow's is slower on a CPU than its own
    operations, and PyTorch's needs a compiler of C++ on the machine.
    """
    return keras.backend.backend() == "jax"


def learns_faster_with_ours() -> bool:
    """Whether `learner.OURS` learn faster: than layers of Keras on TensorFlow on a CPU.

    A GPU has a kernel for a whole LSTM, and JAX would compile ours for minutes.
    """
    return keras.backend.backend() == "tensorflow" and not _has_gpu()


def _has_gpu() -> bool:
    if keras.backend.backend() == "torch":
        import torch  # type: ignore[import-not-found]

        return bool(torch.cuda.is_available())
    # Asked for "gpu" by name, JAX fails where there is none.
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())
