"""The oracle is the equations; the fast forms are the oracle."""

import numpy as np
import pytest

from calnet_ops.errors import TooFewCadences
from calnet_ops.science.features import cadence_fft
from calnet_ops.science.features.gls import fast_gls_power, gls_power, gls_power_nufft
from calnet_ops.science.features.v1 import PERIOD
from tests.support.light_curves import eclipsing_binary

FREQUENCY = 1 / PERIOD
FORMS = (fast_gls_power, gls_power_nufft)

LIGHT_TRAVEL_D = 499 / 86400
"""From the Sun to the Earth [d]: by so much barycentric times swing in a year."""


@pytest.fixture(scope="module")
def binary():
    curve = eclipsing_binary(1500)
    flux_err = 10 + 3 * np.sin(np.arange(1500))
    return curve.time, curve.flux, flux_err


def barycentric(n_cadence, cadence_s, season_d=0.0, missing=0.02, seed=1):
    """Times of a star in the ecliptic [d], some cadences missing; `season_d` says when."""
    rng = np.random.default_rng(seed)
    time = season_d + np.arange(n_cadence) * cadence_s / 86400
    time = time[rng.random(n_cadence) >= missing]
    return 3660 + time + LIGHT_TRAVEL_D * np.sin(2 * np.pi * time / 365.25)


def pulsations(time, seed=1):
    """Sinusoids of 2 d, 0.3 d and 30 min, and noise; errors that differ by a few tenths."""
    rng = np.random.default_rng(seed)
    flux = 1e4 + 30 * rng.standard_normal(len(time))
    for period, amplitude in ((2.1, 90), (0.31, 50), (0.0209, 20)):
        flux += amplitude * np.sin(2 * np.pi * time / period)
    return flux, 30 * rng.uniform(0.7, 1.3, len(time))


def scaled(power):
    return (power - power.min()) / np.ptp(power)


def test_agrees_with_astropy(binary):
    from astropy.timeseries import LombScargle

    time, flux, flux_err = binary
    frequency = np.linspace(0.05, 12, 300)
    expected = LombScargle(time, flux, flux_err).power(frequency, method="slow")
    np.testing.assert_allclose(gls_power(time, flux, flux_err, frequency), expected, atol=1e-9)


@pytest.mark.parametrize(("shift", "scale"), [(2457000.0, 1.0), (0.0, 2.5e4), (-1e4, 1e-6)])
def test_zero_of_time_and_unit_of_flux_do_not_matter(binary, shift, scale):
    time, flux, flux_err = binary
    expected = gls_power(time, flux, flux_err, FREQUENCY)
    shifted = gls_power(time + shift, flux * scale, flux_err * scale, FREQUENCY)
    np.testing.assert_allclose(shifted, expected, atol=2e-6)
    fast = fast_gls_power(time + shift, flux * scale, FREQUENCY, flux_err * scale)
    np.testing.assert_allclose(fast, expected, atol=2e-6)


