"""Which version of the features a sector needs, and which a new model learns from."""

import json

from calnet_ops import keys
from calnet_ops.errors import WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.science.features import VERSIONS

DEFAULT = "v1"
"""Version where nobody has chosen: the published recipe."""


def version_to_extract(platform: Platform) -> str:
    """Version that a sector is to be scored with.

    That which the model in production learned from; without one, that which the first model is
    to learn from.

    Raises
    ------
    WrongConfiguration
        If CALNET_FEATURES names no version, and no model is in production.
    """
    return _of_champion(platform) or _known(platform.features) or DEFAULT


def version_to_train(platform: Platform, asked: str = "") -> str:
    """Version that a new model learns from.

    The one asked for, else that of CALNET_FEATURES, else that of the model in production.

    Raises
    ------
    WrongConfiguration
        If there is no such version.
    """
    return _known(asked) or _known(platform.features) or _of_champion(platform) or DEFAULT


def _of_champion(platform: Platform) -> str:
    """Version that the model in production learned from; empty without a model."""
    champion = platform.ledger.champion()
    if champion is None:
        return ""
    facts = json.loads(platform.store.load(keys.model(champion.model_id, "model.json")))
    return str(facts["features"])


def _known(version: str) -> str:
    if version and version not in VERSIONS:
        raise WrongConfiguration("features version", found=version, expected=" or ".join(VERSIONS))
    return version
