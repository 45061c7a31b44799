"""Our spline is FITPACK's."""

import numpy as np
from scipy.interpolate import InterpolatedUnivariateSpline

from calnet_ops.science.features.resample import resample, scale_to_unit
from tests.support.light_curves import eclipsing_binary


def test_agrees_with_fitpack():
    curve = eclipsing_binary(2500)
    kept = np.random.default_rng(2).random(2500) > 0.3
    time, flux = curve.time[kept], curve.flux[kept]
    elapsed = (time - time[0]) / (time[-1] - time[0])
    expected = InterpolatedUnivariateSpline(elapsed, flux, k=3)(np.linspace(0, 1, 4000))
    np.testing.assert_allclose(resample(time, flux, 4000), expected, atol=1e-9 * np.ptp(flux))


def test_cubic_is_reproduced_from_four_points():
    time = np.array([0.0, 1.0, 2.5, 4.0])
    samples = resample(time, time**3, 5)
    np.testing.assert_allclose(samples, np.arange(5.0) ** 3, atol=1e-12)


def test_least_is_zero_and_greatest_is_one():
    np.testing.assert_array_equal(scale_to_unit(np.array([-2.0, 0.0, 2.0])), [0, 0.5, 1])
