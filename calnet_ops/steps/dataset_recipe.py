"""What a data set is made from: enough to make it again, and the source of its id."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Self, TypeVar

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.store import Store
from calnet_ops.errors import DamagedObject, MissingInput
from calnet_ops.lineage import canonical_json, lineage_id
from calnet_ops.science.labels.split import (
    CELL_DEG,
    GUARD_BAND,
    SALT,
    TRAIN_SHARE,
    VALIDATION_SHARE,
)

VERSION = 5
"""Raised when the same recipe gives another data set."""

SHOWN = 3
"""Ids that are named in place of one that is not there."""

Described = TypeVar("Described")

_ID = re.compile(r"[0-9a-f]{16}").fullmatch

SPLIT = (SALT, CELL_DEG, TRAIN_SHARE, VALIDATION_SHARE, GUARD_BAND)
"""Everything that says on which side a star is; see `calnet_ops.science.labels.split`."""


@dataclass(frozen=True)
class Recipe:
    """Inputs of a data set. All keys are of objects that are written once."""

    label_set: str
    """Key of the label set."""
    features: str
    """Version of the features."""
    shards: tuple[str, ...]
    """Keys of the features."""
    statistics: tuple[str, ...]
    """Keys of the statistics of files, which tell places and magnitudes; earliest sector first."""
    negatives_per_eb: float
    """Stars that are no binaries for each binary of a sector; 0: none are sampled."""
    not_negatives: str = ""
    """Key of the stars that may not be sampled; empty if none are sampled."""
    split: tuple[str | float, ...] = SPLIT
    version: int = VERSION

    @property
    def dataset_id(self) -> str:
        """Id of the data set that comes of it."""
        inputs = asdict(self)
        return lineage_id("dataset", inputs.pop("version"), **inputs)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Keys of all objects that it is made from."""
        others = (self.not_negatives,) if self.not_negatives else ()
        return (self.label_set, *self.shards, *self.statistics, *others)

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """From the store."""
        lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
        return cls(**(stored | lists))


def newest_inputs(features: str, ledger: Ledger) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the newest features of each sector, and of the statistics of all sectors."""
    newest = {record.sector: record for record in ledger.records(f"features-{features}")}
    shards = [shard["features"] for _, r in sorted(newest.items()) for shard in r.facts["shards"]]
    known = [d.facts["statistics"] for d in ledger.deliveries() if "statistics" in d.facts]
    return tuple(shards), tuple(known)


def save_recipe(recipe: Recipe, store: Store) -> None:
    """Keep a recipe beside its data set."""
    key = keys.dataset_recipe(recipe.dataset_id)
    store.save_new(key, canonical_json(recipe.as_json()), "application/json")


def load_recipe(dataset_id: str, store: Store) -> Recipe:
    """Recipe of a data set.

    Raises
    ------
    MissingInput
        If there is none of this id; those that are like it are named.
    DamagedObject
        If it cannot be read.
    """
    key = keys.dataset_recipe(dataset_id)
    if not _ID(dataset_id) or not store.exists(key):
        raise _no_recipe(dataset_id, store)
    return load_described(key, store, Recipe.from_json)


def load_described(
    key: str, store: Store, read: Callable[[dict[str, Any]], Described]
) -> Described:
    """What an object in JSON says of a data set.

    Raises
    ------
    DamagedObject
        If it is not what this step writes.
    """
    body = store.load(key)
    try:
        return read(json.loads(body))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        found = f"{len(body)} bytes: {type(error).__name__}: {error}"
        cure = "Restore this object from a copy of the store, or take the software that wrote it."
        raise DamagedObject(
            store.uri(key), found=found, expected="JSON of a data set", cure=cure
        ) from error


def dataset_ids(store: Store) -> list[str]:
    """Ids of all data sets that have a recipe, sorted."""
    ending = "-recipe.json"
    names = [key for key in store.iter_keys(keys.DATASETS) if key.endswith(ending)]
    return [key.removeprefix(keys.DATASETS).removesuffix(ending) for key in names]


def _no_recipe(dataset_id: str, store: Store) -> MissingInput:
    found, cure = "no such recipe", "List them with: calnet-ops dataset list"
    if _ID(dataset_id) and store.exists(keys.dataset(dataset_id)):
        found = "a table of an earlier version, without its recipe"
        cure = "Freeze it again: calnet-ops dataset freeze"
    elif alike := _alike(dataset_id.strip().lower(), dataset_ids(store)):
        cure = f"Did you mean {' or '.join(alike)}?"
    expected = f"16 digits of which there is {keys.dataset_recipe('<id>')}"
    return MissingInput(f"data set {dataset_id[:80]}", found=found, expected=expected, cure=cure)


def _alike(text: str, ids: list[str]) -> list[str]:
    """Ids that a text may stand for: shortened, or misspelt."""
    short = [one for one in ids if text and one.startswith(text)]
    return short[:SHOWN] or get_close_matches(text, ids, SHOWN)
