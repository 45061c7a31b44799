"""The commands of data sets."""

import json

import pytest
from typer.testing import CliRunner

from calnet_ops import keys
from calnet_ops.cli.commands import app
from calnet_ops.platform import Platform
from calnet_ops.science.labels.records import LabelRecord
from calnet_ops.steps.freeze import freeze_labels, load_labels
from tests.support.platforms import make_platform
from tests.support.real_sky import spread, store_sector


@pytest.fixture
def platform(tmp_path, monkeypatch):
    platform = make_platform(tmp_path)
    stars = spread(40)
    store_sector(platform, 61, stars)
    host = LabelRecord(stars[0].tic, "NOT_EB", "", "toi", "planet_host", "CP")
    binaries = [LabelRecord(s.tic, "EB", "EA", "a list", "catalog") for s in stars[:6]]
    load_labels([host, *binaries], platform)
    freeze_labels(platform)
    monkeypatch.setenv("CALNET_PATHS", str(tmp_path / "paths.json"))
    monkeypatch.setattr(Platform, "store", platform.store)
    return platform


def run(*arguments, code=0):
    answer = CliRunner().invoke(app, [*arguments])
    assert answer.exit_code == code, answer.output
    return answer.stdout


def test_a_data_set_is_frozen_listed_shown_and_made_again(platform):
    told = json.loads(run("dataset", "freeze", "--negatives", "2", "--json").splitlines()[-1])
    dataset_id = told["dataset_id"]
    assert told["negatives"] == {"s061": {"n_binary": 5, "n_labelled": 1, "n_sampled": 9}}
    assert told["set_aside"][0]["called_binary_by"] == "a list"
    assert [row["dataset_id"] for row in json.loads(run("dataset", "list", "--json"))] == [
        dataset_id
    ]
    shown = run("dataset", "show", dataset_id)
    for part in (dataset_id, "sampled negatives", "planet hosts", "guard", "v1, 1 tables"):
        assert part in shown
    assert json.loads(run("dataset", "show", dataset_id, "--json")) == told
    again = json.loads(run("dataset", "rebuild", dataset_id, "--json").splitlines()[-1])
    assert (again["same"], again["sha256"]) == (True, told["sha256"])


def test_a_data_set_that_comes_out_differently_is_a_failure(platform):
    told = json.loads(run("dataset", "freeze", "--json").splitlines()[-1])
    key = keys.dataset(told["dataset_id"])
    table = platform.store.load_table(key)
    del platform.store.objects[key]
    platform.store.save_table(key, table.slice(2))
    again = run("dataset", "rebuild", told["dataset_id"], "--json", code=1)
    assert json.loads(again.splitlines()[-1])["differences"]
