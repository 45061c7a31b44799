"""Features v1 beside the published steps without the mask, on a thousand light curves.

Oracles: FITPACK's spline, the equations of the periodogram (`gls_power`) and astropy.
"""

import numpy as np
import pytest

from calnet_ops.science.features import v1
from calnet_ops.science.features.gls import fast_gls_power, gls_power
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import Kind
from tests.support.published import PERIOD, long_segments, scaled, spline_samples

N_SIMULATED = 960
"""Compact light curves, as many of each kind; real ones make it a thousand and more."""

SECTORS = (12, 27, 61, 87)

WITHIN = 1e-6
"""Largest difference allowed of scaled flux and scaled power."""

N_SOME = 24
"""Periods for which the oracle is asked of a simulated light curve, and N_ASTROPY times fewer
light curves that astropy is asked about: all periods of all would take ten minutes. Lowest and
highest power are always among them, as the scale hangs on these."""

N_ASTROPY = 10

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def good(curve):
    return curve.time[curve.good], curve.flux[curve.good]


def pieces(curve):
    time, flux = good(curve)
    return list(long_segments(time, flux, v1.min_cadences(curve.cadence_s)))


def test_a_thousand_simulated_light_curves_of_all_kinds(tmp_path):
    rng = np.random.default_rng(12)
    kinds = list(Kind)
    worst_flux, worst_power, n_segment = 0.0, 0.0, 0
    for number in range(N_SIMULATED):
        kind, sector = kinds[number % len(kinds)], SECTORS[number % len(SECTORS)]
        job = Job(tmp_path, sector, 900_000_000_000 + number, kind, seed=12, compact=True)
        curve = spoc.read(light_curve(job)[1])
        for segment, (time, flux) in zip(v1.extract(curve), pieces(curve), strict=True):
            n_segment += 1
            worst_flux = max(worst_flux, np.abs(segment.flux - spline_samples(time, flux)).max())
            some = np.r_[
                segment.power.argmin(), segment.power.argmax(), rng.integers(0, 1000, N_SOME)
            ]
            expected = gls_power(time, flux, np.ones_like(flux), 1 / PERIOD[some])
            away = np.abs(segment.power[some] - scaled(expected)).max()
            worst_power = max(worst_power, away)
            if number % N_ASTROPY == 0:
                np.testing.assert_allclose(_astropy(time, flux, some), expected, atol=1e-9)
    assert n_segment >= N_SIMULATED
    assert worst_flux <= WITHIN
    assert worst_power <= WITHIN


def test_every_real_light_curve_at_all_periods(shared_data):
    """Two-minute files, and full-frame products that have a reader."""
    two_minute = sorted((shared_data / "tess").glob("*/*.fits"))
    others = sorted((shared_data / "tess_hlsp").glob("*/*.fits"))
    others = [file for file in others if "tess-spoc" in file.name or "qlp" in file.name]
    n_segment = 0
    for file in (*two_minute, *others):
        curve = read_any(file.name, file.read_bytes())
        segments = v1.extract(curve)
        for segment, (time, flux) in zip(segments, pieces(curve), strict=True):
            n_segment += 1
            np.testing.assert_allclose(segment.flux, spline_samples(time, flux), atol=WITHIN)
            expected = np.concatenate(
                [
                    gls_power(time, flux, np.ones_like(flux), 1 / part)
                    for part in np.split(PERIOD, 20)
                ]
            )
            np.testing.assert_allclose(segment.power, scaled(expected), atol=WITHIN)
    assert (len(two_minute), len(others)) == (49, 10)
    assert n_segment > len(two_minute) + len(others)


def test_weights_of_real_errors_agree_with_astropy(shared_data):
    file = next((shared_data / "tess").glob("s001/*117544915*.fits"))
    curve = spoc.read(file.read_bytes())
    used = curve.good & np.isfinite(curve.flux_err)
    time, flux, flux_err = curve.time[used], curve.flux[used], curve.flux_err[used]
    frequency = 1 / PERIOD[::25]
    power = fast_gls_power(time, flux, frequency, flux_err)
    from astropy.timeseries import LombScargle

    expected = LombScargle(time, flux, flux_err).power(frequency, method="slow")
    np.testing.assert_allclose(power, expected, atol=1e-7)


def _astropy(time, flux, some):
    from astropy.timeseries import LombScargle

    return LombScargle(time, flux).power(
        1 / PERIOD[some], method="cython", assume_regular_frequency=False
    )
