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
    return characterise([light_curve(flux + noise * rng.standard_normal(time.size), time)])


@pytest.mark.parametrize("period", [1.3, 2.7182, 5.1, 9.3])
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
    one, other = (characterise([light_curve(scale * flux, time)]) for scale in (1.0, 20.0))
    assert one.period == pytest.approx(other.period, rel=1e-9)


def test_single_eclipse_has_an_epoch_and_no_period(time, rng):
    late = (time - 2010) / 0.1
    flux = 1 - 0.2 * np.clip(1 - np.abs(late), 0, None)
    found = measure(flux, time, rng)
    assert np.isnan(found.period)
    assert not found.eb_type
    assert found.n_eclipse == 1
    assert abs(found.epoch - 2010) < 5 * found.epoch_err < 0.01
    assert found.depth_1 == pytest.approx(0.2, rel=0.05)
    assert found.duration_1 == pytest.approx(0.18, rel=0.1)


def test_noise_has_no_eclipse(time, rng):
    assert measure(np.ones_like(time), time, rng) is UNKNOWN


@pytest.mark.parametrize("period", [1.31, 3.3, 6.1])
def test_equal_eclipses_are_two_stars(period, time, rng):
    found = measure(dips(time, period, 0.25, 0.25), time, rng)
    assert found.period == pytest.approx(period, rel=1e-3)


@pytest.mark.parametrize("phase", [0.4, 0.27])
def test_secondary_of_an_eccentric_orbit_is_no_other_period(phase, time, rng):
    period = 4.2
    late = (time - EPOCH - phase * period + period / 2) % period - period / 2
    flux = dips(time, period, 0.3, 0.0) - 0.28 * np.clip(1 - np.abs(late) / 0.06, 0, None)
    found = measure(flux, time, rng)
    assert found.period == pytest.approx(period, rel=1e-3)
    assert found.depth_2 == pytest.approx(0.28, rel=0.1)


def test_spots_that_turn_with_another_period_do_not_give_theirs(time, rng):
    spots = 1 + 0.03 * np.sin(2 * np.pi * time / 2.69)
    found = measure(spots * dips(time, 2.64, 0.03, 0.008, width=0.1), time, rng, noise=5e-4)
    assert found.period == pytest.approx(2.64, rel=1e-3)
    assert found.eb_type == "EA"


@pytest.fixture
def far(time):
    """The same star two years later."""
    return time + 730.0


def test_sectors_years_apart_make_the_period_better(time, far, rng):
    period = 2.7182
    both = [
        light_curve(dips(t, period, 0.3, 0.1) + 1e-3 * rng.standard_normal(t.size), t)
        for t in (time, far)
    ]
    one, two = characterise(both[:1]), characterise(both)
    assert two.n_light_curve == 2
    assert two.period_err < one.period_err / 10
    assert abs(two.period - period) < 4 * two.period_err


def test_order_of_the_sectors_does_not_matter(time, far, rng):
    both = [
        light_curve(contact(t, 0.42) + 1e-3 * rng.standard_normal(t.size), t) for t in (time, far)
    ]
    assert characterise(both).period == characterise(both[::-1]).period


def test_period_longer_than_a_sector_is_found_in_two(time, rng):
    period = 21.0
    following = time + 27.5
    both = [
        light_curve(dips(t, period, 0.3, 0.1, width=0.4) + 1e-3 * rng.standard_normal(t.size), t)
        for t in (time, following)
    ]
    assert characterise(both).period == pytest.approx(period, rel=1e-3)


def test_each_eclipse_of_a_long_period_is_counted(time, far, rng):
    both = [
        light_curve(dips(t, 365.0 + 2, 0.3, 0.0) + 1e-3 * rng.standard_normal(t.size), t)
        for t in (time, far)
    ]
    found = characterise(both)
    assert np.isnan(found.period)
    assert found.n_eclipse == sum(bool(np.any(dips(t, 367.0, 0.3, 0.0) < 0.8)) for t in (time, far))


@pytest.mark.parametrize("n_cadence", [0, 1, 150])
def test_too_few_cadences_give_nothing(n_cadence, time):
    found = characterise([light_curve(np.ones(n_cadence), time[:n_cadence])])
    assert found is UNKNOWN


def test_constant_flux_gives_nothing(time):
    assert np.isnan(characterise([light_curve(np.ones_like(time), time)]).period)


@pytest.mark.parametrize(
    ("tic", "period"),
    [
        (117544915, 2.968452),
        (32150630, 1.492036),
        (425064757, 0.261540),
        # the catalog has half of it, but its eclipses come 2.90 and 2.82 d apart in turn
        (93000166, 2 * 2.857093),
        (219423316, 1.196878),
        (2234723, 2.462069),
    ],
)
def test_real_binary(tic, period, shared_data: Path):
    (file,) = (shared_data / "tess").glob(f"s*/*{tic:016d}*.fits")
    assert characterise([spoc.read(file.read_bytes())]).period == pytest.approx(period, rel=1e-3)


def test_simulated_binaries(simulated_sector):
    found = [
        characterise([spoc.read(file.read_bytes())]).period / row.period
        for file, row in zip(simulated_sector.files, simulated_sector.truth, strict=True)
        if row.is_eb
    ]
    assert found
    for ratio in found:
        assert min(abs(ratio - 1), abs(ratio - 2), abs(ratio - 0.5)) < 0.01
