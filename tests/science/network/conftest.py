"""One network for all tests of this folder: TensorFlow takes ten seconds to load."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def keras() -> Iterator[Any]:
    """Keras, loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield pytest.importorskip("keras", reason="needs calnet-ops[train]")


@pytest.fixture(scope="session")
def model(keras: Any) -> Any:
    """An untrained network in the pooled variant."""
    from calnet_ops.science.network.calnet import build

    keras.utils.set_random_seed(7)
    return build("pooled")


@pytest.fixture(scope="session")
def segments() -> tuple[np.ndarray, np.ndarray]:
    """Flux and power of 40 segments: more than one batch. Read-only."""
    rng = np.random.default_rng(1)
    flux, power = (rng.random((40, width), dtype=np.float32) for width in (4000, 1000))
    flux.flags.writeable = power.flags.writeable = False
    return flux, power


@pytest.fixture(scope="session")
def graph(model: Any) -> bytes:
    """The network, exported."""
    from calnet_ops.science.network.export import to_litert

    return to_litert(model)
