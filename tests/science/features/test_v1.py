"""Features v1 are the published steps without the mask, and stay what they are."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from calnet_ops import errors
from calnet_ops.science.features import VERSIONS, extract, v1
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary, light_curve, with_flux, with_gaps
from tests.support.published import long_segments, spline_samples

GOLDEN = Path(__file__).parents[2] / "data" / "features_v1.json"
"""Every 40th sample and every 10th power of a light curve made by formula."""


@pytest.fixture(scope="module")
def binary():
    return eclipsing_binary(4600)


def _good(curve):
    return curve.time[curve.good], curve.flux[curve.good]


def published_power(time, flux):
    from astropy.timeseries import LombScargle

    period = np.logspace(-3, 1, 1125)[125:]
    power = LombScargle(time, flux).power(
        1 / period, method="cython", assume_regular_frequency=False
    )
    return (power - power.min()) / (power.max() - power.min())


def test_frozen(binary):
    """If this fails, v1 has changed: make a new version instead."""
    (segment,) = extract(binary, "v1")
    golden = json.loads(GOLDEN.read_text())
    np.testing.assert_allclose(segment.flux[::40], golden["flux"], atol=1e-6)
    np.testing.assert_allclose(segment.power[::10], golden["power"], atol=1e-6)


def test_periods_are_the_published_ones():
    assert len(v1.PERIOD) == 1000
    assert v1.PERIOD[0] == pytest.approx(0.0027851, abs=5e-8)
    assert v1.PERIOD[-1] == pytest.approx(10)


@pytest.mark.parametrize("n_cadence", [2, 50, 101, 1999, 2000, 9173])
def test_percentile_is_that_of_numpy_to_the_bit(n_cadence):
    rng = np.random.default_rng(n_cadence)
    for flux in (rng.standard_normal(n_cadence) * 1e4, rng.integers(0, 9, n_cadence) / 3):
        assert v1.upper_cut(flux) == np.percentile(flux, 99)


def test_agrees_with_the_published_steps(binary):
    curve = with_gaps(binary, [2200, 150, 2250])
    segments = extract(curve, "v1")
    for segment, (time, flux) in zip(segments, long_segments(*_good(curve)), strict=True):
        np.testing.assert_allclose(segment.flux, spline_samples(time, flux), atol=1e-6)
        np.testing.assert_allclose(segment.power, published_power(time, flux), atol=1e-6)


@pytest.mark.parametrize("tic", [425064757, 38846515])
def test_real_periodograms_agree_with_astropy(shared_data, tic):
    file = max((shared_data / "tess").glob(f"*/*{tic:016d}*.fits"))
    curve = spoc.read(file.read_bytes())
    piece = next(long_segments(*_good(curve)))
    power = extract(curve, "v1")[0].power
    np.testing.assert_allclose(power, published_power(*piece), atol=1e-6)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("shift", "scale"), [(1000.0, 1.0), (0.0, 37.0), (0.0, 1e-4)])
def test_zero_of_time_and_unit_of_flux_do_not_matter(binary, version, shift, scale):
    (expected,) = extract(binary, version)
    (segment,) = extract(light_curve(binary.time + shift, binary.flux * scale), version)
    np.testing.assert_allclose(segment.flux, expected.flux, atol=1e-5)
    np.testing.assert_allclose(segment.power, expected.power, atol=2e-6)


@pytest.mark.parametrize("version", VERSIONS)
def test_shapes_types_and_range(binary, version):
    (segment,) = extract(binary, version)
    for values, size in ((segment.flux, 4000), (segment.power, 1000)):
        assert values.shape == (size,)
        assert values.dtype == np.dtype("=f4")
        assert 0 <= values.min() <= values.max() <= 1


def test_both_inputs_fill_their_scale(binary):
    (segment,) = extract(binary, "v1")
    for values in (segment.flux, segment.power):
        assert (values.min(), values.max()) == (0, 1)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lengths", [[2000], [2000] * 5, [2000, 1999, 2001]])
def test_each_long_segment_counts_and_no_other(version, lengths):
    curve = with_gaps(eclipsing_binary(sum(lengths)), lengths)
    segments = extract(curve, version)
    assert [item.n_cadence for item in segments] == [n for n in lengths if n >= 2000]
    assert [item.segment for item in segments] == list(range(1, len(segments) + 1))
    assert all(a.time_stop < b.time_start for a, b in pairwise(segments))


@pytest.mark.parametrize("version", VERSIONS)
def test_1999_cadences_are_too_few(version):
    with pytest.raises(errors.TooFewCadences, match=r"1999 good cadences.*>= 2000"):
        extract(eclipsing_binary(1999), version)


@pytest.mark.parametrize(("cadence_s", "least"), [(20, 12000), (200, 1200), (1800, 133)])
def test_other_cadences_need_the_same_length_of_time(cadence_s, least):
    assert len(extract(eclipsing_binary(least, cadence_s=cadence_s))) == 1
    with pytest.raises(errors.TooFewCadences):
        extract(eclipsing_binary(least - 1, cadence_s=cadence_s))


@pytest.mark.parametrize("cadence_s", [np.nan, 0.0, -120.0])
def test_unknown_cadence_is_refused(binary, cadence_s):
    with pytest.raises(errors.WrongLayout, match="cadence"):
        extract(light_curve(binary.time, binary.flux, cadence_s=cadence_s))


@pytest.mark.parametrize("version", VERSIONS)
def test_constant_flux_has_no_shape(binary, version):
    flat = np.full(len(binary.time), 1e4)
    with pytest.raises(errors.ConstantFlux):
        extract(with_flux(binary, flat), version)
    spikes = flat.copy()
    spikes[::200] += 50  # all that differs is above the 99th percentile
    with pytest.raises(errors.ConstantFlux):
        extract(with_flux(binary, spikes), version)


def test_constant_segment_does_not_take_the_others_with_it(binary):
    curve = with_gaps(binary, [2300, 2300])
    flux = curve.flux.copy()
    flux[:2300] = 5.0
    (segment,) = extract(with_flux(curve, flux))
    assert (segment.segment, segment.time_start) == (1, curve.time[2300])


@pytest.mark.parametrize("version", VERSIONS)
def test_nan_runs_flagged_cadences_and_missing_times_are_left_out(binary, version):
    quality = np.zeros(4600, np.int64)
    quality[100:200] = 128
    time, flux = binary.time.copy(), binary.flux.copy()
    flux[1000:1100] = np.nan
    time[2000:2050] = np.nan
    flux[2000:2050] = np.nan
    time[3000:3010] = np.nan
    (segment,) = extract(light_curve(time, flux, quality), version)
    assert segment.n_cadence == 4600 - 100 - 100 - 50 - 10


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_good_is_told_as_such(binary, version):
    with pytest.raises(errors.NoGoodCadences):
        extract(with_flux(binary, np.full(4600, np.nan)), version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("swap", [(10, 11), (10, 10)])
def test_times_out_of_order_or_twice_are_refused(binary, version, swap):
    time = binary.time.copy()
    time[10], time[11] = binary.time[swap[1]], binary.time[10]
    with pytest.raises(errors.TimesNotIncreasing):
        extract(light_curve(time, binary.flux), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_negative_flux_is_flux(binary, version):
    (expected,) = extract(binary, version)
    (segment,) = extract(with_flux(binary, binary.flux - 1e5), version)
    np.testing.assert_allclose(segment.flux, expected.flux, atol=1e-5)


def test_unknown_version_is_told_with_the_known_ones(binary):
    with pytest.raises(errors.WrongConfiguration, match="v1"):
        extract(binary, "v0")
