"""What becomes of light curves at the edge of sense, in every version of the features.

A star of the catalog must not rest on chance: what is no light curve is told as such, and what is
one gives the same features however it is written.
"""

import io

import numpy as np
import pytest

from calnet_ops import errors
from calnet_ops.science.features import VERSIONS, extract
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.light_curves import eclipsing_binary, light_curve, with_flux, with_gaps
from tests.support.spoc_files import eclipses, spoc_arrays, spoc_bytes, spoc_name

pytestmark = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def binary():
    return eclipsing_binary(4600)


def as_csv(time, flux):
    buffer = io.StringIO()
    np.savetxt(buffer, np.c_[time, flux], "%.10f", ",", header="time,flux", comments="")
    return buffer.getvalue().encode()


@pytest.mark.parametrize("n_cadence", [0, 1, 2, 3])
def test_hardly_any_good_cadence_is_told_and_no_division_by_zero(version, binary, n_cadence):
    quality = np.ones(4600, np.int64)
    quality[:n_cadence] = 0
    with pytest.raises((errors.NoGoodCadences, errors.TooFewCadences)):
        extract(light_curve(binary.time, binary.flux, quality), version)


@pytest.mark.parametrize("n_segment", [1, 2, 3, 4, 5])
def test_a_file_has_as_many_segments_as_it_has(version, n_segment):
    """Sectors from 56 on often have one, others two; nothing counts on a number."""
    curve = with_gaps(eclipsing_binary(2000 * n_segment), [2000] * n_segment)
    assert len(extract(curve, version)) == n_segment


def test_gap_of_three_quarters_of_a_day_splits_and_a_shorter_one_does_not(version):
    whole = eclipsing_binary(4600)
    assert len(extract(with_gaps(whole, [2300, 2300], 0.76), version)) == 2
    assert len(extract(with_gaps(whole, [2300, 2300], 0.74), version)) == 1


def test_length_is_counted_before_any_cut(version):
    """The published count is of good cadences; what a cut takes away does not matter."""
    (segment,) = extract(eclipsing_binary(2000), version)
    assert segment.n_cadence == 2000


def test_long_run_of_nan_splits_as_a_gap_does(version):
    """What was not measured cannot hold a light curve together."""
    curve = eclipsing_binary(5200)
    flux = curve.flux.copy()
    flux[2300:2900] = np.nan  # 0.83 d
    segments = extract(with_flux(curve, flux), version)
    assert [segment.n_cadence for segment in segments] == [2300, 2300]


def test_run_of_nan_may_leave_too_little(version):
    curve = eclipsing_binary(2500)
    flux = curve.flux.copy()
    flux[:501] = np.nan
    with pytest.raises(errors.TooFewCadences, match="1999"):
        extract(with_flux(curve, flux), version)


def test_cadence_without_time_is_no_cadence_though_its_flag_is_good(version, binary):
    """Real sectors have thousands of these; the published code did not look at the time."""
    time = binary.time.copy()
    time[::7] = np.nan
    kept = np.isfinite(time)
    (expected,) = extract(light_curve(time[kept], binary.flux[kept]), version)
    (segment,) = extract(light_curve(time, binary.flux), version)
    np.testing.assert_array_equal(segment.flux, expected.flux)
    np.testing.assert_array_equal(segment.power, expected.power)


def test_infinite_flux_is_left_out_like_nan(version, binary):
    flux = binary.flux.copy()
    flux[100:110] = np.inf
    (segment,) = extract(with_flux(binary, flux), version)
    assert segment.n_cadence == 4590
    assert np.isfinite(segment.flux).all()
    assert np.isfinite(segment.power).all()


@pytest.mark.parametrize("offset", [-1e5, -1e4])
def test_negative_flux_and_flux_around_zero_are_flux(version, binary, offset):
    """Background taken away too well makes them; only the shape counts, so no ratio is taken."""
    (segment,) = extract(with_flux(binary, binary.flux + offset), version)
    assert np.isfinite(segment.flux).all()
    (expected,) = extract(binary, version)
    np.testing.assert_allclose(segment.power, expected.power, atol=1e-5)


