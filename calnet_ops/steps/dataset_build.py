"""Make a data set from its recipe: nothing else goes into it, so it can be made again."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.adapters.store import Store, to_parquet
from calnet_ops.lineage import canonical_json, known, sha256_hex
from calnet_ops.science.labels.groups import Leak, Placed, place
from calnet_ops.science.labels.links import Link, Star, find_links
from calnet_ops.science.labels.split import GUARD, side_of
from calnet_ops.steps.dataset_inputs import Places, list_segments, load_labels, load_places
from calnet_ops.steps.dataset_leaks import light_curve_links
from calnet_ops.steps.dataset_negatives import NOT_NEGATIVES, SAMPLED, sample
from calnet_ops.steps.dataset_recipe import Recipe

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

HARD_NEGATIVE_WEIGHT = 2.0
"""Of a star that a person calls no binary: the vetting page shows nothing but candidates, so a
model has been wrong about each of them. Twice an ordinary star, so that no few of them decide."""

UNLABELLED: Mapping[str, Any] = {
    "verdict": "NOT_EB",
    "eb_type": "",
    "source": SAMPLED,
    "simulated": False,
}
"""What stands for the label of a sampled star."""

Labels = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Built:
    """A data set, and what is told of it."""

    table: pa.Table
    """Columns of `DATASET`."""
    body: bytes
    """The table as it is stored."""
    report: dict[str, Any]


def build_dataset(recipe: Recipe, store: Store) -> Built:
    """Join, sample, split, and look for leaks.

    Raises
    ------
    MissingInput
        If one of the inputs is not in the store.
    """
    labels = load_labels(recipe.label_set, store)
    places = load_places(recipe.statistics, store)
    segments = list_segments(recipe.shards, store)
    excluded = NOT_NEGATIVES.empty_table()
    if recipe.not_negatives:
        excluded = store.load_table(recipe.not_negatives)
    sampled, negatives = (
        sample(segments, labels, places, excluded, recipe.negatives_per_eb)
        if recipe.not_negatives
        else ({}, {})
    )
    chosen = _chosen(segments, labels, sampled)
    stars = _stars(chosen, labels, places)
    side = {star.tic: star.side for star in stars}
    links = [*find_links(stars), *light_curve_links(chosen, side, places, store)]
    placed = place(stars, links)
    table = _table(chosen, labels, places, placed)
    body = to_parquet(table)
    report = {
        "dataset_id": recipe.dataset_id,
        "sha256": sha256_hex(body),
        "rows_sha256": rows_sha256(table),
        "simulated": bool(pc.any(table["simulated"]).as_py()),
        "sides": _counts(table),
        "guard": {
            "border": sum(one == GUARD for one in side.values()),
            "linked": sum(placed.side[tic] == GUARD != side[tic] for tic in side),
        },
        "without_position": sum(math.isnan(star.ra) for star in stars),
        "negatives": negatives,
        "links": dict(sorted(Counter(one.reason for one in links).items())),
        "leaks": [_told(leak) for leak in placed.leaks],
        "set_aside": _set_aside(labels, set(side)),
    }
    return Built(table, body, report)


def rows_sha256(table: pa.Table) -> str:
    """Hash of the content of a table, the same whatever library wrote the file."""
    columns = {
        name: [known(value) for value in table[name].to_pylist()] for name in table.column_names
    }
    return sha256_hex(canonical_json(columns))


def _chosen(segments: pa.Table, labels: Labels, sampled: Mapping[int, list[int]]) -> pa.Table:
    """Segments of labelled stars, and of those sampled in their sector."""
    mask = np.isin(segments["tic"].to_numpy(), np.array(list(labels), np.int64))
    sector = segments["sector"].to_numpy()
    for number, tics in sampled.items():
        mask |= (sector == number) & np.isin(segments["tic"].to_numpy(), tics)
    return segments.filter(pa.array(mask)).sort_by(
        [("tic", "ascending"), ("sector", "ascending"), ("segment", "ascending")]
    )


def _stars(chosen: pa.Table, labels: Labels, places: Places) -> list[Star]:
    of = places.of(np.unique(chosen["tic"].to_numpy()))
    return [
        Star(
            tic,
            side_of(tic, ra, dec),
            ra,
            dec,
            _number(labels.get(tic), "period_d"),
            _number(labels.get(tic), "epoch_btjd"),
            _name(labels.get(tic), "gaia"),
            _name(labels.get(tic), "same_as"),
        )
        for tic, ra, dec in zip(of.tic.tolist(), of.ra.tolist(), of.dec.tolist(), strict=True)
    ]


def _table(chosen: pa.Table, labels: Labels, places: Places, placed: Placed) -> pa.Table:
    tics = chosen["tic"].to_pylist()
    said = [labels.get(tic, UNLABELLED) for tic in tics]
    of = places.of(tics)
    columns = {
        **{name: chosen[name] for name in ("tic", "sector", "segment")},
        **{name: [row[name] for row in said] for name in UNLABELLED},
        "weight": [_weight(row) for row in said],
        "split": [placed.side[tic] for tic in tics],
        "group": [placed.group[tic] for tic in tics],
        **{name: getattr(of, name) for name in ("ra", "dec", "tmag", "camera", "ccd")},
        **{name: [_of_binary(row, name) for row in said] for name in ("period_d", "depth")},
        "features_key": chosen["features_key"].cast(pa.string()),
    }
    return pa.table([_array(columns[name]) for name in DATASET.names], DATASET.names).cast(DATASET)


def _array(values: Any) -> Any:
    """Of Arrow, NaN as NaN and not as null."""
    return values if isinstance(values, pa.ChunkedArray) else pa.array(values, from_pandas=False)


def _weight(label: Mapping[str, Any]) -> float:
    vetted = label["source"] == "person" and label["verdict"] == "NOT_EB"
    return HARD_NEGATIVE_WEIGHT if vetted else 1.0


def _of_binary(label: Mapping[str, Any], name: str) -> float:
    """What a label says of a binary's eclipses."""
    return _number(label, name) if label["verdict"] == "EB" else math.nan


