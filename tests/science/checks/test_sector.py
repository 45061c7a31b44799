"""Numbers of a sector, of its CCDs, and of a file beside the others."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops.science.checks.sector import (
    Size,
    ccd_statistics,
    sector_statistics,
    with_sector_columns,
)
from calnet_ops.science.checks.statistics import COLUMNS, file_statistics
from tests.support.light_curves import eclipsing_binary

NAME = "tess2024353092137-s0087-{:016d}-0284-s_lc.fits"


def sector_of(rows: list[dict[str, Any]], sector: int = 87) -> pa.Table:
    """Statistics of files that are alike but for what each row says."""
    alike = file_statistics(eclipsing_binary(100, start=3663.1))
    table = [
        alike | {"tic": tic, "file_name": NAME.format(tic)} | row for tic, row in enumerate(rows, 1)
    ]
    return with_sector_columns(pa.Table.from_pylist(table), sector)


def stored(n_file: int, **columns) -> pa.Table:
    return pa.table({"status": ["stored"] * n_file} | columns)


def test_lost_and_unjudged_files_are_counted():
    manifest = pa.table({"status": ["stored", "stored", "quarantined"]})
    whole = sector_statistics(sector_of([{}]), manifest, Size(5, 5))
    assert (whole["n_missing"], whole["n_unjudged"], whole["n_quarantined"]) == (2, 1, 1)


def test_manifest_tells_of_looks_copies_and_releases():
    manifest = pa.table(
        {
            "status": ["stored", "stored", "quarantined", "quarantined"],
            "reason": ["", "", "duplicate target", "truncated"],
            "trust": ["sound", "recovered", "bad", "suspect"],
            "compared": ["same", "differs", "", "missing"],
            "procver": ["a", "b", "", ""],
            "data_rel": pa.array([42, 42, None, None], pa.int32()),
        }
    )
    whole = sector_statistics(sector_of([{}, {}]), manifest, Size(4, 3, 6))
    assert whole["listed_over_expected"] == 0.5
    assert (whole["n_duplicate"], whole["n_recovered"], whole["n_suspect"]) == (1, 1, 1)
    assert (whole["n_compared"], whole["n_differ"]) == (3, 1)
    assert (whole["n_procver"], whole["n_data_rel"]) == (2, 1)


@pytest.mark.parametrize(("sector", "beyond"), [(87, 10.06), (1751, 10.0)])
def test_file_beyond_the_window_is_told_whether_the_sector_is_known_or_not(sector, beyond):
    rows = [{"time_start": 3663.0, "time_stop": 3690.0}] * 9
    files = sector_of([*rows, {"time_start": 3673.0, "time_stop": 3700.1}], sector)
    found = files["outside_window_d"].to_numpy()
    assert found[0] < 0
    assert found[-1] == pytest.approx(beyond)


def test_name_must_be_of_the_star_and_of_the_sector():
    rows: list[dict[str, Any]] = [{}, {"tic": 99}, {"sector": 86}, {"file_name": "else.fits"}]
    assert sector_of(rows)["name_agrees"].to_pylist() == [1, 0, 0, 0]


def test_statistics_of_an_older_version_lack_columns_and_are_judged_all_the_same():
    old = [name for name in COLUMNS.names if name not in {"flux_unit", "n_time_fall"}]
    files = with_sector_columns(sector_of([{}, {}]).select([*old, "file_name"]), 87)
    assert files["n_time_fall"].null_count == files["flux_unit"].null_count == 2


def test_ccds_are_held_against_the_sector_and_dead_ones_are_there():
    alike: dict[str, Any] = file_statistics(eclipsing_binary(100, start=3663.1))
    rows: list[dict[str, Any]] = [{"camera": 1, "ccd": ccd} for ccd in (1, 2, 2, 3)]
    rows[3] |= {"flux_err_ppm": 5 * alike["flux_err_ppm"], "share_good": 0.25}
    ccds = {row["place"]: row for row in ccd_statistics(sector_of(rows)).to_pylist()}
    assert len(ccds) == 16
    assert ccds["camera 4 CCD 4"]["n_file"] == 0
    assert ccds["camera 1 CCD 2"]["share_of_even"] == 8
    assert ccds["camera 1 CCD 3"]["noise_vs_sector"] == pytest.approx(5)
    assert ccds["camera 1 CCD 3"]["good_vs_sector"] == -0.75


def test_sector_is_held_against_the_median_of_those_before():
    before = [{"median_noise_excess": value, "median_tmag": None} for value in (0.5, 1.0, 9.0)]
    files = sector_of([{}, {}])
    whole = sector_statistics(files, stored(2), Size(2, 2), before)
    assert whole["n_before"] == 3
    assert whole["median_noise_excess_vs_before"] == whole["median_noise_excess"]
    assert np.isnan(whole["median_tmag_vs_before"])


def test_noise_of_faint_stars_is_held_against_that_of_bright_ones():
    curve = eclipsing_binary(100, start=3663.1)
    rows = [
        file_statistics(replace(curve, tmag=tmag)) | {"flux_err_ppm": noise}
        for tmag, noise in ((9.0, 676.0), (10.0, 1090.0), (11.0, 3600.0))
    ]
    whole = sector_statistics(sector_of(rows), stored(3), Size(3, 3))
    assert whole["noise_faint_over_bright"] == pytest.approx(2, rel=0.01)


def test_sector_without_files_has_numbers_too():
    files = with_sector_columns(sector_of([{}]).slice(0, 0).select(COLUMNS.names), 87)
    whole = sector_statistics(files, stored(0), Size(0, 0))
    assert (whole["n_camera"], whole["share_outside_window"], whole["n_origin"]) == (0, 0, 0)
