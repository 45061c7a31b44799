"""The fit of one minimum."""

import numpy as np
import pytest

from calnet_ops.science.candidates.minimum import (
    EDGE,
    Minimum,
    _derivatives,
    fit_minimum,
    profile,
    profile_width,
)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 4.0])
def test_width_is_where_a_tenth_of_the_depth_is_left(gamma):
    width = profile_width(0.02, gamma)
    assert profile(np.array([width / 2]), 0.02, gamma)[0] == pytest.approx(EDGE, rel=1e-9)


def test_derivatives_are_those_of_the_profile():
    x = np.linspace(-1, 1, 11) + 0.013
    p = np.array([0.03, -1.0, 0.4, 0.3, 0.01, 0.02])

    def model(p):
        inside = 1 - p[3] * profile(x - p[0], np.exp(p[1]), np.exp(p[2]))
        return (1 + p[4] + p[5] * x) * inside

    for i, step in enumerate(1e-6 * np.eye(6)):
        expected = (model(p + step) - model(p - step)) / 2e-6
        np.testing.assert_allclose(_derivatives(x, p)[:, i], expected, atol=1e-7)


def test_errors_cover_what_noise_does():
    rng = np.random.default_rng(5)
    phase = np.sort(rng.uniform(0, 1, 4000))
    away = (phase - 0.4 + 0.5) % 1 - 0.5
    quiet = 1 - 0.2 * profile(away, 0.012, 1.3)
    seen = Minimum(0.401, 0.18, 0.05)
    found = [
        fit_minimum(
            phase,
            quiet + 0.004 * rng.standard_normal(phase.size),
            seen,
            noise=0.004,
            level=1.0,
            reach=0.07,
        )
        for _ in range(60)
    ]
    for name, true in (
        ("phase", 0.4),
        ("depth", 0.2),
        ("width", profile_width(0.012, 1.3)),
    ):
        z = [(getattr(one, name) - true) / getattr(one, f"{name}_err") for one in found]
        assert 0.6 < np.std(z) < 1.6
        assert abs(np.mean(z)) < 0.6


def test_too_few_bins_leave_what_was_seen():
    seen = Minimum(0.5, 0.1, 0.02)
    phase = np.array([0.1, 0.499, 0.501])
    assert fit_minimum(phase, np.ones(3), seen, noise=0.1, level=1.0, reach=0.03) is seen
