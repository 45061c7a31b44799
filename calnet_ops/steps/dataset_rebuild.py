"""Data sets that are kept: what is in them, and whether they come out the same again."""

import io
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from calnet_ops import keys
from calnet_ops.adapters.store import Store, from_parquet
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.steps.dataset_build import Built, build_dataset, rows_sha256
from calnet_ops.steps.dataset_recipe import (
    SPLIT,
    VERSION,
    Recipe,
    dataset_ids,
    load_described,
    load_recipe,
)

SHOWN = 5
"""Differing values that are told of a column."""


class DatasetRow(TypedDict):
    """A data set in a list of them."""

    dataset_id: str
    features: str
    label_set: str
    """Key."""
    n_train: int
    n_validation: int
    n_test: int
    """Stars."""
    n_guard: int
    n_leak: int
    simulated: bool


class RebuiltRecord(TypedDict):
    """A data set made again from its recipe, beside the one that is kept."""

    dataset_id: str
    same: bool
    """Same id, and same bytes."""
    same_id: bool
    """The recipe gives this id."""
    same_bytes: bool
    same_rows: bool
    """Same content, whatever library wrote the file."""
    kept: bool
    """False if the table was gone from the store, and was written again."""
    sha256: str
    """Of the table made now."""
    expected_sha256: str
    """Of the table that is kept, or was."""
    n_row: int
    differences: list[str]


def list_datasets(store: Store) -> list[DatasetRow]:
    """All data sets that have a recipe, by id."""
    return [_row(dataset_id, store) for dataset_id in dataset_ids(store)]


def describe_dataset(dataset_id: str, store: Store) -> dict[str, Any]:
    """Recipe and report of a data set.

    Raises
    ------
    MissingInput
        If there is none of this id.
    """
    recipe = load_recipe(dataset_id, store)
    return {**_report(dataset_id, store), "recipe": recipe.as_json()}


def rebuild_dataset(dataset_id: str, platform: Platform) -> RebuiltRecord:
    """Make a data set again from nothing but its recipe, and compare it with the one kept.

    If the table is gone, the new one is kept in its place, unless it differs from what the report
    says of the old.

    Raises
    ------
    MissingInput
        If its recipe, or one of the objects it was made from, is not in the store.
    DamagedObject
        If one of them, or the table that is kept, cannot be read.
    """
    store, key = platform.store, keys.dataset(dataset_id)
    recipe = load_recipe(dataset_id, store)
    _check_inputs(recipe, store)
    said = _report(dataset_id, store)
    built = build_dataset(recipe, store)
    kept = store.exists(key)
    body = store.load(key) if kept else b""
    expected = sha256_hex(body) if kept else said["sha256"]
    rows = rows_sha256(from_parquet(store.uri(key), body)) if kept else said["rows_sha256"]
    same_bytes = built.report["sha256"] == expected
    same_id = recipe.dataset_id == dataset_id
    if not kept and same_bytes and same_id:
        # the report stays as it is: another processor may round its measures in another way
        store.save_new(key, built.body, "application/vnd.apache.parquet")
    return RebuiltRecord(
        dataset_id=dataset_id,
        same=same_id and same_bytes,
        same_id=same_id,
        same_bytes=same_bytes,
        same_rows=built.report["rows_sha256"] == rows,
        kept=kept,
        sha256=built.report["sha256"],
        expected_sha256=expected,
        n_row=len(built.table),
        differences=[
            *_recipe_differences(dataset_id, recipe),
            *([] if same_bytes else _changed(recipe, store)),
            *(_table_differences(body, built) if kept and not same_bytes else []),
        ],
    )


def _row(dataset_id: str, store: Store) -> DatasetRow:
    recipe, report = load_recipe(dataset_id, store), _report(dataset_id, store)
    n_star = {side: count["stars"] for side, count in report["sides"].items()}
    return DatasetRow(
        dataset_id=dataset_id,
        features=recipe.features,
        label_set=recipe.label_set,
        n_train=n_star["train"],
        n_validation=n_star["validation"],
        n_test=n_star["test"],
        n_guard=n_star["guard"],
        n_leak=len(report["leaks"]),
        simulated=report["simulated"],
    )


