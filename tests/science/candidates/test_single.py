"""Eclipses without a period, and what only looks like one."""

import numpy as np
import pytest

from calnet_ops.science.candidates.sectors import Stretch
from calnet_ops.science.candidates.single import find_single

ECLIPSE = 1506.3


@pytest.fixture
def time():
    time = 1500 + np.arange(0, 26, 120 / 86400)
    return time[np.abs(time - 1513) > 0.6]


def _stretch(time, flux):
    noise = 5e-4 * np.random.default_rng(3).standard_normal(time.size)
    return Stretch(time, flux + noise)


def _eclipse(time):
    return 0.03 * np.clip(2 - np.abs(time - ECLIPSE) / 0.06, 0, 1)


def _ramps(time, height):
    """Scattered light at the beginning and the end of each orbit."""
    flux = np.ones_like(time)
    for low, high in ((1500, 1512.4), (1513.6, 1526)):
        here = (time >= low) & (time <= high)
        for away in (time[here] - low, high - time[here]):
            flux[here] += height * np.exp(-away / 0.4)
    return flux


def test_a_lone_eclipse_is_found(time):
    seen = find_single([_stretch(time, 1 - _eclipse(time))])
    assert seen is not None
    assert seen.epoch == pytest.approx(ECLIPSE, abs=0.005)
    assert seen.minimum.depth == pytest.approx(0.03, rel=0.1)


@pytest.mark.parametrize("height", [-0.03, 0.03])
def test_ramps_are_no_eclipses(time, height):
    assert find_single([_stretch(time, _ramps(time, height))]) is None


@pytest.mark.parametrize("height", [-0.03, 0.03])
def test_an_eclipse_among_ramps_is_found(time, height):
    seen = find_single([_stretch(time, _ramps(time, height) - _eclipse(time))])
    assert seen is not None
    assert seen.epoch == pytest.approx(ECLIPSE, abs=0.01)


def test_an_eclipse_of_a_spotted_star_is_found(time):
    spots = 0.01 * np.sin(2 * np.pi * (time - 1500) / 6)
    seen = find_single([_stretch(time, 1 + spots - _eclipse(time))])
    assert seen is not None
    assert seen.epoch == pytest.approx(ECLIPSE, abs=0.01)