def test_steps_of_flux_are_a_shape(version):
    """As few as three values are: the highest is cut away, two are left."""
    curve = eclipsing_binary(2400)
    (segment,) = extract(with_flux(curve, 100.0 + np.arange(2400) // 800), version)
    assert np.isfinite(segment.flux).all()
    assert np.isfinite(segment.power).all()


def test_constant_segments_are_left_out_among_others(version):
    curve = with_gaps(eclipsing_binary(6900), [2300, 2300, 2300])
    flux = curve.flux.copy()
    flux[2300:4600] = 7.0
    segments = extract(with_flux(curve, flux), version)
    assert [segment.segment for segment in segments] == [1, 2]
    assert segments[1].time_start == curve.time[4600]


@pytest.mark.parametrize("damage", ["out of order", "duplicate", "backwards"])
def test_times_that_do_not_increase_are_refused_in_a_product(version, damage):
    """Software made these files; a time that runs back tells that something went wrong there."""
    arrays = spoc_arrays(3000, gap=None)
    time = arrays["TIME"].copy()
    if damage == "out of order":
        time[[10, 11]] = time[[11, 10]]
    elif damage == "duplicate":
        time[11] = time[10]
    else:
        time = time[::-1]
    with pytest.raises(errors.TimesNotIncreasing):
        extract(read_any(spoc_name(), spoc_bytes(arrays | {"TIME": time})), version)


@pytest.mark.parametrize("damage", ["out of order", "duplicate"])
def test_times_of_a_table_are_put_in_order_and_kept_once(version, binary, damage):
    """People write tables as they like: order carries no meaning, a repeated row no information."""
    expected = extract(read_any("tic1_s1.csv", as_csv(binary.time, binary.flux)), version)
    order = np.random.default_rng(1).permutation(4600)
    if damage == "duplicate":
        order = np.sort(np.r_[np.arange(4600), [5, 5, 4000]])
    body = as_csv(binary.time[order], binary.flux[order])
    (segment,) = extract(read_any("tic1_s1.csv", body), version)
    np.testing.assert_array_equal(segment.flux, expected[0].flux)
    np.testing.assert_array_equal(segment.power, expected[0].power)


@pytest.mark.parametrize(
    ("cadence_s", "least"), [(20, 12000), (200, 1200), (600, 400), (1800, 133)]
)
def test_every_cadence_needs_the_same_length_of_time(version, cadence_s, least):
    """2.8 d: the published 2,000 cadences, of two minutes each."""
    assert len(extract(eclipsing_binary(least, cadence_s=cadence_s), version)) == 1
    with pytest.raises(errors.TooFewCadences):
        extract(eclipsing_binary(least - 1, cadence_s=cadence_s), version)


@pytest.mark.parametrize("cadence_s", [20, 200, 600, 1800])
def test_the_same_star_looks_alike_at_every_cadence(version, cadence_s):
    """Samples are of the same times; a long cadence only sees less of the brightest ones."""
    time = np.arange(0, 9, 120 / 86400)
    (expected,) = extract(light_curve(time, _contact_binary(time)), version)
    time = np.arange(0, 9, cadence_s / 86400)
    (segment,) = extract(light_curve(time, _contact_binary(time), cadence_s=cadence_s), version)
    assert np.corrcoef(segment.flux, expected.flux)[0, 1] > 0.97
    longer = np.s_[400:]  # periods from 0.073 d on, which half an hour can tell apart
    assert np.corrcoef(segment.power[longer], expected.power[longer])[0, 1] > 0.95
    assert abs(int(segment.power.argmax()) - int(expected.power.argmax())) <= 1


def _contact_binary(time):
    phase = 2 * np.pi * time / 0.61
    return 1e4 * (1 + 0.1 * np.cos(2 * phase) + 0.03 * np.cos(phase))


def test_fast_files_of_spoc_are_read_by_their_content(version):
    """Twenty seconds, 12,000 of which are as long as 2,000 of two minutes."""
    arrays = spoc_arrays(12000, gap=None)
    time = 3663.1 + np.arange(12000) * 20 / 86400
    arrays |= {"TIME": time, "PDCSAP_FLUX": eclipses(time)}
    body = spoc_bytes(arrays, cards={"TIMEDEL": 20 / 86400})
    curve = read_any(spoc_name().replace("s_lc", "a_fast-lc"), body)
    assert curve.cadence_s == 20
    (segment,) = extract(curve, version)
    assert segment.n_cadence == 12000


def test_half_hour_cadences_have_power_below_two_cadences_too(version):
    """The periods are the published ones for every cadence, as the network knows no others.

    Below an hour, which is two cadences, power repeats that of longer periods: f and 48/d - f are
    the same at the cadences. So it is no evidence of its own there, but as it is always the same
    repetition, it does no harm either; and it is finite at half an hour and its fractions.
    """
    (segment,) = extract(eclipsing_binary(620, cadence_s=1800), version)
    assert np.isfinite(segment.power).all()
    assert segment.power.min() >= 0
    assert segment.power.max() == 1