def _report(dataset_id: str, store: Store) -> dict[str, Any]:
    key = keys.dataset_report(dataset_id)
    if not store.exists(key):
        raise MissingInput(
            f"data set {dataset_id}",
            found="a recipe, but no report: its making was cut off",
            expected=f"an object {key}",
            cure="Freeze it again: calnet-ops dataset freeze",
        )
    return load_described(key, store, _checked)


def _checked(report: dict[str, Any]) -> dict[str, Any]:
    """A report, if what is asked of it is there."""
    if missing := {"sha256", "rows_sha256", "sides", "leaks", "simulated"} - set(report):
        raise KeyError(*sorted(missing))
    return report


def _check_inputs(recipe: Recipe, store: Store) -> None:
    """Check that all is there before any work is done."""
    missing = [key for key in recipe.inputs if not store.exists(key)]
    if missing:
        raise MissingInput(
            f"data set {recipe.dataset_id}",
            found=f"{len(missing)} of {len(recipe.inputs)} objects missing, such as {missing[0]}",
            expected="all that its recipe names",
            cure="Copy them from the store in which it was frozen.",
        )


def _changed(recipe: Recipe, store: Store) -> list[str]:
    """Objects that are not those that were stored, as far as the store knows."""
    told = []
    for key in recipe.inputs:
        body, facts = store.load_with_facts(key)
        found = sha256_hex(body)
        if facts.get("sha256", found) != found:
            told.append(f"{key} has sha256 {found[:16]}, was stored with {facts['sha256'][:16]}")
    return told


def _recipe_differences(dataset_id: str, recipe: Recipe) -> list[str]:
    """What of a recipe is not as it was."""
    told = []
    if recipe.dataset_id != dataset_id:
        told.append(f"the recipe kept under {dataset_id} gives the id {recipe.dataset_id}")
    if recipe.version != VERSION:
        told.append(
            f"made by version {recipe.version} of this step, made again by version {VERSION}: "
            f"take the software of that time"
        )
    if recipe.split != SPLIT:
        told.append(f"split by {list(recipe.split)}, made again with {list(SPLIT)}")
    return told


def _table_differences(body: bytes, built: Built) -> list[str]:
    """What differs between the table that is kept and the new one, column by column."""
    old, new = from_parquet("table", body), built.table
    writers = [pq.ParquetFile(io.BytesIO(one)).metadata.created_by for one in (body, built.body)]
    told = [f"file written by {writers[0]}, now by {writers[1]}"] if len(set(writers)) > 1 else []
    if old.column_names != new.column_names:
        return [*told, f"columns {old.column_names}, now {new.column_names}"]
    if len(old) != len(new):
        return [*told, f"{len(old)} rows, now {len(new)}", *_lost_and_found(old, new)]
    for name in old.column_names:
        pairs = zip(old[name].to_pylist(), new[name].to_pylist(), strict=True)
        # NaN is what it was, and differs from itself
        apart = [(row, a, b) for row, (a, b) in enumerate(pairs) if a != b and (a == a or b == b)]  # noqa: PLR0124
        if apart:
            row, before, now = apart[0]
            tic = old["tic"][row].as_py()
            told.append(f"{name}: {len(apart)} rows, first TIC {tic}: {before}, now {now}")
    return told or ["the rows are equal, the bytes of the file are not"]


def _lost_and_found(old: pa.Table, new: pa.Table) -> list[str]:
    before, now = set(old["tic"].to_pylist()), set(new["tic"].to_pylist())
    return [
        f"{len(tics)} stars {word}, such as TIC {', '.join(map(str, sorted(tics)[:SHOWN]))}"
        for word, tics in (("gone", before - now), ("new", now - before))
        if tics
    ]
