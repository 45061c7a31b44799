"""The release commands, on a folder and without a platform."""

import json

import pytest
from typer.testing import CliRunner

from calnet_ops.cli.release import app
from calnet_ops.errors import MissingInput, ReleaseRefused
from calnet_ops.science.catalog import schema
from calnet_ops.science.catalog.assemble import list_searched
from calnet_ops.science.catalog.contents import Contents, write_contents

VERSION = "v2026.11.0"


def save_release(folder, rows) -> None:
    facts = dict.fromkeys((fact.name for fact in schema.FACTS), "") | {
        "simulated": "false", "release": VERSION,
    }  # fmt: skip
    counts = dict.fromkeys(
        ("n_row", "n_confirmed", "n_model", "n_ea", "n_eb", "n_ew", "n_untyped", "n_planet_host",
         "n_attributed", "n_off_target", "n_matched", "n_group", "n_simulated", "n_candidate",
         "n_rejected", "n_searched", "n_sector"), 0,
    )  # fmt: skip
    release = {
        "title": "", "version": VERSION, "previous": "", "lineage": "", "simulated": False,
        "model": {"model_id": "", "version": 1, "threshold": 0.5}, "counts": counts,
    }  # fmt: skip
    contents = Contents(
        schema.from_rows(rows, facts), list_searched([], {}, 0.5), None, {}, release
    )
    for name, body in write_contents(contents).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)


def row(tic):
    values = {"int64": tic, "int32": 1, "float64": 1.5, "text": "x", "bool": False}
    return {column.name: values[column.datatype] for column in schema.COLUMNS}


@pytest.fixture
def release(tmp_path):
    save_release(tmp_path / "one", [row(1), row(2)])
    return tmp_path / "one"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_verify_reads_every_format(release):
    answer = json.loads(run("verify", release, "--json").stdout)
    assert answer["ok"]
    assert answer["formats"] == ["parquet", "fits", "votable", "ecsv", "csv", "fixed_width"]


def test_verify_names_the_damaged_file(release):
    file = release / "figures" / "sky.png"
    file.write_bytes(file.read_bytes()[:-1])
    result = run("verify", release)
    assert isinstance(result.exception, ReleaseRefused)
    assert "figures/sky.png: other bytes" in str(result.exception)


def test_verify_of_another_folder_says_what_is_expected(tmp_path):
    assert isinstance(run("verify", tmp_path).exception, MissingInput)


def test_diff_of_two_folders(release, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in release.glob("catalog.*"):
        (other / file.name).write_bytes(file.read_bytes())
    assert json.loads(run("diff", release, other, "--json").stdout)["n_unchanged"] == 2
