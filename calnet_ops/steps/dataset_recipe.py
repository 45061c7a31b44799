"""What a data set is made from: enough to make it again, and the source of its id."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
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
        If there is none of this id.
    """
    key = keys.dataset_recipe(dataset_id)
    if not store.exists(key):
        old = store.exists(keys.dataset(dataset_id))
        raise MissingInput(
            f"data set {dataset_id}",
            found="a table of an earlier version, without its recipe" if old else "no such recipe",
            expected=f"an object {key}",
            cure="Freeze it again: calnet-ops dataset freeze"
            if old
            else "List them with: calnet-ops dataset list",
        )
    return Recipe.from_json(json.loads(store.load(key)))
