"""Single dips and repeated ones."""

import numpy as np
import pytest

from calnet_ops.science.candidates.dips import find_dips, repeated_dip
from calnet_ops.science.candidates.period import BIN_D


@pytest.fixture
def time():
    time = 1500 + BIN_D * np.arange(27 / BIN_D)
    return time[np.abs(time - 1513) > 0.6]


@pytest.fixture
def noise(time):
    return 1e-3 * np.random.default_rng(3).standard_normal(time.size)


def test_clearest_dip_comes_first(time, noise):
    flux = 1 + noise
    flux[np.abs(time - 1505) < 0.1] -= 0.01
    flux[np.abs(time - 1520) < 0.1] -= 0.02
    dips = find_dips(time, flux)
    assert [round(dip.time) for dip in dips] == [1520, 1505]
    assert dips[0].depth == pytest.approx(0.02, rel=0.2)


def test_ramp_beside_a_gap_is_no_dip(time, noise):
    ramp = 0.02 * np.exp(-np.abs(time - 1513.6) / 0.05)
    assert find_dips(time, 1 + noise - np.where(time > 1513, ramp, 0)) == []


def test_wave_is_no_repeated_dip(time, noise):
    wave = 1 + 0.01 * np.sin(2 * np.pi * time / 3.1)
    assert repeated_dip(time, wave + noise, 3.1)[0] == 0
    eclipses = np.abs((time / 3.1) % 1 - 0.5) < 0.02
    assert repeated_dip(time, 1 + noise - 0.01 * eclipses, 3.1)[0] > 10
