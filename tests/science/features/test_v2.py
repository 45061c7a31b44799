"""Features v2 show eclipses whatever else a star or a telescope does, and stay what they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calnet_ops import errors
from calnet_ops.science.features import extract, v2
from calnet_ops.science.features.gls import fast_gls_power, gls_power
from calnet_ops.science.features.v1 import PERIOD
from calnet_ops.science.lightcurve import spoc
from tests.support.light_curves import eclipsing_binary, light_curve, with_flux

GOLDEN = Path(__file__).parents[2] / "data" / "features_v2.json"
"""Every 40th sample and every 10th amplitude of a light curve made by formula."""

DAY = 720
"""Two-minute cadences."""

NOISE = 1e-3


def star(n_cadence, *, dips=(), width_h=1.0, depth=0.05, cadence_s=120.0, seed=1):
    """Noise at level 1000, with smooth dips `width_h` from first to last contact."""
    rng = np.random.default_rng(seed)
    time = 3660.1 + np.arange(n_cadence) * cadence_s / 86400
    flux = 1 + NOISE * rng.standard_normal(n_cadence) * np.sqrt(120 / cadence_s)
    for middle in dips:
        phase = np.clip((time - middle) / (width_h / 24), -0.5, 0.5)
        flux -= depth * (1 + np.cos(2 * np.pi * phase)) / 2
    return replace(
        light_curve(time, 1000 * flux, cadence_s=cadence_s),
        flux_err=np.full(n_cadence, 1000 * NOISE),
    )


def only(curve):
    (segment,) = extract(curve, "v2")
    return segment


def test_frozen():
    """If this fails, v2 has changed: make a new version instead."""
    segment = only(eclipsing_binary(4600))
    golden = json.loads(GOLDEN.read_text())
    np.testing.assert_allclose(segment.flux[::40], golden["flux"], atol=1e-6)
    np.testing.assert_allclose(segment.power[::10], golden["power"], atol=1e-6)


@pytest.mark.parametrize("height", [0.02, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("n_wide", [1, 2])
def test_an_upward_spike_changes_nothing_but_its_neighbourhood(height, n_wide):
    quiet = star(9400, dips=np.arange(3660.9, 3673, 1.7))
    flux = quiet.flux.copy()
    flux[5000 : 5000 + n_wide] += 1000 * height
    before, after = only(quiet), only(with_flux(quiet, flux))
    near = np.zeros(4000, bool)
    near[5000 * 4000 // 9400 - 2 : 5002 * 4000 // 9400 + 3] = True
    np.testing.assert_allclose(after.flux[~near], before.flux[~near], atol=1e-3)
    np.testing.assert_allclose(after.flux[near], before.flux[near], atol=0.05)
    np.testing.assert_allclose(after.power, before.power, atol=2e-3)


def flared(quiet, height):
    """With a flare of so many times the star's light, which fades by a factor e in 43 min."""
    since = np.clip(quiet.time - 3664.0, 0, None)
    flare = np.where(since > 0, height * np.exp(-since / 0.03), 0)
    return with_flux(quiet, quiet.flux + 1000 * flare)


@pytest.mark.parametrize("height", [0.1, 10.0, 1e4])
def test_a_flare_of_any_height_does_not_flatten_the_eclipses(height):
    quiet = star(9400, dips=np.arange(3660.9, 3673, 1.7))
    before, after = only(quiet), only(flared(quiet, height))
    away = np.abs(np.linspace(quiet.time[0], quiet.time[-1], 4000) - 3664.3) > 0.5
    np.testing.assert_allclose(after.flux[away], before.flux[away], atol=0.05)


@pytest.mark.parametrize("height", [0.1, 10.0])
def test_the_comb_of_the_eclipses_outlives_a_flare(height):
    """Of the flare a box of some hours is left, as high as the ceiling: long periods."""
    quiet = star(9400, dips=np.arange(3660.9, 3673, 1.7))
    before, after = only(quiet), only(flared(quiet, height))
    short = PERIOD < 1
    assert abs(before.power[short].argmax() - after.power[short].argmax()) <= 1
    assert np.corrcoef(before.power[short], after.power[short])[0, 1] > 0.9


