"""Where a training stands after an epoch, so that another process can go on from there."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration

Array = npt.NDArray[np.generic]

HISTORY, MODEL, OPTIMIZER, BEST = "history", "model", "optimizer", "best"
"""Parts of a state; names of arrays begin with them."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """How far training has come."""

    epoch: int
    """1, 2, …"""
    loss: float
    """Cross-entropy of the segments learned from, while learning, dropout included."""
    validation_loss: float
    """Cross-entropy of the validation segments after the epoch."""
    validation_accuracy: float
    """Share of the validation segments on their right side of 0.5."""


class Checkpoints(Protocol):
    """Keeps states of one training."""

    def newest(self) -> bytes | None:
        """The latest state, if this training was begun before."""

    def offer(self, epoch: int, state: Callable[[], bytes]) -> None:
        """Keep the state after an epoch, or not: it is made when called for."""


def pack_state(model: keras.Model, history: list[Epoch], best: list[Array]) -> bytes:
    """All that decides how training goes on: weights, dropout's seeds, optimizer, best epoch.

    Parameters
    ----------
    model
        Compiled and trained for an epoch at least.
    best
        Weights of the best epoch so far; may be none.
    """
    arrays = {
        **_named(MODEL, [keras.ops.convert_to_numpy(one) for one in model.variables]),
        **_named(OPTIMIZER, [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables]),
        **_named(BEST, best),
    }
    told = json.dumps([asdict(epoch) for epoch in history]).encode()
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, **{HISTORY: np.frombuffer(told, np.uint8)})
    return buffer.getvalue()


def restore_state(model: keras.Model, body: bytes) -> tuple[list[Epoch], list[Array]]:
    """Bring a compiled network to where training was; history and best weights.

    Raises
    ------
    WrongConfiguration
        If the state is damaged or of another network.
    """
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            told = json.loads(arrays[HISTORY].tobytes())
            parts = {part: _unnamed(part, arrays) for part in (MODEL, OPTIMIZER, BEST)}
    except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise WrongConfiguration(
            "state of a training", found=str(error), expected="a sound .npz file"
        ) from error
    model.optimizer.build(model.trainable_variables)
    for part, variables in ((MODEL, model.variables), (OPTIMIZER, model.optimizer.variables)):
        shapes = [tuple(one.shape) for one in variables]
        found = [array.shape for array in parts[part]]
        if found != shapes:
            raise WrongConfiguration(
                f"state of a training, {part}",
                found=f"{len(found)} arrays",
                expected=f"{len(shapes)} of the shapes of {model.name}",
            )
        for variable, array in zip(variables, parts[part], strict=True):
            variable.assign(array)
    return [Epoch(**one) for one in told], parts[BEST]


def _named(part: str, arrays: list[Array]) -> dict[str, Array]:
    return {f"{part}_{number:04d}": np.asarray(array) for number, array in enumerate(arrays)}


def _unnamed(part: str, arrays: "np.lib.npyio.NpzFile") -> list[Array]:
    return [arrays[name] for name in sorted(arrays.files) if name.startswith(f"{part}_")]
