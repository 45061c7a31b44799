"""Periods of stars whose period is known."""

from pathlib import Path

import numpy as np
import pytest

from calnet_ops.science.candidates.ephemeris import UNKNOWN, Ephemeris, characterise
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve

EPOCH = 2001.3


def light_curve(flux, time) -> LightCurve:
    n = time.size
    nothing = np.full(n, np.nan)
    return LightCurve(
        tic=1, sector=1, cadence_s=120.0, time=time, flux=1e4 * flux, flux_err=np.ones(n),
        quality=np.zeros(n, np.int64), cadence_no=np.arange(n), background=nothing,
        centroid_col=nothing, centroid_row=nothing, camera=1, ccd=1, ra=1.0, dec=1.0, tmag=10.0,
        teff=6000.0, crowdsap=1.0, cdpp_1h=100.0, simulated=True,
    )  # fmt: skip


@pytest.fixture
def time():
    """A sector of 27 days with a gap of one."""
    time = 2000.0 + np.arange(0, 27.0, 120.0 / 86400.0)
    return time[np.abs(time - 2013.5) > 0.5]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def dips(time, period, depth_1, depth_2, width=0.12):
    """Two triangular eclipses a cycle, half a cycle apart, `width` days wide."""
    flux = np.ones_like(time)
    for epoch, depth in ((EPOCH, depth_1), (EPOCH + period / 2, depth_2)):
        late = (time - epoch + period / 2) % period - period / 2
        flux -= depth * np.clip(1 - np.abs(late) / (width / 2), 0, None)
    return flux


def contact(time, period, depth=0.4):
    """A sine of half the period, one minimum a little deeper."""
    angle = 2 * np.pi * (time - EPOCH) / period
    return 1 - depth / 2 * np.cos(2 * angle) - 0.02 * depth * np.cos(angle)


def measure(flux, time, rng, noise=1e-3) -> Ephemeris:
    return characterise(light_curve(flux + noise * rng.standard_normal(time.size), time))


@pytest.mark.parametrize("period", [0.9, 2.7182, 5.1, 9.3])
def test_detached_binary(period, time, rng):
    found = measure(dips(time, period, 0.3, 0.1), time, rng)
    assert found.period == pytest.approx(period, rel=1e-3)
    assert abs(found.period - period) < 5 * found.period_err
    assert found.depth_1 == pytest.approx(0.3, rel=0.1)
    assert found.depth_2 == pytest.approx(0.1, rel=0.15)
    assert found.duration_1 == pytest.approx(0.12, rel=0.2)
    assert found.eb_type == "EA"
    late = (found.epoch - EPOCH) / period
    assert abs(late - round(late)) * period < 0.01
    seen = np.unique(np.round((time - EPOCH) / period)[dips(time, period, 1, 0) < 0.7])
    assert found.n_eclipse == seen.size


@pytest.mark.parametrize("period", [0.2615, 0.42, 0.9])
def test_contact_binary_has_two_minima_a_cycle(period, time, rng):
    found = measure(contact(time, period), time, rng)
    assert found.period == pytest.approx(period, rel=1e-4)
    assert found.eb_type == "EW"


def test_alternating_depths_double_the_period(time, rng):
    found = measure(dips(time, 3.0, 0.20, 0.18), time, rng)
    assert found.period == pytest.approx(3.0, rel=1e-3)


def test_curve_has_its_deepest_point_at_phase_zero(time, rng):
    found = measure(dips(time, 2.7182, 0.3, 0.1), time, rng)
    assert found.curve.shape == (200,)
    assert np.median(found.curve) == pytest.approx(1.0)
    assert found.curve.argmin() in {0, 1, 199}


def test_spots_do_not_hide_shallow_eclipses(time, rng):
    spots = 1 + 0.01 * np.sin(2 * np.pi * time / 7.3) + 0.004 * np.cos(2 * np.pi * time / 4.1)
    found = measure(spots * dips(time, 2.2, 0.01, 0.0, width=0.15), time, rng, noise=5e-4)
    assert found.period == pytest.approx(2.2, rel=1e-2)


def test_zero_of_flux_does_not_matter(time, rng):
    flux = dips(time, 2.7182, 0.3, 0.1)
    one, other = (characterise(light_curve(scale * flux, time)) for scale in (1.0, 20.0))
    assert one.period == pytest.approx(other.period, rel=1e-9)


def test_single_eclipse_gives_no_period(time, rng):
    flux = np.where(np.abs(time - 2010) < 0.1, 0.8, 1.0)
    assert np.isnan(measure(flux, time, rng).period)


@pytest.mark.parametrize("n_cadence", [0, 1, 150])
def test_too_few_cadences_give_nothing(n_cadence, time):
    found = characterise(light_curve(np.ones(n_cadence), time[:n_cadence]))
    assert found is UNKNOWN


def test_constant_flux_gives_nothing(time):
    assert np.isnan(characterise(light_curve(np.ones_like(time), time)).period)


@pytest.mark.parametrize(
    ("tic", "period"), [(117544915, 2.96845), (32150630, 1.49204), (425064757, 0.26154)]
)
def test_real_binary(tic, period, shared_data: Path):
    (file,) = (shared_data / "tess").glob(f"s*/*{tic:016d}*.fits")
    assert characterise(spoc.read(file.read_bytes())).period == pytest.approx(period, rel=1e-3)


def test_simulated_binaries(simulated_sector):
    found = [
        characterise(spoc.read(file.read_bytes())).period / row.period
        for file, row in zip(simulated_sector.files, simulated_sector.truth, strict=True)
        if row.is_eb
    ]
    assert found
    for ratio in found:
        assert min(abs(ratio - 1), abs(ratio - 2), abs(ratio - 0.5)) < 0.01
