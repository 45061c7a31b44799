"""Stars as real ones taught: restless, of all magnitudes, and with shallow eclipses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.lifelike import (
    HEATED_SHARE,
    LEAST_SIGNAL,
    RESTLESS_AMPLITUDE,
    SHALLOWEST,
    Lifelike,
    any_brightness,
    heated,
    restless,
    shallower,
)
from calnet_ops.simulator.photometry import white_noise
from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.sectors import NOTHING_LEARNED, Job, light_curve
from calnet_ops.simulator.signals import Kind, Signal
from calnet_ops.simulator.stars import draw_star, own_tic

TIME = 2000 + np.arange(0, 27, 1 / 720)
JOB = Job(Path(), 87, own_tic(87, 0), Kind.EA, seed=5, compact=True)


@pytest.fixture
def star():
    return draw_star(np.random.default_rng(1), 5, pointing_of(87), (5000, 6000))


def scatter(job):
    curve = spoc.read(light_curve(job)[1])
    flux = curve.flux[curve.good]
    return np.std(flux) / np.median(flux)


def test_by_default_nothing_has_changed_and_lifelike_stars_differ():
    plain, nothing, alive = (
        light_curve(replace(JOB, lifelike=life))[1] for life in (None, NOTHING_LEARNED, Lifelike())
    )
    assert plain == nothing
    assert plain != alive
    assert alive == light_curve(replace(JOB, lifelike=Lifelike()))[1]
    assert spoc.read(alive).simulated


def test_most_stars_wander_by_what_was_asked_for():
    drawn = [restless(np.random.default_rng(k), TIME) for k in range(300)]
    spread = np.array([np.std(flux) for flux in drawn])
    assert np.mean(spread > 0) == pytest.approx(0.6, abs=0.1)
    low, high = RESTLESS_AMPLITUDE
    assert spread[spread > 0].min() > low / 3
    assert spread.max() < high * 2
    assert np.median([flux.mean() for flux in drawn]) == pytest.approx(1, abs=1e-3)


def test_a_constant_star_becomes_restless():
    jobs = [replace(JOB, tic=own_tic(87, k), kind=Kind.CONSTANT) for k in range(12)]
    only = Lifelike(brightness=False, shallow=False, heated=False)
    grown = [scatter(replace(job, lifelike=only)) / scatter(job) for job in jobs]
    assert max(grown) > 1.5
    assert min(grown) > 0.9


def test_a_shallow_binary_has_the_depth_it_is_said_to_have(star):
    phase = (TIME / 2 + 0.5) % 1 - 0.5
    flux = 1 - 0.4 * np.exp(-((phase / 0.02) ** 2)) - 0.1 * np.exp(-(((phase + 0.4) / 0.02) ** 2))
    deep = Signal(flux, period=2.0, epoch=2000.0, depth_1=0.4, depth_2=0.1, duration_1=0.1)
    made = [shallower(np.random.default_rng(k), deep, star) for k in range(60)]
    for one in made:
        lowest = 1 - one.flux.min() / one.flux.max()
        assert lowest == pytest.approx(one.depth_1, rel=1e-3)
        assert one.depth_2 / one.depth_1 == pytest.approx(0.25)
    depths = np.array([one.depth_1 for one in made])
    assert np.mean(depths < 0.4) == pytest.approx(0.5, abs=0.25)
    noise = white_noise(star.tmag, star.crowdsap)
    least = max(SHALLOWEST, LEAST_SIGNAL * noise / np.sqrt(len(TIME) * 0.05))
    assert depths.min() >= least * 0.999
    too_deep = replace(deep, depth_1=least / 2)
    assert shallower(np.random.default_rng(0), too_deep, star) == too_deep


def test_a_heated_companion_is_brightest_beside_its_own_eclipse():
    drawn = [heated(np.random.default_rng(k), TIME) for k in range(200)]
    made = [one for one in drawn if one is not None]
    assert len(made) == pytest.approx(200 * HEATED_SHARE, abs=8)
    for one in made:
        phase = ((TIME - one.epoch) / one.period + 0.5) % 1 - 0.5
        quarter = one.flux[np.abs(np.abs(phase) - 0.25) < 0.01].mean()
        assert one.flux[np.abs(phase) < 0.01].min() < quarter
        assert one.flux[np.abs(phase) > 0.3].max() > quarter
        assert 1 - one.flux.min() / one.flux.max() == pytest.approx(one.depth_1, rel=0.1)


def test_magnitudes_reach_further(star):
    magnitudes = [any_brightness(np.random.default_rng(k), star).tmag for k in range(400)]
    assert min(magnitudes) < 5
    assert max(magnitudes) > 14
