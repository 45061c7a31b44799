"""Segments shown in other ways: nothing that would make a binary another star."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.network.augment import add_noise, augment, change_length, cut_gaps
from calnet_ops.science.network.settings import DEMO, PUBLISHED


@pytest.fixture
def eclipsing():
    """Flux of 20 segments with narrow eclipses, 1 elsewhere, noise of 0.01."""
    rng = np.random.default_rng(2)
    phase = np.arange(4000) % 500
    flux = np.where(phase < 40, 0.1, 0.95) + rng.normal(0, 0.01, (20, 4000))
    return np.clip(flux, 0, 1).astype(np.float32)


def test_as_published_nothing_is_changed(eclipsing):
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(augment(eclipsing, PUBLISHED, rng), eclipsing)


def test_eclipses_never_point_upwards(eclipsing):
    everything = replace(DEMO, noise=0.05, gap_share=0.5)
    changed = augment(eclipsing, everything, np.random.default_rng(1))
    assert changed.shape == eclipsing.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    level = np.median(changed, axis=1)
    assert (level > (changed.min(axis=1) + changed.max(axis=1)) / 2).all()
    assert np.abs(changed - eclipsing).max() > 0.5


def test_a_gap_is_a_straight_line_and_the_rest_stays(eclipsing):
    chosen = np.arange(20) < 5
    cut = cut_gaps(eclipsing, chosen, np.random.default_rng(3))
    np.testing.assert_array_equal(cut[5:], eclipsing[5:])
    for before, after in zip(eclipsing[:5], cut[:5], strict=True):
        changed = np.flatnonzero(before != after)
        assert 0 < len(changed) <= 0.05 * 4000
        bridge = after[changed[0] : changed[-1] + 1].astype(float)
        np.testing.assert_allclose(np.diff(bridge, 2), 0, atol=1e-5)


def test_noise_grows_and_the_scale_stays(eclipsing):
    sigma = np.full(20, 0.05)
    noisy = add_noise(eclipsing, sigma, np.random.default_rng(4))
    np.testing.assert_allclose(noisy.min(axis=1), eclipsing.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(noisy.max(axis=1), eclipsing.max(axis=1), atol=1e-6)
    spread = np.std(noisy[:, 100:400], axis=1)
    assert (spread > 2.5 * np.std(eclipsing[:, 100:400], axis=1)).all()


def test_a_piece_is_stretched_to_all_samples_and_scaled_again():
    ramp = np.linspace(0, 1, 4000, dtype=np.float32)
    flux = np.stack([ramp, 1 - ramp, ramp**2])
    piece = change_length(flux, np.array([0.2, 0.1, 0.5]), np.array([0.6, 0.9, 0.5]))
    np.testing.assert_allclose(piece[:2], flux[:2], atol=1e-5)
    expected = ((0.5 + 0.5 * ramp) ** 2 - 0.25) / 0.75
    np.testing.assert_allclose(piece[2], expected, atol=1e-5)
    assert piece.dtype == np.float32


def test_beyond_its_end_a_segment_goes_on_as_its_mirror_image():
    flux = np.linspace(0, 1, 4000, dtype=np.float32)[None]
    (longer,) = change_length(flux, np.zeros(1), np.array([2.0]))
    np.testing.assert_allclose(longer[:2000], flux[0, ::2], atol=1e-3)
    np.testing.assert_allclose(longer, longer[::-1], atol=1e-3)


def test_a_piece_without_shape_stays_finite():
    piece = change_length(np.ones((1, 4000), np.float32), np.zeros(1), np.array([0.5]))
    assert np.isfinite(piece).all()
    assert np.ptp(piece) == 0


def test_a_whole_segment_is_left_as_it_is():
    flux = np.random.default_rng(1).random((3, 4000), np.float32)
    assert change_length(flux, np.zeros(3), np.ones(3)) is flux