@pytest.mark.parametrize("form", FORMS)
def test_order_of_cadences_does_not_matter(binary, form):
    time, flux, flux_err = binary
    order = np.random.default_rng(1).permutation(len(time))
    expected = gls_power(time, flux, flux_err, FREQUENCY)
    power = gls_power(time[order], flux[order], flux_err[order], FREQUENCY)
    np.testing.assert_allclose(power, expected, atol=1e-9)
    power = form(time[order], flux[order], FREQUENCY, flux_err[order])
    np.testing.assert_allclose(power, expected, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_sinusoid_is_explained_and_found(form):
    time = np.linspace(0, 13, 800)
    power = form(time, 5 + np.sin(2 * np.pi * time / 2.0), np.linspace(0.1, 3, 59))
    assert power.max() == pytest.approx(1, abs=1e-7)
    assert np.linspace(0.1, 3, 59)[power.argmax()] == pytest.approx(0.5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(5))
def test_fast_form_agrees_with_the_oracle(seed, form):
    rng = np.random.default_rng(seed)
    curve = eclipsing_binary(int(rng.integers(1000, 2200)))
    kept = rng.random(len(curve.time)) > rng.uniform(0, 0.2)
    time = curve.time[kept]
    flux = (
        rng.choice([1.0, 1e6]) * rng.standard_normal(len(time))
        + [1.0, 0.0][seed % 2] * (curve.flux[kept])
    )
    expected = gls_power(time, flux, np.ones_like(flux), FREQUENCY)
    power = form(time, flux, FREQUENCY)
    np.testing.assert_allclose(power, expected, atol=1e-7)
    np.testing.assert_allclose(scaled(power), scaled(expected), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weights", ["equal", "of errors"])
@pytest.mark.parametrize(
    ("days", "cadence_s"),
    [(2.8, 120), (13.2, 120), (2.8, 20), (13.2, 200), (27, 200), (13.2, 600), (27, 1800)],
)
def test_fast_form_agrees_on_times_of_every_cadence(days, cadence_s, weights, form):
    time = barycentric(round(days * 86400 / cadence_s), cadence_s)
    flux, flux_err = pulsations(time)
    some = FREQUENCY[::10]
    if weights == "equal":
        power, expected = form(time, flux, some), gls_power(time, flux, 0 * flux + 1, some)
    else:
        power, expected = form(time, flux, some, flux_err), gls_power(time, flux, flux_err, some)
    np.testing.assert_allclose(scaled(power), scaled(expected), atol=3e-7)


@pytest.mark.parametrize("season_d", [0, 45, 91.3, 250])
@pytest.mark.parametrize(("days", "cadence_s"), [(13.2, 120), (27.3, 120), (27.3, 1800)])
def test_times_of_a_sector_follow_a_clock(days, cadence_s, season_d):
    time = barycentric(round(days * 86400 / cadence_s), cadence_s, season_d)
    clock = cadence_fft.read_clock(time)
    assert clock is not None
    np.testing.assert_array_equal(np.diff(clock.number), np.rint(np.diff(time) * 86400 / cadence_s))
    assert np.abs(clock.offset).max() == pytest.approx(1)
    assert clock.farthest * 86400 < 8  # seconds
    omega = 2 * np.pi * FREQUENCY
    weight = np.full(len(time), 1 / len(time))
    assert cadence_fft.trigonometric_sums(time, weight, weight, omega) is not None


@pytest.mark.parametrize("kind", ["random", "sparse", "jumping", "still"])
def test_times_without_a_clock_are_left_to_the_non_uniform_fft(kind):
    rng = np.random.default_rng(3)
    time = {
        "random": np.sort(rng.uniform(0, 13, 2000)),
        "sparse": np.cumsum(rng.integers(1, 50, 2000)) / 720.0,
        "jumping": np.arange(2000) / 720.0 + 6e-4 * (np.arange(2000) > 1000),
        "still": np.full(2000, 5.0),
    }[kind]
    weight = np.full(2000, 1 / 2000)
    omega = 2 * np.pi * FREQUENCY
    assert cadence_fft.trigonometric_sums(time, weight, weight, omega) is None
    if kind != "still":
        flux, _ = pulsations(time)
        expected = gls_power(time, flux, 0 * flux + 1, FREQUENCY[::10])
        power = fast_gls_power(time, flux, FREQUENCY[::10])
        np.testing.assert_allclose(scaled(power), scaled(expected), atol=3e-7)


def test_cadence_twice_counts_twice():
    time = barycentric(2000, 120)
    flux, _ = pulsations(time)
    twice = np.r_[0:1000, 999, 1000 : len(time)]
    expected = gls_power(time[twice], flux[twice], 0 * flux[twice] + 1, FREQUENCY[::10])
    power = fast_gls_power(time[twice], flux[twice], FREQUENCY[::10])
    np.testing.assert_allclose(scaled(power), scaled(expected), atol=3e-7)


@pytest.mark.parametrize("form", [*FORMS, lambda t, y, f: gls_power(t, y, 0 * y + 1, f)])
def test_power_repeats_beyond_the_nyquist_frequency(form):
    """Half an hour, and no drift: 48/d more or less is the same sinusoid at the cadences."""
    time = np.arange(1300) / 48
    flux, _ = pulsations(time)
    power = form(time, flux, np.array([5.3, 48 - 5.3, 48 + 5.3, 96 + 5.3, 48.0]))
    np.testing.assert_allclose(power[1:4], power[0], atol=1e-7)
    assert power[4] == 0  # a constant explains nothing


@pytest.mark.parametrize("form", FORMS)
def test_three_cadences_are_too_few(form):
    with pytest.raises(TooFewCadences):
        form(np.arange(3.0), np.arange(3.0), FREQUENCY)
