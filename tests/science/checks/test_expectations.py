"""Expectations are complete, read well, and hold for real data."""

import math
from typing import Any

import pyarrow as pa
import pytest

from calnet_ops.science.checks.expectations import (
    CATALOG,
    EXPECTATIONS,
    FEATURES,
    FEATURES_OF,
    Kind,
    Scope,
    document,
    wanted,
)
from calnet_ops.science.checks.noise import expected_noise_ppm
from calnet_ops.science.checks.sector import (
    Size,
    ccd_statistics,
    sector_statistics,
    with_sector_columns,
)
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.features import VERSIONS
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary

ALL = (*EXPECTATIONS, *FEATURES, *CATALOG)
MIXED: dict[str, Any] = {
    "sector": 1,
    "names": {"one pipeline made all files", "all files are of one data release"},
}
"""The real files of sector 1 come from two deliveries of it, and the checks say so."""


@pytest.fixture(scope="module")
def real(shared_data) -> dict[int, tuple[pa.Table, pa.Table]]:
    """Statistics and manifest of all real files, by sector."""
    found: dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for file in sorted((shared_data / "tess").glob("*/*.fits")):
        body = file.read_bytes()
        facts = spoc.verify(file.name, body)
        statistics, manifest = found.setdefault(facts.sector, ([], []))
        statistics.append(file_statistics(spoc.read(body)) | {"file_name": file.name})
        release = {"procver": facts.procver, "data_rel": facts.data_rel}
        manifest.append({"status": "stored", "reason": ""} | release)
    return {
        sector: (
            with_sector_columns(pa.Table.from_pylist(statistics), sector),
            pa.Table.from_pylist(manifest),
        )
        for sector, (statistics, manifest) in found.items()
    }


def complies(expectation, value) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return expectation.kind is not Kind.PRESENT
    if expectation.kind is Kind.IN_SET:
        return value in expectation.allowed
    low = expectation.low if expectation.low is not None else value
    high = expectation.high if expectation.high is not None else value
    return expectation.kind is Kind.PRESENT or low <= value <= high


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda item: item.name)
def test_real_sectors_meet_it(real, expectation):
    for sector, (files, manifest) in real.items():
        n_file = len(files)
        if expectation.scope is not Scope.FILE and not wanted((expectation,), n_file):
            continue
        whole = sector_statistics(files, manifest, Size(n_file, n_file, n_file))
        tables = {Scope.FILE: files, Scope.SECTOR: pa.Table.from_pylist([whole])}
        values = tables[expectation.scope][expectation.column].to_pylist()
        if expectation.kind is Kind.UNIQUE:
            assert len(set(values)) == len(values)
        elif sector != MIXED["sector"] or expectation.name not in MIXED["names"]:
            assert all(complies(expectation, value) for value in values), sector
        else:
            assert values == [2]


def test_names_are_unique_and_every_one_has_its_reason_and_source():
    assert len({item.name for item in ALL}) == len(ALL)
    for item in ALL:
        assert item.reason.endswith(".")
        assert item.source
        assert (item.kind is Kind.BETWEEN) == (item.low is not None or item.high is not None)
        assert (item.kind is Kind.IN_SET) == bool(item.allowed)


def test_every_column_is_computed():
    files = with_sector_columns(pa.Table.from_pylist([file_statistics(eclipsing_binary(100))]), 87)
    whole = sector_statistics(files, pa.table({"status": ["stored"]}), Size(1, 1))
    columns = {
        Scope.FILE: set(files.column_names),
        Scope.SECTOR: set(whole),
        Scope.CCD: set(ccd_statistics(files).column_names),
    }
    for item in EXPECTATIONS:
        assert item.column in columns[item.scope]


@pytest.mark.parametrize(("tmag", "noise"), [(10, 1090), (5, 106), (0, 10.6), (21, 673_710)])
def test_noise_goes_on_as_photon_noise(tmag, noise):
    assert expected_noise_ppm(tmag) == pytest.approx(noise)


def test_page_names_every_expectation():
    page = document()
    for item in ALL:
        assert f"| {item.name} |" in page
        assert item.reason in page


def test_features_of_each_version_are_judged_by_the_same_names():
    assert set(FEATURES_OF) == set(VERSIONS)
    for expectations in FEATURES_OF.values():
        assert [item.name for item in expectations] == [item.name for item in FEATURES]