@pytest.mark.parametrize("n_cadence", [2000, 9400, 13_500, 20_000])
@pytest.mark.parametrize("start", [0.30, 0.3037, 0.3071])
def test_an_eclipse_of_an_hour_keeps_its_depth(n_cadence, start):
    """Relative to one of three hours, which every sample resolves."""
    long, short = 3660.1 + 1.0, 3660.1 + 2.0 + start
    curve = star(n_cadence, dips=[short], width_h=1.0)
    both = star(n_cadence, dips=[long], width_h=3.0)
    flux = both.flux + curve.flux - star(n_cadence).flux
    samples = only(with_flux(curve, flux)).flux.astype(float)
    time = np.linspace(curve.time[0], curve.time[-1], 4000)
    level = np.median(samples)
    depths = [level - samples[np.abs(time - at) < 0.06].min() for at in (short, long)]
    assert depths[0] >= 0.9 * depths[1]


@pytest.mark.parametrize("cadence_s", [20, 200, 600, 1800])
def test_eclipses_are_seen_at_any_cadence(cadence_s):
    n_cadence = round(13 * 86400 / cadence_s)
    dips = np.arange(3660.9, 3673, 1.7)
    segment = only(star(n_cadence, dips=dips, width_h=4.0, cadence_s=cadence_s))
    time = np.linspace(3660.1, 3673.1, 4000)
    in_eclipse = np.abs(time[:, None] - dips).min(axis=1) < 0.02
    outside = np.abs(time[:, None] - dips).min(axis=1) > 0.1
    assert segment.flux[in_eclipse].max() < 0.5
    assert segment.flux[outside].min() > 0.8


@pytest.mark.parametrize(("zero", "unit"), [(0, 37.0), (0, 1e-4), (-1e5, 1.0), (3e5, 20.0)])
def test_unit_and_zero_point_of_flux_do_not_matter(zero, unit):
    curve = star(5000, dips=[3662.0, 3664.5])
    moved = replace(with_flux(curve, unit * (curve.flux + zero)), flux_err=unit * curve.flux_err)
    np.testing.assert_allclose(only(moved).flux, only(curve).flux, atol=1e-4)
    np.testing.assert_allclose(only(moved).power, only(curve).power, atol=1e-4)


def test_inverted_light_curves_do_not_look_like_eclipses():
    curve = star(9400, dips=np.arange(3660.9, 3673, 1.7))
    upside_down = only(with_flux(curve, 2000 - curve.flux))
    quiet = only(star(9400))
    assert only(curve).flux.min() == 0
    assert upside_down.flux.min() > 0.2
    np.testing.assert_allclose(np.median(upside_down.flux), np.median(quiet.flux), atol=0.1)


def test_nothing_looks_like_nothing_at_any_brightness():
    quiet = [only(star(9400, seed=seed)) for seed in (1, 2)]
    loud = star(9400, seed=1)
    loud = with_flux(loud, 1000 + 30 * (loud.flux - 1000))
    for segment in (*quiet, only(loud)):
        assert segment.flux.min() > 0.2
        assert segment.flux.max() == 1
        assert 0.35 < segment.power.max() < 0.7


def test_range_holds_for_all_kinds_of_light_curves():
    rng = np.random.default_rng(3)
    for flux in (rng.standard_cauchy(3000), np.sin(np.arange(3000) / 9), rng.random(3000) ** 9):
        segment = only(light_curve(eclipsing_binary(3000).time, flux))
        for values in (segment.flux, segment.power):
            assert np.isfinite(values).all()
            assert 0 <= values.min() <= values.max() <= 1


def test_where_nothing_was_measured_a_straight_line_stands():
    curve = eclipsing_binary(6000)
    quality = np.zeros(6000, np.int64)
    quality[3000:3400] = 8  # half a day: no new segment
    segment = only(light_curve(curve.time, curve.flux, quality))
    gap = segment.flux[2003:2264]
    np.testing.assert_allclose(np.diff(gap, 2), 0, atol=1e-6)


