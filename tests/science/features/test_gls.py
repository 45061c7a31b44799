"""The oracle is the equations; the fast form is the oracle."""

import numpy as np
import pytest

from calnet_ops.errors import TooFewCadences
from calnet_ops.science.features.gls import gls_power, gls_power_nufft
from calnet_ops.science.features.v1 import PERIOD
from tests.support.light_curves import eclipsing_binary

FREQUENCY = 1 / PERIOD


@pytest.fixture(scope="module")
def binary():
    curve = eclipsing_binary(1500)
    flux_err = 10 + 3 * np.sin(np.arange(1500))
    return curve.time, curve.flux, flux_err


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


def test_order_of_cadences_does_not_matter(binary):
    time, flux, flux_err = binary
    order = np.random.default_rng(1).permutation(len(time))
    expected = gls_power(time, flux, flux_err, FREQUENCY)
    power = gls_power(time[order], flux[order], flux_err[order], FREQUENCY)
    np.testing.assert_allclose(power, expected, atol=1e-9)


def test_sinusoid_is_explained_and_found():
    time = np.linspace(0, 13, 800)
    power = gls_power_nufft(time, 5 + np.sin(2 * np.pi * time / 2.0), np.linspace(0.1, 3, 59))
    assert power.max() == pytest.approx(1, abs=1e-7)
    assert np.linspace(0.1, 3, 59)[power.argmax()] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_fast_form_agrees_with_the_oracle(seed):
    rng = np.random.default_rng(seed)
    curve = eclipsing_binary(int(rng.integers(1000, 2200)))
    kept = rng.random(len(curve.time)) > rng.uniform(0, 0.2)
    time = curve.time[kept]
    flux = (
        rng.choice([1.0, 1e6]) * rng.standard_normal(len(time))
        + [1.0, 0.0][seed % 2] * (curve.flux[kept])
    )
    expected = gls_power(time, flux, np.ones_like(flux), FREQUENCY)
    power = gls_power_nufft(time, flux, FREQUENCY)
    np.testing.assert_allclose(power, expected, atol=1e-7)
    np.testing.assert_allclose(scaled(power), scaled(expected), atol=1e-6)


def test_three_cadences_are_too_few():
    with pytest.raises(TooFewCadences):
        gls_power_nufft(np.arange(3.0), np.arange(3.0), FREQUENCY)