def _number(label: Mapping[str, Any] | None, name: str) -> float:
    value = label.get(name) if label else None
    return math.nan if value is None else float(value)


def _name(label: Mapping[str, Any] | None, name: str) -> int:
    value = label.get(name) if label else None
    return value or 0


def _counts(table: pa.Table) -> dict[str, dict[str, int]]:
    """Stars, binaries among them, and segments of each side."""
    stars = {
        tic: (split, verdict)
        for tic, split, verdict in zip(
            *(table[name].to_pylist() for name in ("tic", "split", "verdict")), strict=True
        )
    }
    n_star = Counter(split for split, _ in stars.values())
    n_eb = Counter(split for split, verdict in stars.values() if verdict == "EB")
    n_segment = Counter(table["split"].to_pylist())
    return {
        split: {"stars": n_star[split], "binaries": n_eb[split], "segments": n_segment[split]}
        for split in ("train", "validation", "test", GUARD)
    }


def _told(leak: Leak) -> dict[str, Any]:
    link: Link = leak.link
    return {
        "tic_1": link.one,
        "tic_2": link.other,
        "reason": link.reason,
        "measure": link.measure,
        "side_1": leak.sides[0],
        "side_2": leak.sides[1],
        "set_aside": list(leak.set_aside),
    }


def _set_aside(labels: Labels, stars: Iterable[int]) -> list[dict[str, Any]]:
    """Hosts of planets that somebody calls a binary, and that count as none."""
    present = set(stars)
    return [
        {"tic": tic, "called_binary_by": row["set_aside"], "in_data_set": tic in present}
        for tic, row in labels.items()
        if row.get("set_aside")
    ]
