"""Data sets: which segments a model learns from, and which it is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.features.tables import matrix
from calnet_ops.science.labels.negatives import NEGATIVES_PER_EB
from calnet_ops.steps.dataset_build import DATASET, Built, build_dataset
from calnet_ops.steps.dataset_inputs import list_segments
from calnet_ops.steps.dataset_negatives import save_not_negatives
from calnet_ops.steps.dataset_recipe import Recipe, newest_inputs, save_recipe

__all__ = [
    "DATASET",
    "Dataset",
    "Stars",
    "freeze_dataset",
    "judge_stars",
    "load_segments",
    "through_features",
]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """A frozen data set."""

    dataset_id: str
    features: str
    """Version of its features."""
    table: pa.Table
    """Columns of `DATASET`."""

    @property
    def key(self) -> str:
        """Where it is stored."""
        return keys.dataset(self.dataset_id)

    @property
    def simulated(self) -> bool:
        """Whether any of its stars never was."""
        return bool(pc.any(self.table["simulated"]).as_py())

    def part(self, split: str) -> pa.Table:
        """Rows of one side of the split: ``train``, ``validation``, ``test``, or ``guard``."""
        return self.table.filter(pc.equal(self.table["split"], split))


@dataclass(frozen=True, slots=True)
class Stars:
    """Stars of a data set, each once, with what a model says of them."""

    tic: npt.NDArray[np.int64]
    group: list[str]
    """Stars that may show each other's eclipses; they are drawn together."""
    is_eb: npt.NDArray[np.bool_]
    eb_type: list[str]
    tmag: npt.NDArray[np.float32]
    camera: npt.NDArray[np.int32]
    period_d: npt.NDArray[np.float64]
    """Of a binary, as its label says; NaN if it does not."""
    depth: npt.NDArray[np.float32]
    """Of its deeper eclipse, as a share of the light; NaN if unknown."""
    probability: npt.NDArray[np.float64]

    def calibrated(self, calibration: Calibration) -> "Stars":
        """The same stars with probabilities that hold in numbers."""
        return replace(self, probability=calibration.apply(self.probability))


def freeze_dataset(
    label_set: str,
    features: str,
    platform: Platform,
    negatives_per_eb: float = NEGATIVES_PER_EB,
) -> Dataset:
    """Make the data set of a label set and the newest features of all sectors, and keep it.

    Beside the table are kept what it was made from, its recipe, and what was left out of it and
    why, its report (`calnet-ops dataset show`).

    Parameters
    ----------
    label_set
        Key of the label set.
    features
        Version of the features.
    negatives_per_eb
        Stars that are no binaries for each binary of a sector. Where fewer real stars are labelled
        so, others are sampled; 0 samples none.

    Raises
    ------
    MissingInput
        If no labelled star has features.
    """
    recipe = _recipe(label_set, features, platform, negatives_per_eb)
    key = keys.dataset(recipe.dataset_id)
    if not platform.store.exists(key):
        save_dataset(recipe, build_dataset(recipe, platform.store), platform.store)
    dataset = Dataset(recipe.dataset_id, features, platform.store.load_table(key))
    if len(dataset.table) == 0:
        raise MissingInput(
            f"data set of {label_set}",
            found=f"features of no labelled star in {len(recipe.shards)} tables",
            expected="labelled stars with features",
            cure="Extract the features of a sector whose stars have labels.",
        )
    return dataset


def through_features(rows: pa.Table, version: str, platform: Platform) -> pa.Table:
    """Segments of the same stars and sectors by another version of the features.

    Parameters
    ----------
    rows
        Rows of a data set. What they say of a star stays, sampled stars included: a data set of
        now might have others.
    """
    shards, _ = newest_inputs(version, platform.ledger)
    segments = list_segments(shards, platform.store).drop_columns(["flux_noise"])
    stars = ["tic", "sector"]
    told = rows.drop_columns(["segment", "features_key"]).group_by(stars, use_threads=False)
    names = [name for name in DATASET.names if name not in {*stars, "segment", "features_key"}]
    known = told.aggregate([(name, "first") for name in names])
    known = known.rename_columns([name.removesuffix("_first") for name in known.column_names])
    segments = segments.set_column(
        segments.column_names.index("features_key"),
        "features_key",
        segments["features_key"].cast(pa.string()),
    )
    joined = segments.join(known, stars, join_type="inner", use_threads=False)
    order = [(name, "ascending") for name in (*stars, "segment")]
    return joined.select(DATASET.names).cast(DATASET).sort_by(order)


