"""Data sets: which segments a model learns from, and which it is judged on."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.features.tables import matrix
from calnet_ops.science.labels.split import (
    CELL_DEG,
    GUARD_BAND,
    SALT,
    TRAIN_SHARE,
    VALIDATION_SHARE,
    side_of,
    sky_cell,
)

VERSION = 4
"""Raised when the same labels and features give another data set."""

DATASET = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("segment", pa.int32()),
        ("verdict", pa.string()),
        ("eb_type", pa.string()),
        ("weight", pa.float32()),
        ("source", pa.string()),
        ("simulated", pa.bool_()),
        ("split", pa.string()),
        ("group", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("tmag", pa.float32()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        ("period_d", pa.float64()),
        ("depth", pa.float32()),
        ("features_key", pa.string()),
    ]
)
"""Columns of a data set, one row a segment, sorted by star, sector and segment."""

NOWHERE: Mapping[str, Any] = MappingProxyType(
    {"ra": math.nan, "dec": math.nan, "tmag": math.nan, "camera": 0, "ccd": 0}
)
"""Of a star without statistics."""

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


def freeze_dataset(label_set: str, features: str, platform: Platform) -> Dataset:
    """Join a label set with the features of all sectors, split by star, and keep the list.

    Parameters
    ----------
    label_set
        Key of the label set.
    features
        Version of the features.

    Raises
    ------
    MissingInput
        If no labelled star has features.
    """
    store, ledger = platform.store, platform.ledger
    shards = _feature_keys(features, ledger)
    statistics = _statistics_keys(ledger)
    dataset_id = lineage_id(
        "dataset",
        VERSION,
        label_set=label_set,
        features=shards,
        statistics=statistics,
        split=[SALT, CELL_DEG, TRAIN_SHARE, VALIDATION_SHARE, GUARD_BAND],
    )
    key = keys.dataset(dataset_id)
    if not store.exists(key):
        store.save_table(key, _join(label_set, shards, statistics, store))
    dataset = Dataset(dataset_id, features, store.load_table(key))
    if len(dataset.table) == 0:
        raise MissingInput(
            f"data set of {label_set}",
            found=f"features of no labelled star in {len(shards)} tables",
            expected="labelled stars with features",
            cure="Extract the features of a sector whose stars have labels.",
        )
    return dataset


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


def _join(label_set: str, shards: list[str], statistics: list[str], store: Store) -> pa.Table:
    """Rows of the data set."""
    labels = {row["tic"]: row for row in store.load_table(label_set).to_pylist()}
    places = _places(statistics, store)
    rows = [
        _row(segment, labels[segment["tic"]], places, key)
        for key in shards
        for segment in store.load_table(key, ["tic", "sector", "segment"]).to_pylist()
        if segment["tic"] in labels
    ]
    return pa.Table.from_pylist(sorted(rows, key=_name), schema=DATASET)


def _row(
    segment: Mapping[str, Any],
    label: Mapping[str, Any],
    places: Mapping[int, Mapping[str, Any]],
    key: str,
) -> dict[str, Any]:
    tic = segment["tic"]
    place = places.get(tic, NOWHERE)
    ra, dec = place["ra"], place["dec"]
    known = math.isfinite(ra) and math.isfinite(dec)
    return {
        **segment,
        **place,
        "verdict": label["verdict"],
        "eb_type": label["eb_type"],
        "weight": 1.0,
        "source": label["source"],
        "simulated": label["simulated"],
        "split": side_of(tic, ra, dec),
        "group": sky_cell(ra, dec) if known else f"tic {tic}",
        "period_d": _of_binary(label, "period_d"),
        "depth": _of_binary(label, "depth"),
        "features_key": key,
    }


def _of_binary(label: Mapping[str, Any], name: str) -> float:
    """What a label says of a binary's eclipses; label sets of earlier versions say nothing."""
    value = label.get(name) if label["verdict"] == "EB" else None
    return math.nan if value is None else value


def _places(statistics: list[str], store: Store) -> dict[int, Mapping[str, Any]]:
    """Where stars are and how bright; what the earliest sector says stays."""
    found: dict[int, Mapping[str, Any]] = {}
    for key in statistics:
        for row in store.load_table(key, ["tic", *NOWHERE]).to_pylist():
            found.setdefault(row["tic"], {name: row[name] for name in NOWHERE})
    return found


def _statistics_keys(ledger: Ledger) -> list[str]:
    """Keys of the statistics of all sectors, earliest sector first."""
    return [d.facts["statistics"] for d in ledger.deliveries() if "statistics" in d.facts]


def _feature_keys(version: str, ledger: Ledger) -> list[str]:
    """Keys of the newest features of each sector."""
    newest = {record.sector: record for record in ledger.records(f"features-{version}")}
    return [shard["features"] for _, r in sorted(newest.items()) for shard in _shards(r.facts)]


def _shards(facts: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    return list(facts["shards"])


def _name(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["tic"], row["sector"], row["segment"]
