"""Which stars a model has learned from, as far as that is known."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calnet_ops import keys
from calnet_ops.errors import WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.steps.chosen_model import find_model
from calnet_ops.steps.evaluate_folder import LearnedFrom

NEAR_ARCSEC = 63.0
"""Three TESS pixels: within them a star's eclipses show in its neighbour's aperture."""

_VERSION = re.compile(r"^(models:/calnet(?:@|/))?(?P<version>\w+)$")


def learned_from(model: str, installation: Callable[[], Platform]) -> LearnedFrom | None:
    """Tell the stars that a model has learned from; None if nobody knows.

    Of a version of the installation its data set tells; of a file, ``learned_from`` in the
    ``model.json`` beside it, a list of TIC numbers.

    Parameters
    ----------
    model
        See `chosen_model.model_named`.
    installation
        Opens the platform, if the model is one of its own.

    Raises
    ------
    WrongConfiguration
        If the list is none of numbers.
    """
    version = _VERSION.match(model)
    if version and not Path(model).exists():
        return _of_dataset(find_model(version["version"], installation()), installation())
    facts = Path(model).with_name("model.json")
    known = json.loads(facts.read_bytes()).get("learned_from") if facts.is_file() else None
    if known is None:
        return None
    try:
        return _Learned(np.array(known, np.int64), *_nowhere(len(known)))
    except (TypeError, ValueError, OverflowError) as error:
        found = f"learned_from: {error}"
        raise WrongConfiguration(
            str(facts), found=found, expected="learned_from: a list of TIC numbers"
        ) from error


def _of_dataset(model_id: str, platform: Platform) -> LearnedFrom | None:
    facts = json.loads(platform.store.load(keys.model(model_id, "model.json")))
    key = facts.get("dataset", "")
    if not key or not platform.store.exists(key):
        return None
    rows = platform.store.load_table(key, ["tic", "split", "ra", "dec"])
    # validation stars have chosen epoch and threshold
    used = np.isin(rows["split"].to_pylist(), ["train", "validation"])
    tic, ra, dec = (rows[name].to_numpy()[used] for name in ("tic", "ra", "dec"))
    return _Learned(tic, ra, dec)


def _nowhere(n: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    return np.full(n, np.nan), np.full(n, np.nan)


class _Learned:
    """Whether a star is one of some, or next to one of them."""

    def __init__(
        self,
        tic: npt.NDArray[np.int64],
        ra: npt.NDArray[np.float64],
        dec: npt.NDArray[np.float64],
    ) -> None:
        self._tic = frozenset(tic.tolist())
        self._ra, self._dec = np.radians(ra), np.radians(dec)

    def __call__(self, tic: int, ra: float, dec: float) -> bool:
        if tic in self._tic:
            return True
        if not np.isfinite(ra) or not np.isfinite(dec):
            return False
        at, up = np.radians(ra), np.radians(dec)
        half = (
            np.sin((self._dec - up) / 2) ** 2
            + np.cos(self._dec) * np.cos(up) * np.sin((self._ra - at) / 2) ** 2
        )
        near = np.radians(NEAR_ARCSEC / 3600)
        return bool(np.any(half < np.sin(near / 2) ** 2))
