"""What depends on the library that Keras runs on, and on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from calnet_ops.science.network.settings import Settings


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
    mixed = settings.precision == "mixed" or (
        settings.precision == "auto" and keras.distribution.list_devices("gpu") != []
    )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
