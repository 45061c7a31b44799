"""Eclipses on light curves that are not simulated: what is multiplied, dealt anew and kept."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from astropy.io import fits

from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.binaries import Binary
from calnet_ops.simulator.checksum import ALL_ONES, ones_sum
from calnet_ops.simulator.injected_file import FIRST_INJECTED, changed_file
from calnet_ops.simulator.injection import (
    DEEPEST,
    LONGEST_PERIOD,
    SHALLOWEST,
    Change,
    dealt_anew,
    make_binary,
    make_injection,
    make_other,
    side_of,
)
from calnet_ops.simulator.signals import Kind


@pytest.fixture(scope="module")
def base(simulated_sector):
    """A quiet star's file, of a simulated sector: its bytes have SPOC's form."""
    return simulated_sector.file_of(Kind.CONSTANT).read_bytes()


@pytest.fixture(scope="module")
def curve(base):
    return spoc.read(base)


def binary_of(curve, number):
    return make_binary(8, 11, 87, number, curve.time, curve.flux, curve.good)


def other_of(curve, number):
    return make_other(8, 11, 87, number, curve.time, curve.flux, curve.good)


@pytest.fixture(scope="module")
def binary(curve):
    return binary_of(curve, 3)


@pytest.fixture(scope="module")
def made(base, binary):
    return changed_file(base, binary.change, FIRST_INJECTED, ["Made for a test."])


def test_the_flux_is_the_real_one_times_the_binarys(curve, made, binary):
    flux = curve.flux * binary.change.factor
    seen = spoc.read(made)
    np.testing.assert_allclose(seen.flux[seen.good], flux[curve.good], rtol=2e-7)
    ratio = seen.flux_err / curve.flux_err
    np.testing.assert_allclose(ratio[curve.good], binary.change.factor[curve.good], rtol=4e-7)
    np.testing.assert_array_equal(seen.good, curve.good)
    np.testing.assert_array_equal(seen.time, curve.time)


def test_of_the_aperture_only_the_stars_own_light_is_multiplied(base, made, binary):
    before, after = (fits.getdata(io.BytesIO(body), 1)["SAP_FLUX"] for body in (base, made))
    own = fits.getheader(io.BytesIO(base), 1)["CROWDSAP"]
    good = np.isfinite(before) & np.isfinite(binary.change.factor)
    expected = before[good] * (1 + own * (binary.change.factor[good] - 1))
    np.testing.assert_allclose(after[good], expected, rtol=2e-6)


def test_the_file_is_marked_and_sound_and_nothing_else_has_changed(base, made):
    with fits.open(io.BytesIO(made)) as hdus:
        assert [hdu.header["TICID"] for hdu in hdus] == [FIRST_INJECTED] * 3
        assert all(hdu.header["SIMDATA"] for hdu in hdus)
        assert hdus[0].header["OBJECT"] == f"TIC {FIRST_INJECTED}"
        assert "Made for a test." in str(hdus[0].header["HISTORY"])
        starts = [hdu.fileinfo()["hdrLoc"] for hdu in hdus]
        after = hdus[1].data.copy()
    # astropy takes other paddings into the sums of extensions, and refuses SPOC's own files
    for start, stop in pairwise([*starts, len(made)]):
        assert ones_sum(made[start:stop]) == ALL_ONES
    assert fits.PrimaryHDU.fromstring(made[: starts[1]], checksum=True).verify_checksum() == 1
    with fits.open(io.BytesIO(base)) as hdus:
        for name in after.names:
            if "SAP_FLUX" in name:
                continue
            np.testing.assert_array_equal(after[name], hdus[1].data[name])
    assert spoc.read_checked("", made).simulated


@pytest.mark.parametrize("number", range(8))
def test_truth_is_what_was_asked_for(curve, number):
    truth = binary_of(curve, number).truth
    assert SHALLOWEST <= truth["depth"] <= DEEPEST
    assert 0 < truth["depth_2"] <= truth["depth"] or truth["depth_2"] == 0
    assert 0.2 < truth["period_d"] <= LONGEST_PERIOD
    factor = binary_of(curve, number).change.factor
    lowest = 1 - np.nanmin(factor[curve.good]) / np.nanmax(factor)
    assert lowest == pytest.approx(truth["depth"], rel=0.5)
    assert binary_of(curve, number).truth == truth


def test_depth_and_period_are_measured_in_what_was_made(curve):
    pair = Binary(1.3, r1=0.22, r2=0.2, q=0.9, surface_brightness=0.6, inclination=88.0)
    one = make_injection(pair, Kind.EA, 0.1, float(curve.time[curve.good][0]) + 0.4, curve.time)
    assert one is not None
    assert one.depth_1 == 0.1
    assert make_injection(pair, Kind.EA, 0.9, 0.0, curve.time) is None
    found = characterise([replace(curve, flux=curve.flux * one.factor)])
    assert found.period == pytest.approx(1.3, rel=2e-3)
    assert found.depth_1 == pytest.approx(0.1, abs=0.01)


def test_upside_down_is_a_mirror_image_about_the_median(curve):
    change = other_of(curve, 1).change
    flux, _ = change.apply(curve.flux, curve.flux_err, curve.good)
    good = curve.good
    assert np.median(flux[good]) == pytest.approx(np.median(curve.flux[good]))
    np.testing.assert_allclose(flux[good] + curve.flux[good], 2 * np.median(curve.flux[good]))


def test_dealt_anew_keeps_every_flux_and_moves_most(curve):
    source = dealt_anew(np.random.default_rng(1), curve.good)
    assert sorted(source) == list(range(len(source)))
    np.testing.assert_array_equal(source[~curve.good], np.flatnonzero(~curve.good))
    assert np.mean(source == np.arange(len(source))) < 0.5
    # neighbours stay neighbours but for the ends of pieces and the gaps
    assert np.mean(np.diff(source[curve.good]) != 1) < 0.05


def test_the_first_stars_without_eclipses_are_the_star_itself_and_upside_down(curve):
    kinds = [other_of(curve, number).kind for number in range(4)]
    assert kinds == ["quiet", "inverted", "shuffled", "inverted, shuffled"]
    assert other_of(curve, 0).change == Change()
    assert not np.array_equal(other_of(curve, 2).change.source, other_of(curve, 4).change.source)


def test_a_star_is_on_one_side_whatever_else_there_is():
    sides = [side_of(tic, 1) for tic in range(2000)]
    assert sides == [side_of(tic, 1) for tic in range(2000)]
    assert sides.count("test") == pytest.approx(1000, abs=100)
    assert sides.count("validation") == pytest.approx(200, abs=60)
