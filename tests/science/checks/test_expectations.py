"""Expectations are complete, read well, and hold for real data."""

import pyarrow as pa
import pytest

from calnet_ops.science.checks.expectations import EXPECTATIONS, Kind, Scope, document
from calnet_ops.science.checks.noise import expected_noise_ppm
from calnet_ops.science.checks.sector import sector_statistics, with_sector_columns
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary


@pytest.fixture(scope="module")
def real(shared_data) -> pa.Table:
    files = sorted((shared_data / "tess").glob("s073/*.fits"))
    rows = [file_statistics(spoc.read(file.read_bytes())) for file in files]
    return with_sector_columns(pa.Table.from_pylist(rows))


def complies(expectation, value) -> bool:
    if expectation.kind is Kind.IN_SET:
        return value in expectation.allowed
    if expectation.kind is Kind.PRESENT:
        return value is not None
    low = expectation.low if expectation.low is not None else value
    high = expectation.high if expectation.high is not None else value
    return low <= value <= high


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda item: item.name)
def test_real_sector_meets_it(real, expectation):
    manifest = pa.table({"status": ["stored"] * len(real)})
    whole = sector_statistics(real, manifest, len(real))
    if expectation.scope is Scope.SECTOR:
        values = [whole[expectation.column]]
    else:
        values = real[expectation.column].to_pylist()
    if expectation.kind is Kind.UNIQUE:
        assert len(set(values)) == len(values)
    else:
        assert all(complies(expectation, value) for value in values)


def test_names_are_unique_and_every_one_has_its_reason_and_source():
    assert len({item.name for item in EXPECTATIONS}) == len(EXPECTATIONS)
    for item in EXPECTATIONS:
        assert item.reason.endswith(".")
        assert item.source
        assert (item.kind is Kind.BETWEEN) == (item.low is not None or item.high is not None)
        assert (item.kind is Kind.IN_SET) == bool(item.allowed)


def test_every_column_is_computed():
    files = with_sector_columns(pa.Table.from_pylist([file_statistics(eclipsing_binary(100))]))
    whole = sector_statistics(files, pa.table({"status": ["stored"]}), 1)
    columns = {Scope.FILE: set(files.column_names), Scope.SECTOR: set(whole)}
    for item in EXPECTATIONS:
        assert item.column in columns[item.scope]


def test_lost_and_unjudged_files_are_counted():
    files = with_sector_columns(pa.Table.from_pylist([file_statistics(eclipsing_binary(100))]))
    manifest = pa.table({"status": ["stored", "stored", "quarantined"]})
    whole = sector_statistics(files, manifest, 5)
    assert (whole["n_missing"], whole["n_unjudged"], whole["n_quarantined"]) == (2, 1, 1)


@pytest.mark.parametrize(("tmag", "noise"), [(10, 1090), (5, 106), (0, 10.6), (21, 673_710)])
def test_noise_goes_on_as_photon_noise(tmag, noise):
    assert expected_noise_ppm(tmag) == pytest.approx(noise)


def test_page_names_every_expectation():
    page = document()
    for item in EXPECTATIONS:
        assert f"| {item.name} |" in page
        assert item.reason in page
