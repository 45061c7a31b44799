"""Data sets made again from their ids, and what is told when they are not the same."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.adapters.store import to_parquet
from calnet_ops.errors import DamagedObject, MissingInput
from calnet_ops.lineage import canonical_json
from calnet_ops.science.labels.records import SIMULATED_TIC, Details, LabelRecord
from calnet_ops.science.labels.split import side_of
from calnet_ops.steps import dataset_rebuild
from calnet_ops.steps.dataset import freeze_dataset
from calnet_ops.steps.dataset_rebuild import describe_dataset, list_datasets, rebuild_dataset
from calnet_ops.steps.dataset_recipe import load_recipe
from calnet_ops.steps.freeze import freeze_labels, load_labels
from tests.support.platforms import make_platform
from tests.support.real_sky import SkyStar, spread, store_sector

N_STAR = 120


@pytest.fixture
def sky(platform):
    """A sector in which 10 binaries and 2 other stars have labels, and the rest has none."""
    stars = spread(N_STAR)
    store_sector(platform, 61, stars)
    load_labels(
        [
            *(LabelRecord(s.tic, "EB", "EA", "a list", "catalog") for s in stars[:10]),
            *(LabelRecord(s.tic, "NOT_EB", "", "a list", "catalog") for s in stars[10:12]),
        ],
        platform,
    )
    return stars


@pytest.fixture
def dataset(platform, sky):
    return freeze_dataset(freeze_labels(platform)["key"], "v1", platform)


def sampled(dataset):
    rows = dataset.table.to_pylist()
    return {row["tic"] for row in rows if row["source"] == "sampled"}


def test_negatives_are_sampled_until_there_are_as_many_as_binaries(platform, sky, dataset):
    taken = sampled(dataset)
    assert len(taken) == 8
    rows = {row["tic"]: row for row in dataset.table.to_pylist()}
    assert {rows[tic]["verdict"] for tic in taken} == {"NOT_EB"}
    assert all(rows[s.tic]["split"] == side_of(s.tic, s.ra, s.dec) for s in sky if s.tic in taken)
    told = describe_dataset(dataset.dataset_id, platform.store)["negatives"]
    assert told == {"s061": {"n_binary": 10, "n_labelled": 2, "n_sampled": 8}}


def test_more_negatives_may_be_asked_for_or_none(platform, sky, dataset):
    label_set = load_recipe(dataset.dataset_id, platform.store).label_set
    more = freeze_dataset(label_set, "v1", platform, 3)
    none = freeze_dataset(label_set, "v1", platform, 0)
    assert sampled(dataset) < sampled(more)
    assert len(sampled(more)) == 28
    assert sampled(none) == set()
    assert len({one.dataset_id for one in (dataset, more, none)}) == 3


def test_nobody_who_may_be_a_binary_is_sampled(platform, sky, dataset):
    """Called so, doubtful, a candidate of the champion, or beside a binary without light curve."""
    doubtful = sorted(sampled(dataset))[:5]
    place = {star.tic: (star.ra, star.dec) for star in sky}
    ra, dec = place[doubtful[4]]
    load_labels(
        [
            LabelRecord(doubtful[0], "UNSURE", "", "planet candidates", "catalog"),
            LabelRecord(doubtful[1], "EB", "", "a list", "catalog"),
            LabelRecord(doubtful[1], "UNSURE", "", "another", "catalog"),
            LabelRecord(
                7, "EB", "", "full frames", "catalog", details=Details(ra=ra, dec=dec + 40 / 3600)
            ),
        ],
        platform,
    )
    spoken = {"tic": doubtful[2], "sector": 61, "eb_type": "", "simulated": False, "note": ""}
    platform.ledger.add_decisions(
        [
            spoken | {"verdict": verdict, "vetter": "ada", "source": "person"}
            for verdict in ("EB", "WITHDRAWN")
        ]
    )
    candidates = keys.candidates("model", 61, "c" * 16)
    platform.store.save_table(candidates, pa.table({"tic": [doubtful[3]]}))
    platform.ledger.record("candidates", 61, candidates, model_id="model")
    platform.ledger.add_promotion(
        model_version=1, model_id="model", action="promoted", reason="", threshold=0.5,
        simulated=False,
    )  # fmt: skip
    again = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert not sampled(again) & set(doubtful)
    assert len(sampled(again)) == 8
    assert len(sampled(again) & sampled(dataset)) >= 2


def test_simulated_stars_are_never_sampled(platform):
    stars = [replace(star, tic=SIMULATED_TIC + star.tic) for star in spread(30)]
    store_sector(platform, 61, stars)
    load_labels([LabelRecord(s.tic, "EB", "", "t", "simulated") for s in stars[:9]], platform)
    frozen = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert len(frozen.table) == 9
    assert load_recipe(frozen.dataset_id, platform.store).not_negatives == ""


def test_a_vetted_mistake_weighs_more(platform, sky):
    spoken = {"sector": 61, "eb_type": "", "simulated": False, "note": "", "verdict": "NOT_EB"}
    platform.ledger.add_decisions(
        [spoken | {"tic": sky[50].tic, "vetter": "ada", "source": "person"}]
    )
    frozen = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    weights = {row["tic"]: row["weight"] for row in frozen.table.to_pylist()}
    assert weights.pop(sky[50].tic) == 2.0
    assert set(weights.values()) == {1.0}


def test_period_and_depth_of_binaries_come_from_their_labels(platform, sky):
    details = Details(period_d=2.5, epoch_btjd=1500.0, depth=0.25)
    load_labels(
        [
            LabelRecord(sky[0].tic, "EB", "", "fuller", "catalog", details=details),
            LabelRecord(sky[10].tic, "NOT_EB", "", "fuller", "catalog", details=details),
        ],
        platform,
    )
    frozen = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    rows = {row["tic"]: row for row in frozen.table.to_pylist()}
    assert (rows[sky[0].tic]["period_d"], rows[sky[0].tic]["depth"]) == (2.5, 0.25)
    assert np.isnan(rows[sky[1].tic]["period_d"])
    assert np.isnan(rows[sky[10].tic]["period_d"])


def test_planet_hosts_that_lists_call_binaries_are_listed(platform, sky):
    hosts = [
        LabelRecord(tic, "NOT_EB", "", "toi", "planet_host", "CP") for tic in (sky[3].tic, 4242)
    ]
    load_labels([*hosts, LabelRecord(4242, "EB", "", "a list", "catalog")], platform)
    frozen = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert describe_dataset(frozen.dataset_id, platform.store)["set_aside"] == [
        {"tic": sky[3].tic, "called_binary_by": "a list", "in_data_set": True},
        {"tic": 4242, "called_binary_by": "a list", "in_data_set": False},
    ]
    verdicts = {row["tic"]: row["verdict"] for row in frozen.table.to_pylist()}
    assert verdicts[sky[3].tic] == "NOT_EB"


def test_made_again_from_its_recipe_it_has_the_same_bytes(platform, dataset):
    body = platform.store.load(dataset.key)
    # What is said afterwards has no part in it.
    load_labels([LabelRecord(1100, "EB", "", "later", "catalog")], platform)
    store_sector(platform, 62, spread(20, seed=2, first_tic=5000))
    record = rebuild_dataset(dataset.dataset_id, platform)
    assert (record["same"], record["kept"], record["differences"]) == (True, True, [])
    assert record["sha256"] == record["expected_sha256"]
    del platform.store.objects[dataset.key]
    record = rebuild_dataset(dataset.dataset_id, platform)
    assert (record["same"], record["kept"]) == (True, False)
    assert platform.store.load(dataset.key) == body


AGAIN = """
import pickle, sys
from pathlib import Path
from calnet_ops.steps.dataset_rebuild import rebuild_dataset
from tests.support.platforms import make_platform
platform = make_platform(Path(sys.argv[1]))
platform.store.objects.update(pickle.loads(sys.stdin.buffer.read()))
print(rebuild_dataset(sys.argv[2], platform)["sha256"])
"""


ELSEWHERE = {
    "PYTHONHASHSEED": "77",
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "tr_TR.UTF-8",
    "OMP_NUM_THREADS": "1",
}
"""Nothing of this may be in a data set."""


def test_another_machine_with_the_same_store_makes_the_same_bytes(platform, dataset, tmp_path):
    """Another process, hash seed, zone, locale, empty ledger; and the table itself is not there."""
    import pickle

    objects = {key: body for key, body in platform.store.objects.items() if key != dataset.key}
    (tmp_path / "other").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(tmp_path / "other"), dataset.dataset_id],
        input=pickle.dumps(objects),
        env={**os.environ, **ELSEWHERE},
        capture_output=True,
        check=True,
    )
    kept = describe_dataset(dataset.dataset_id, platform.store)["sha256"]
    assert done.stdout.decode().split()[-1] == kept


def test_what_differs_is_told(platform, dataset):
    table = dataset.table.to_pylist()
    table[0]["weight"] = 9.0
    other = pa.Table.from_pylist(table, schema=dataset.table.schema)
    fresh = make_platform_with(platform, dataset.key)
    fresh.store.save_table(dataset.key, other)
    record = rebuild_dataset(dataset.dataset_id, fresh)
    assert (record["same"], record["same_id"], record["same_rows"]) == (False, True, False)
    tic = table[0]["tic"]
    assert record["differences"] == [f"weight: 1 rows, first TIC {tic}: 9.0, now 1.0"]
    fresh = make_platform_with(platform, dataset.key)
    fresh.store.save_table(dataset.key, dataset.table.slice(1))
    record = rebuild_dataset(dataset.dataset_id, fresh)
    assert record["differences"] == [
        f"{len(table) - 1} rows, now {len(table)}",
        f"1 stars new, such as TIC {tic}",
    ]


def test_a_recipe_that_was_changed_gives_another_id(platform, dataset, monkeypatch):
    key = keys.dataset_recipe(dataset.dataset_id)
    recipe = json.loads(platform.store.load(key))
    fresh = make_platform_with(platform, key)
    fresh.store.save_new(key, canonical_json(recipe | {"negatives_per_eb": 0.5}))
    record = rebuild_dataset(dataset.dataset_id, fresh)
    assert (record["same"], record["same_id"]) == (False, False)
    assert "gives the id" in record["differences"][0]
    monkeypatch.setattr(dataset_rebuild, "VERSION", 99)
    assert (
        "take the software of that time"
        in rebuild_dataset(dataset.dataset_id, platform)["differences"][0]
    )


def make_platform_with(platform, *without):
    """A platform beside this one, with its objects but for some."""
    folder = platform.root / "beside"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = make_platform(folder)
    kept = {key: body for key, body in platform.store.objects.items() if key not in without}
    fresh.store.objects.update(kept)  # type: ignore[attr-defined]
    return fresh


def test_an_input_that_is_gone_is_named(platform, dataset):
    label_set = load_recipe(dataset.dataset_id, platform.store).label_set
    del platform.store.objects[label_set]
    with pytest.raises(MissingInput, match=label_set):
        rebuild_dataset(dataset.dataset_id, platform)
    with pytest.raises(MissingInput, match="dataset list"):
        rebuild_dataset("feedfeedfeedfeed", platform)
    del platform.store.objects[keys.dataset_recipe(dataset.dataset_id)]
    with pytest.raises(MissingInput, match="earlier version"):
        rebuild_dataset(dataset.dataset_id, platform)


def test_an_id_that_is_cut_or_misspelt_is_told_with_those_like_it(platform, dataset):
    whole = dataset.dataset_id
    wrong = whole[:-1] + ("0" if whole[-1] != "0" else "1")
    for text in (whole[:6], f" {whole}", whole.upper(), wrong, f"../{whole}", keys.dataset(whole)):
        with pytest.raises(MissingInput, match=f"Did you mean {whole}"):
            load_recipe(text, platform.store)
    for text in ("", "x", "feedfeedfeedfeed"):
        with pytest.raises(MissingInput, match="List them"):
            load_recipe(text, platform.store)


def test_an_object_that_is_damaged_is_named(platform, dataset):
    recipe, objects = load_recipe(dataset.dataset_id, platform.store), platform.store.objects
    tables = [*recipe.inputs, dataset.key]
    described = [keys.dataset_recipe(dataset.dataset_id), keys.dataset_report(dataset.dataset_id)]
    wrong = [(key, body) for key in tables for body in (b"", b"<html>not here</html>")]
    wrong += [(key, objects[key][: len(objects[key]) // 2]) for key in tables]
    wrong += [(key, objects[key][:-8] + b"\xff" * 8) for key in tables]
    wrong += [(key, body) for key in described for body in (b"", b"[]", b"{}", b"null", b'{"a')]
    for key, body in wrong:
        whole, objects[key] = objects[key], body
        with pytest.raises(DamagedObject, match=key):
            rebuild_dataset(dataset.dataset_id, platform)
        objects[key] = whole
    assert rebuild_dataset(dataset.dataset_id, platform)["same"]


def test_an_input_that_was_exchanged_is_named(platform, dataset):
    """It can be read, but the store knows that other bytes were stored."""
    key = load_recipe(dataset.dataset_id, platform.store).label_set
    other = platform.store.load_table(key).slice(2)
    platform.store.objects[key] = to_parquet(other)
    record = rebuild_dataset(dataset.dataset_id, platform)
    assert not record["same"]
    assert f"{key} has sha256" in record["differences"][0]


def test_a_report_of_another_processor_stays_and_does_not_hinder(platform, dataset):
    """Its measures of leaks may be rounded in another way."""
    key = keys.dataset_report(dataset.dataset_id)
    report = json.loads(platform.store.objects[key]) | {"leaks": [{"measure": 0.9000001}]}
    platform.store.objects[key] = canonical_json(report)
    del platform.store.objects[dataset.key]
    assert rebuild_dataset(dataset.dataset_id, platform)["same"]
    assert json.loads(platform.store.objects[key]) == report


def test_all_data_sets_are_listed(platform, dataset):
    rows = list_datasets(platform.store)
    assert [row["dataset_id"] for row in rows] == [dataset.dataset_id]
    assert sum(rows[0][name] for name in ("n_train", "n_validation", "n_test", "n_guard")) == 20
    assert (rows[0]["features"], rows[0]["simulated"], rows[0]["n_leak"]) == ("v1", False, 0)


def test_a_star_without_a_place_is_counted(platform, sky):
    lost = SkyStar(99, float("nan"), float("nan"))
    store_sector(platform, 62, [lost])
    load_labels([LabelRecord(99, "EB", "", "a list", "catalog")], platform)
    frozen = freeze_dataset(freeze_labels(platform)["key"], "v1", platform)
    assert describe_dataset(frozen.dataset_id, platform.store)["without_position"] == 1