def test_cadences_with_large_errors_weigh_less():
    """Half of the cadences are ten times noisier, and known to be."""
    rng = np.random.default_rng(4)
    time = 3660.1 + np.arange(9000) / DAY
    flux_err = np.where(rng.random(9000) < 0.5, 1.0, 10.0)
    flux = 1000 + 1.5 * np.sin(2 * np.pi * time / 0.8) + flux_err * rng.standard_normal(9000)
    curve = replace(light_curve(time, flux), flux_err=flux_err)
    blind = replace(curve, flux_err=np.full(9000, np.nan))
    best = [np.abs(PERIOD - 0.8).argmin(), only(curve).power.argmax()]
    assert abs(best[0] - best[1]) <= 3
    noise = [np.median(only(one).power[:500]) / only(one).power.max() for one in (curve, blind)]
    assert noise[0] < 0.6 * noise[1]


@pytest.mark.parametrize("flux_err", [np.nan, 0.0, -1.0, np.inf])
def test_errors_that_are_none_are_left_out_of_account(flux_err):
    curve = star(3000, dips=[3662.0])
    some = curve.flux_err.copy()
    some[100:110] = flux_err
    none = replace(curve, flux_err=np.full(3000, flux_err))
    for odd in (replace(curve, flux_err=some), none):
        np.testing.assert_allclose(only(odd).flux, only(curve).flux, atol=1e-6)
        np.testing.assert_allclose(only(odd).power, only(curve).power, atol=1e-6)


def test_one_tiny_error_does_not_rule_the_segment():
    curve = star(3000, dips=[3662.0])
    flux_err = curve.flux_err.copy()
    flux_err[1500] = 1e-12
    odd = only(replace(curve, flux_err=flux_err))
    np.testing.assert_allclose(odd.power, only(curve).power, atol=5e-3)


@pytest.mark.parametrize("n_cadence", [1, 2, 1999])
def test_too_few_cadences_are_told_with_the_version(n_cadence):
    with pytest.raises(errors.TooFewCadences, match=r"features v2"):
        extract(eclipsing_binary(n_cadence), "v2")


def test_flux_that_only_spikes_or_flares_has_no_shape():
    curve = eclipsing_binary(3000)
    flares = np.full(3000, 1e4)
    flares[500:540] += np.linspace(900, 0, 40)
    with pytest.raises(errors.ConstantFlux, match="flares"):
        extract(with_flux(curve, flares), "v2")


def test_nan_everywhere_is_no_good_cadence():
    curve = eclipsing_binary(3000)
    with pytest.raises(errors.NoGoodCadences):
        extract(with_flux(curve, np.full(3000, np.nan)), "v2")


@pytest.mark.parametrize("seed", range(3))
def test_weighted_power_agrees_with_the_oracle(seed):
    rng = np.random.default_rng(seed)
    curve = eclipsing_binary(int(rng.integers(1000, 1500)))
    flux_err = rng.uniform(0.5, 3, len(curve.time))
    expected = gls_power(curve.time, curve.flux, flux_err, 1 / PERIOD)
    power = fast_gls_power(curve.time, curve.flux, 1 / PERIOD, flux_err)
    np.testing.assert_allclose(power, expected, atol=1e-7)


def test_bin_means_are_means_of_what_lies_in_them():
    time = np.array([0.0, 0.4, 1.2, 1.3, 3.5, 4.0])
    flux = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 9.0])
    weight = np.array([3.0, 1.0, 1.0, 1.0, 2.0, 2.0])
    np.testing.assert_allclose(v2.bin_means(time, flux, weight, 4), [1.5, 6.0, 7.5, 9.0])


def test_real_eclipsing_binaries_reach_the_bottom_and_quiet_stars_do_not(shared_data):
    deep = max((shared_data / "tess").glob("*/*0000000425064757*.fits"))
    segments = extract(spoc.read(deep.read_bytes()), "v2")
    assert all(segment.flux.min() == 0 for segment in segments)
    assert all(segment.power.max() == 1 for segment in segments)
