"""Photocentres in eclipse: scenes by formula, and real stars."""

import dataclasses

import numpy as np
import pytest

from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.candidates.photocentre import (
    Photocentre,
    Timing,
    measure_photocentre,
)
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.centroids import Centroids, read_centroids
from calnet_ops.science.lightcurve.light_curve import LightCurve
from tests.support.light_curves import light_curve

TIMING = Timing(period=1.7, epoch=3672.35, duration_1=0.17, duration_2=0.17)
SOURCE = np.array([0.9, -0.6])
"""From the photocentre outside eclipse [pixel]."""


def dips(time, timing=TIMING, depth_2=0.3):
    """Share of its own light that a source loses: two round eclipses, the second shallower."""
    phase = (time - timing.epoch) / timing.period
    shape = lambda x: np.exp(-((((x + 0.5) % 1 - 0.5) / 0.02) ** 2))  # noqa: E731
    return shape(phase) + depth_2 * shape(phase - 0.5)


def scene(
    depth=0.1, noise=1e-3, centroid_noise=1e-3, crowdsap=1.0, motion=0.0, drift=0.0, seed=5,
    source=SOURCE, n_cadence=16_000, offset=0.0,
) -> tuple[LightCurve, Centroids]:  # fmt: skip
    """Light curve and centroids in which `source` loses the share `depth` of all the light."""
    rng = np.random.default_rng(seed)
    time = 3660.1 + np.arange(n_cadence) / 720
    lost = depth * dips(time)
    flux = 1e4 * (1 - lost / crowdsap + noise * rng.standard_normal(n_cadence))
    centroid = 500.0 - np.outer(source, lost / (1 - lost))
    jitter = motion * rng.standard_normal((2, n_cadence))
    centroid += 0.8 * jitter + drift * np.sin((time - time[0]) / 2)
    centroid += centroid_noise * rng.standard_normal((2, n_cadence)) + offset
    curve = dataclasses.replace(light_curve(time, flux), crowdsap=crowdsap)
    turn = np.array([[-21.0, 0.0], [0.0, 21.0]])
    errors = np.full((2, n_cadence), centroid_noise)
    return curve, Centroids(centroid, errors, jitter, np.full(2, 500.0), turn)


def pull(found: Photocentre):
    """Distance of the found from the true source in units of the error (2,)."""
    return (found.source - SOURCE) / found.source_err


def test_the_source_is_found_where_it_is():
    found = measure_photocentre(*scene(), TIMING)
    np.testing.assert_allclose(found.source, SOURCE, atol=0.02)
    assert found.primary.n_eclipse >= 12
    assert found.primary.significance > 100


def test_the_photocentre_moves_away_from_what_is_eclipsed():
    """By depth / (1 - depth) times the offset, in both eclipses."""
    found = measure_photocentre(*scene(depth=0.1), TIMING)
    np.testing.assert_allclose(found.primary.moved, -SOURCE * 0.1 / 0.9, rtol=0.04)
    np.testing.assert_allclose(found.secondary.moved, -SOURCE * 0.03 / 0.97, rtol=0.1)


def test_no_shift_is_no_detection():
    found = measure_photocentre(*scene(source=np.zeros(2)), TIMING)
    assert found.primary.significance < 4
    assert np.abs(found.source / found.source_err).max() < 4


@pytest.mark.parametrize("change", [{"motion": 0.004}, {"drift": 0.03}, {"offset": 30.0}])
def test_pointing_drifts_and_the_zero_of_pixels_do_not_matter(change):
    still = measure_photocentre(*scene(), TIMING)
    moved = measure_photocentre(*scene(**change), TIMING)
    np.testing.assert_allclose(moved.source, still.source, atol=4 * still.source_err.max())
    assert moved.source_err.max() < 1.5 * still.source_err.max()


def test_crowding_that_pdc_took_off_is_put_back():
    """PDCSAP shows an eclipse of a crowded star deeper than the aperture does."""
    found = measure_photocentre(*scene(crowdsap=0.5), TIMING)
    np.testing.assert_allclose(found.source, SOURCE, atol=0.03)


def test_errors_are_as_large_as_they_say():
    """Of forty scenes with shallow eclipses."""
    pulls = np.array(
        [
            pull(measure_photocentre(*scene(depth=0.005, seed=seed, n_cadence=6000), TIMING))
            for seed in range(40)
        ]
    )
    assert 0.7 < np.sqrt((pulls**2).mean()) < 1.4
    assert np.mean(np.abs(pulls) < 2) > 0.85


def test_a_wandering_spacecraft_makes_larger_errors():
    """Scatter from eclipse to eclipse counts where it is more than that of cadences."""
    curve, centroids = scene(source=np.zeros(2))
    rng = np.random.default_rng(2)
    cycle = np.rint((curve.time - TIMING.epoch) / TIMING.period).astype(int)
    wander = 0.02 * rng.standard_normal((2, np.ptp(cycle) + 1))[:, cycle - cycle.min()]
    shaken = dataclasses.replace(centroids, centroid=centroids.centroid + wander * dips(curve.time))
    calm = measure_photocentre(curve, centroids, TIMING)
    found = measure_photocentre(curve, shaken, TIMING)
    assert (found.source_err > 2 * calm.source_err).all()


@pytest.mark.parametrize(
    "timing",
    [
        dataclasses.replace(TIMING, period=np.nan),
        dataclasses.replace(TIMING, epoch=np.nan),
        dataclasses.replace(TIMING, duration_1=np.nan),
    ],
)
def test_without_an_ephemeris_nothing_is_said(timing):
    found = measure_photocentre(*scene(n_cadence=2000), timing)
    assert np.isnan(found.source).all()
    assert found.primary.n_eclipse == 0


def test_without_a_second_eclipse_the_first_speaks_alone():
    found = measure_photocentre(*scene(), dataclasses.replace(TIMING, duration_2=np.nan))
    assert found.secondary.n_eclipse == 0
    np.testing.assert_allclose(found.source, SOURCE, atol=0.02)


def test_centroids_that_are_all_missing_say_nothing():
    curve, centroids = scene(n_cadence=2000)
    lost = dataclasses.replace(centroids, centroid=np.full_like(centroids.centroid, np.nan))
    assert np.isnan(measure_photocentre(curve, lost, TIMING).source).all()


@pytest.mark.parametrize("tic", [32150630, 117544915, 425064757, 219423316, 2234723])
def test_real_binaries_are_eclipsed_at_their_photocentre(shared_data, tic):
    """Within 0.1 pixel, 2 arcsec, although some of their shifts are of 200 sigma."""
    body = next((shared_data / "tess").rglob(f"*{tic:016d}*.fits")).read_bytes()
    curve = spoc.read(body)
    found = characterise([curve])
    timing = Timing(found.period, found.epoch, found.duration_1, found.duration_2)
    place = measure_photocentre(curve, read_centroids(body), timing)
    assert np.abs(place.source).max() < 0.1
