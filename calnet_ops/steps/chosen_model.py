"""A model to classify with: a file, a version of the installation, or the one we ship."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import FeaturesDiffer, MissingInput, WrongConfiguration
from calnet_ops.platform import Platform, open_platform
from calnet_ops.science import network
from calnet_ops.science.candidates.calibration import IDENTITY, Calibration
from calnet_ops.science.features import VERSIONS
from calnet_ops.steps.imported_network import KERAS, published_scorer
from calnet_ops.steps.model_facts import FACTS, load_model_facts
from calnet_ops.steps.signed_model import check_file
from calnet_ops.steps.stored_model import load_network, make_scorer

DEFAULT_THRESHOLD = 0.5
"""For models that come without one: rather an EB than not. The published code asks for 0.9."""

FEATURES = "v1"
"""Features of models that do not say what they learned from: the published ones."""

SUFFIXES = frozenset({".h5", ".keras", ".npz", ".tflite"})
"""Of files of a model: as Keras saves them, the weights that the platform scores with, and its
LiteRT graph."""

PREFERRED = ("calnet.npz", "calnet.tflite", "calnet.keras")
"""Files of a model's folder, the one that production scores with first."""

SHIPPED = "shipped"
"""Name of the model that the software comes with."""

SHIPPED_FILE = Path(network.__path__[0], SHIPPED, "calnet.tflite")
"""Made by ``python -m tests.bench.shipped_model``; installed, and to be trusted, like the code."""

Floats = npt.NDArray[np.float32]
Score = Callable[[Floats, Floats], Floats]
"""P(EB) of segments from their flux (n, 4000) and power (n, 1000)."""

_URI = re.compile(r"^models:/calnet(?:@(?P<alias>\w+)|/(?P<version>\d+))$")


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model, ready to score."""

    score: Score
    threshold: float
    """Probability from which a target is a candidate."""
    features: str = FEATURES
    """Version of the features that it learned from."""
    calibration: Calibration = IDENTITY
    """Of its combined probabilities."""
    again: Callable[[], Score] | None = None
    """Makes `score` in another process, where its results are the same; None of a Keras file, as
    each process would load TensorFlow."""


def model_named(text: str) -> str:
    """What a person means, in the words of `open_model`.

    Parameters
    ----------
    text
        A version's number, an alias such as ``champion``, a file, a folder that holds one, or
        `SHIPPED`.

    Raises
    ------
    WrongConfiguration
        If a folder holds no model.

    Examples
    --------
    >>> model_named("3"), model_named("champion"), model_named("models:/calnet/3")
    ('models:/calnet/3', 'models:/calnet@champion', 'models:/calnet/3')
    """
    if text == SHIPPED:
        return str(SHIPPED_FILE)
    path = Path(text)
    if path.is_dir():
        named = [path / name for name in PREFERRED if (path / name).is_file()]
        named += sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
        if not named:
            expected = f"one of {', '.join(PREFERRED)}"
            raise WrongConfiguration(text, found="no model in the folder", expected=expected)
        return str(named[0])
    if path.exists() or not re.fullmatch(r"\w+", text):
        return text
    return f"models:/calnet/{text}" if text.isdigit() else f"models:/calnet@{text}"


def open_model(
    model: str,
    threshold: float | None = None,
    installation: Callable[[], Platform] = open_platform,
) -> ChosenModel:
    """Get a model ready.

    Parameters
    ----------
    model
        Answer of `model_named`. A ``model.json`` beside a file is heeded.
    threshold
        Instead of the model's own.
    installation
        Opens the platform, if the model is one of its own.

    Raises
    ------
    WrongConfiguration
        If it is neither, or damaged.
    FeaturesDiffer
        If it learned from features that this version of the software does not know.
    """
    uri = _URI.match(model)
    if uri is not None:
        chosen = _of_installation(uri["alias"], uri["version"], installation())
    elif Path(model).is_file() and Path(model).suffix in SUFFIXES:
        chosen = _of_file(Path(model))
    else:
        raise WrongConfiguration(
            "--model",
            found=model,
            expected=f"a .keras, .h5, .npz or .tflite file, a folder that holds one, {SHIPPED}, "
            "champion, or a version's number",
        )
    if chosen.features not in VERSIONS:
        raise FeaturesDiffer(model, found=chosen.features, expected=" or ".join(VERSIONS))
    return chosen if threshold is None else replace(chosen, threshold=threshold)


def find_model(version: str, platform: Platform) -> str:
    """Id of a version by its number, or of an alias such as ``champion``.

    Raises
    ------
    MissingInput
        If there is none.
    """
    is_number = version.isdigit()
    return _model_id(None if is_number else version, version if is_number else None, platform)


def _of_installation(alias: str | None, version: str | None, platform: Platform) -> ChosenModel:
    model_id = _model_id(alias, version, platform)
    again = partial(_score_again, *load_network(model_id, platform.store))
    return _chosen(again(), load_model_facts(model_id, platform.store), again)


def _model_id(alias: str | None, version: str | None, platform: Platform) -> str:
    """Id of a version; the champion is the one in production, whatever the alias says by now."""
    if alias == "champion":
        champion = platform.ledger.champion()
        found = champion.model_id if champion else ""
    elif alias is not None:
        named = [one for one in platform.registry.versions() if alias in one["aliases"]]
        found = named[-1]["tags"].get("model_id", "") if named else ""
    else:
        found = platform.registry.version(int(version or 0))["tags"].get("model_id", "")
    if not found:
        raise MissingInput(
            f"model {alias or version}",
            found="none in production" if alias == "champion" else "no such version",
            expected="a trained model",
            cure="List them with: calnet-ops model list",
        )
    return found


def _of_file(file: Path) -> ChosenModel:
    beside = file.with_name(FACTS)
    body = file.read_bytes()
    if file != SHIPPED_FILE:
        check_file(file, body)
        if beside.is_file():
            check_file(beside, beside.read_bytes())
    try:
        facts = json.loads(beside.read_bytes()) if beside.is_file() else {}
        if file.suffix in KERAS:
            published = published_scorer(file)
            return _chosen(published.score if published else _keras(file), facts)
        again = partial(_score_again, file.name, body)
        return _chosen(again(), facts, again)
    except (ValueError, AttributeError) as error:
        raise WrongConfiguration(
            str(file), found=str(error), expected="a sound model, and model.json if there is one"
        ) from error


def _chosen(
    score: Score, facts: Mapping[str, Any], again: Callable[[], Score] | None = None
) -> ChosenModel:
    return ChosenModel(
        score,
        facts.get("threshold", DEFAULT_THRESHOLD),
        facts.get("features", FEATURES),
        Calibration.from_json(facts.get("calibration")),
        again,
    )


def _score_again(name: str, network: bytes) -> Score:
    return make_scorer(name, network).score


def _keras(file: Path) -> Score:
    """A network of any layers from a Keras file: 20 s until it is ready, mostly TensorFlow's start.

    Keras' safe mode loads layers alone and refuses files that bring code.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from calnet_ops.science.network.attention import AttentionPool
    from calnet_ops.science.network.saved import scoring

    layers = {"AttentionPool": AttentionPool}
    try:
        model = keras.saving.load_model(file, custom_objects=layers, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError) as error:
        raise WrongConfiguration(
            str(file), found=str(error).splitlines()[0], expected="a network saved by Keras 3"
        ) from error
    return scoring(model)