def save_dataset(recipe: Recipe, built: Built, store: Store) -> None:
    """Keep a data set; the table last, as it says that all is there."""
    save_recipe(recipe, store)
    report = canonical_json(built.report)
    store.save_new(keys.dataset_report(recipe.dataset_id), report, "application/json")
    store.save_new(keys.dataset(recipe.dataset_id), built.body, "application/vnd.apache.parquet")


def _recipe(label_set: str, features: str, platform: Platform, negatives_per_eb: float) -> Recipe:
    """What a data set of now would be made from.

    Without real binaries there is nothing to sample for, and the ledger has no part in the id.
    """
    shards, statistics = newest_inputs(features, platform.ledger)
    labels = platform.store.load_table(label_set, ["verdict", "simulated"]).to_pylist()
    samples = negatives_per_eb > 0 and any(
        row["verdict"] == "EB" and not row["simulated"] for row in labels
    )
    return Recipe(
        label_set=label_set,
        features=features,
        shards=shards,
        statistics=statistics,
        negatives_per_eb=float(negatives_per_eb),
        not_negatives=save_not_negatives(platform) if samples else "",
    )


def load_segments(rows: pa.Table, store: Store) -> tuple[Floats, Floats]:
    """Features of some rows of a data set.

    Returns
    -------
    flux, power
        (n_row, 4000) and (n_row, 1000), in the order of the rows.
    """
    places: dict[str, dict[tuple[int, int, int], int]] = {}
    for place, row in enumerate(rows.to_pylist()):
        places.setdefault(row["features_key"], {})[_name(row)] = place
    flux = np.empty((len(rows), 4000), np.float32)
    power = np.empty((len(rows), 1000), np.float32)
    for key, wanted in places.items():
        table = store.load_table(key, ["tic", "sector", "segment", "flux", "power"])
        names = [_name(row) for row in table.select(["tic", "sector", "segment"]).to_pylist()]
        taken = [number for number, name in enumerate(names) if name in wanted]
        into = [wanted[names[number]] for number in taken]
        flux[into] = matrix(table, "flux")[taken]
        power[into] = matrix(table, "power")[taken]
    return flux, power


def judge_stars(rows: pa.Table, score: Floats) -> Stars:
    """Combine the scores of segments to one probability a star.

    A star counts once, by its newest sector: sectors of one star are no independent trials,
    and a catalog's row is about one sector.

    Parameters
    ----------
    rows
        Rows of a data set.
    score
        (n_row,) P(EB) of their segments.
    """
    by_star: dict[int, dict[int, list[float]]] = {}
    truth: dict[int, Mapping[str, Any]] = {}
    for row, value in zip(rows.to_pylist(), score, strict=True):
        by_star.setdefault(row["tic"], {}).setdefault(row["sector"], []).append(float(value))
        truth[row["tic"]] = row
    newest = [by_star[tic][max(by_star[tic])] for tic in truth]
    rows_of_stars = list(truth.values())
    return Stars(
        tic=_column(rows_of_stars, "tic", np.int64),
        group=[row["group"] for row in rows_of_stars],
        is_eb=np.array([row["verdict"] == "EB" for row in rows_of_stars], dtype=bool),
        eb_type=[row["eb_type"] for row in rows_of_stars],
        tmag=_column(rows_of_stars, "tmag", np.float32),
        camera=_column(rows_of_stars, "camera", np.int32),
        period_d=_column(rows_of_stars, "period_d", np.float64),
        depth=_column(rows_of_stars, "depth", np.float32),
        probability=np.array([combine_segments(np.asarray(scores)) for scores in newest]),
    )


def _column(rows: list[Mapping[str, Any]], name: str, dtype: Any) -> npt.NDArray[Any]:
    return np.array([row[name] for row in rows], dtype=dtype)


def _name(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["tic"], row["sector"], row["segment"]
