"""The weights of a network as bytes: an ``.npz`` file, which numpy alone reads."""

import io
import zipfile

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration

Floats = npt.NDArray[np.float32]

N_WEIGHT = 8_737_163
"""Weights of the published network, as `calnet.N_PARAMETER`."""


def pack(weights: dict[str, Floats]) -> bytes:
    """An ``.npz`` file; the same weights give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: weights[name] for name in sorted(weights)})
    return buffer.getvalue()


def unpack(body: bytes) -> dict[str, Floats]:
    """Arrays of an ``.npz`` file by name.

    Raises
    ------
    WrongConfiguration
        If it is damaged, or does not hold as many numbers as the published network.
    """
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise WrongConfiguration(
            "weights", found=str(error), expected="a sound .npz file"
        ) from error
    n_weight = sum(array.size for array in weights.values() if array.dtype == np.float32)
    if n_weight != N_WEIGHT:
        raise WrongConfiguration(
            "weights", found=f"{n_weight} numbers", expected=f"{N_WEIGHT} of float32"
        )
    return weights
