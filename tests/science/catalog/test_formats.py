"""Every format keeps all of a catalog."""

import io
import os
import shutil
import subprocess
from csv import reader
from pathlib import Path

import pyarrow as pa
import pytest
from astropy.table import Table

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog import schema
from calnet_ops.science.catalog.formats import FORMATS, Format, csv


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> Format:
    return FORMATS[request.param]


def written(form: Format, table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    form.write(table, buffer)
    return buffer.getvalue()


def test_what_is_read_back_equals_what_was_written(form, catalog):
    again = form.read(io.BytesIO(written(form, catalog)))
    assert again.to_pylist() == catalog.to_pylist()
    assert again.schema.equals(catalog.schema)
    if form.keeps_facts:
        assert again.schema.equals(catalog.schema, check_metadata=True)


def test_same_catalog_gives_same_bytes(form, catalog):
    assert written(form, catalog) == written(form, catalog)


def test_says_that_it_is_simulated(form, catalog):
    body = written(form, catalog) if form.keeps_facts else csv.describe(catalog, form.file_name)
    text = body.decode("utf-8", "replace").lower()
    assert "simulated" in text
    assert "v2026.11.0-simulated" in text


@pytest.mark.parametrize("form", ["csv", "ecsv", "fixed_width"], indirect=True)
def test_unknown_column_is_refused(form, catalog):
    body = written(form, catalog).replace(b"period", b"perjod")
    with pytest.raises(WrongLayout, match="perjod"):
        form.read(io.BytesIO(body))


def test_published_reader_takes_the_fixed_width_form(catalog):
    table = Table.read(
        written(FORMATS["fixed_width"], catalog).decode(), format="ascii.fixed_width_two_line"
    )
    assert table.colnames == [column.name for column in schema.COLUMNS]
    assert list(table["tic"]) == catalog["tic"].to_pylist()


def test_plain_csv_reader_takes_the_csv(catalog):
    body = written(FORMATS["csv"], catalog).decode()
    table = Table.read(body, format="ascii.csv")
    assert list(table["tic"]) == catalog["tic"].to_pylist()


def run_tool(*command: str) -> str:
    if shutil.which(command[0]) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{command[0]} is not installed")
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


ODD = pytest.mark.parametrize("catalog", ["empty", "missing here and there"], indirect=True)
"""Each start of stilts costs half a second."""


@ODD
def test_fitsverify_finds_nothing(catalog, tmp_path: Path):
    file = tmp_path / "catalog.fits"
    file.write_bytes(written(FORMATS["fits"], catalog))
    assert "found 0 warning(s) and 0 error(s)" in run_tool("fitsverify", str(file))


@ODD
def test_stilts_finds_nothing_in_the_votable(catalog, tmp_path: Path):
    file = tmp_path / "catalog.vot"
    file.write_bytes(written(FORMATS["votable"], catalog))
    assert run_tool("stilts", "votlint", f"votable={file}") == ""


def test_stilts_reads_units_and_ucds_of_the_fits(facts, make, tmp_path: Path):
    file = tmp_path / "catalog.fits"
    table = schema.from_rows([make(1), make(2, period=None)], facts)
    file.write_bytes(written(FORMATS["fits"], table))
    command = ("stilts", "tpipe", f"in={file}", "ifmt=fits", "cmd=meta Name Units UCD Description")
    described = run_tool(*command, "ofmt=csv")
    rows = list(reader(io.StringIO(described)))[1:]
    assert [row[:3] for row in rows] == [[c.name, c.unit, c.ucd] for c in schema.COLUMNS]
    assert all(row[3] for row in rows)
