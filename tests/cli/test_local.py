"""The astronomer's commands, on files and without a platform."""

import json

import pyarrow as pa
import pytest
from astropy.table import Table
from pyarrow import parquet
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps.classify import CLASSIFIED
from tests.support.graphs import TINY


@pytest.fixture(scope="module")
def binary(simulated_sector):
    return simulated_sector.file_of(Kind.EW)


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "page.fits"
    file.write_bytes(b"<html>[d] not here</html>")
    return file


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def extract(*arguments):
    return run("extract", *arguments)


def classify(*arguments):
    return run("classify", "--model", TINY, *arguments)


def test_features_have_their_columns_and_a_damaged_file_is_named(binary, page, tmp_path):
    out = tmp_path / "features.parquet"
    result = extract(page, binary, "--out", out, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["n_skipped"] == 1
    assert "skipped page.fits: page.fits: not a FITS file: found an HTML page" in result.stderr
    table = parquet.read_table(out)
    assert {"tic", "sector", "segment", "flux", "power"} <= set(table.column_names)
    assert table.num_rows >= 1
    assert {len(flux) for flux in table["flux"].to_pylist()} == {4000}
    assert {len(power) for power in table["power"].to_pylist()} == {1000}


def test_features_of_another_version_are_made_when_asked_for(binary, tmp_path):
    tables = []
    for options in ([], ["--features", "v1"], ["--features", "v2"]):
        out = tmp_path / "features.parquet"
        assert extract(binary, "--out", out, *options).exit_code == 0
        tables.append(parquet.read_table(out))
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_no_usable_file_is_a_failure_and_replaces_no_features(page, tmp_path):
    out = tmp_path / "features.parquet"
    out.write_bytes(b"made before")
    result = extract(page, page.with_name("page.fits"), "--out", out)
    assert result.exit_code == 1
    assert isinstance(result.exception, MissingInput)
    assert "not a FITS file" in str(result.exception)
    assert "skipped page.fits" in result.stderr
    assert out.read_bytes() == b"made before"


@pytest.mark.parametrize("command", [extract, classify])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("stars.txt", r"stars\.txt, expected a file ending in"),
        ("nowhere/stars.parquet", "no folder .*nowhere"),
        ("folder.parquet", "the folder .*folder.parquet"),
    ],
)
def test_out_is_checked_before_any_work(command, out, message, page, tmp_path):
    (tmp_path / "folder.parquet").mkdir()
    result = command(page, "--out", tmp_path / out)
    with pytest.raises(WrongConfiguration, match=message):
        raise result.exception
    assert "skipped" not in result.stderr


@pytest.mark.parametrize("command", [extract, classify])
def test_inputs_are_checked_before_any_work(command, binary, page, tmp_path):
    out = tmp_path / "stars.parquet"
    (tmp_path / "empty").mkdir()
    for inputs, message in (
        ([page, tmp_path / "gone.fits"], "gone.fits.*no such file"),
        ([tmp_path / "gone.fits"], "gone.fits.*no such file"),
        ([page, tmp_path / "empty"], r"empty.*no \*_lc\.fits"),
    ):
        with pytest.raises(WrongConfiguration, match=message):
            raise command(*inputs, "--out", out).exception
    table = tmp_path / "curve.parquet"
    table.write_bytes(b"PAR1")
    with pytest.raises(WrongConfiguration, match=r"the input .*curve\.parquet"):
        raise command(table, "--out", table).exception
    assert table.read_bytes() == b"PAR1"


def test_a_folder_is_all_of_its_light_curves_each_once(binary, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README").write_text("light curves")
    file = folder / binary.name
    file.write_bytes(binary.read_bytes())
    (row,) = json.loads(classify(folder, file, "--json").stdout)
    assert (row["n_file"], row["files"]) == (1, binary.name)


@pytest.mark.parametrize("threshold", ["0", "1"])
def test_a_table_of_targets_has_the_same_types_whatever_it_says(binary, page, tmp_path, threshold):
    out = tmp_path / "stars.parquet"
    assert classify(page, binary, "--out", out, "--threshold", threshold).exit_code == 0
    table = parquet.read_table(out)
    assert table.schema.equals(CLASSIFIED)
    assert table.schema.field("period").type == pa.float64()
    assert table["tic"].null_count == table["probability"].null_count == 1
    assert table["period"].null_count == (1 if threshold == "0" else 2)


def test_ecsv_is_masked_and_has_units(binary, page, tmp_path):
    out = tmp_path / "stars.ecsv"
    assert classify(page, binary, "--out", out, "--threshold", "0").exit_code == 0
    assert "subtype: json" not in out.read_text()
    table = Table.read(out)
    assert table.colnames == CLASSIFIED.names
    assert (str(table["period"].unit), str(table["epoch_bjd_tdb"].unit)) == ("d", "d")
    assert table["depth_1"].description.startswith("primary depth")
    assert table["period"].mask.tolist() == [True, False]
    assert (table["period"].dtype.kind, table["tic"].dtype.kind) == ("f", "i")


def test_a_terminal_shows_stars_and_reasons_whole(binary, page):
    shown = classify(page, binary, "--threshold", "0").stdout
    (row,) = json.loads(classify(binary, "--threshold", "0", "--json").stdout)
    assert str(row["tic"]) in shown
    assert f"{row['epoch_bjd_tdb']:.4f}" in shown
    assert "[d]" in shown
