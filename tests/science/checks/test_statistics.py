"""A light curve in numbers."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops.science.checks.statistics import COLUMNS, QUALITY_BITS, file_statistics
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary, light_curve, with_flux, with_gaps


def test_numbers_of_a_light_curve_made_to_order():
    quality = np.zeros(4000, np.int64)
    quality[:400] = 128
    quality[400:500] = 128 + 4096
    noise = 10 * np.random.default_rng(1).standard_normal(4000)
    curve = light_curve(100 + np.arange(4000) / 720, 1e4 + noise, quality)
    numbers = file_statistics(curve)
    assert (numbers["n_row"], numbers["n_good"], numbers["n_segment"]) == (4000, 3500, 1)
    assert numbers["share_manual_exclude"] == 0.125
    assert numbers["share_scattered_light"] == 0.025
    assert numbers["median_flux"] == pytest.approx(1e4, rel=1e-3)
    assert numbers["scatter_ppm"] == pytest.approx(1000, rel=0.05)
    assert numbers["flux_err_ppm"] == pytest.approx(1000, rel=1e-3)
    assert numbers["magnitude_residual"] == pytest.approx(10.4 + 10 - 20.44, abs=1e-3)
    assert (numbers["time_start"], numbers["cadence_s"]) == (100, 120)


def test_gaps_are_counted_and_measured():
    numbers = file_statistics(with_gaps(eclipsing_binary(3000), [1000, 1000, 1000], gap_d=1.5))
    assert numbers["n_segment"] == 3
    assert numbers["longest_gap_d"] == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("value", [np.nan, 0.0, -5.0])
def test_what_cannot_be_computed_is_nan(value):
    curve = eclipsing_binary(100)
    numbers: dict[str, Any] = file_statistics(with_flux(curve, np.full(100, value)))
    assert math.isnan(numbers["magnitude_residual"])
    assert math.isnan(numbers["scatter_ppm"])


def test_every_value_is_a_plain_one():
    numbers = file_statistics(eclipsing_binary(100))
    assert {type(value) for value in numbers.values()} <= {int, float, bool, type(None)}


def test_real_files_set_only_the_bits_we_count(shared_data):
    for file in sorted((shared_data / "tess").glob("*/*.fits")):
        seen = np.bitwise_or.reduce(spoc.read(file.read_bytes()).quality)
        assert seen & ~sum(QUALITY_BITS.values()) == 0


def test_columns_are_those_of_the_table_whether_it_has_rows_or_not():
    curve = replace(eclipsing_binary(), time_unit="BJD - 2457000, days", flux_unit="e-/s")
    table = pa.Table.from_pylist([file_statistics(curve)])
    assert table.schema.equals(COLUMNS)


def test_faults_of_order_and_odd_bits_are_counted():
    curve = eclipsing_binary(100)
    time, number, quality = curve.time.copy(), curve.cadence_no.copy(), curve.quality.copy()
    time[10], time[20], number[50:], quality[7] = time[8], np.nan, number[50:] + 3, 1 << 20
    numbers = file_statistics(replace(curve, time=time, cadence_no=number, quality=quality))
    faults = (numbers["n_time_fall"], numbers["n_cadence_jump"], numbers["n_unknown_bit"])
    assert faults == (1, 1, 1)
    assert (numbers["time_unit"], numbers["flux_unit"]) == (None, None)
