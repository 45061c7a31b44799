import numpy as np
import pytest

from calnet_ops.simulator.binaries import Binary, binary_signal, draw_binary, eclipses, fold
from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.stars import draw_star

PAIR = Binary(
    period=3.0,
    r1=0.12,
    r2=0.08,
    q=0.7,
    surface_brightness=0.4,
    inclination=90.0,
    limb_1=(0.0, 0.0),
    limb_2=(0.0, 0.0),
)
"""Two plain discs seen edge-on: depths can be written down."""


def test_depths_of_plain_discs_follow_from_their_areas_and_brightness():
    disc_1, disc_2, shift = eclipses(PAIR, np.linspace(-0.5, 0.5, 2001))
    assert 1 - disc_1.min() == pytest.approx((0.08 / 0.12) ** 2, rel=1e-6)
    assert disc_2.min() == pytest.approx(0.0, abs=1e-6)  # the larger star hides all of it
    assert abs(shift) == pytest.approx(0.5)
    light_1 = 1 / (1 + 0.4 * (0.08 / 0.12) ** 2)
    folded = fold(PAIR)
    brightest = folded.flux.max()
    assert folded.depth_1 == pytest.approx(light_1 * (0.08 / 0.12) ** 2, abs=0.01)
    assert folded.depth_2 == pytest.approx(1 - light_1, abs=0.01)
    assert folded.flux[len(folded.flux) // 2] == pytest.approx(
        brightest * (1 - folded.depth_1), rel=1e-6
    )


def test_third_light_makes_eclipses_shallower():
    from dataclasses import replace

    diluted = fold(replace(PAIR, third_light=0.5))
    assert diluted.depth_1 == pytest.approx(0.5 * fold(PAIR).depth_1, rel=0.02)


def test_second_eclipse_of_an_eccentric_orbit_is_where_kepler_puts_it():
    from dataclasses import replace

    ecc, omega = 0.3, 20.0
    phase = np.linspace(-0.5, 0.5, 20001)
    tilted = replace(PAIR, eccentricity=ecc, omega=omega)
    _, disc_2, shift = eclipses(tilted, phase)
    middle = phase[disc_2 < disc_2.min() + 1e-6].mean()
    assert middle == pytest.approx(shift, abs=0.002)
    # first order in the eccentricity (e.g. Hilditch 2001, eq. 5.67)
    expected = 0.5 + 2 / np.pi * ecc * np.cos(np.radians(omega))
    assert (shift % 1) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "periods", "depths"),
    [
        (Kind.EA, (0.6, 11.0), (0.001, 0.75)),
        (Kind.EB, (0.4, 5.0), (0.02, 0.9)),
        (Kind.EW, (0.2, 0.9), (0.02, 0.75)),
    ],
)
def test_types_lie_where_the_sky_has_them(kind, periods, depths):
    rng = np.random.default_rng(3)
    star = draw_star(rng, 1, pointing_of(1), (5800, 6200))
    folded = []
    for _ in range(40):
        binary = draw_binary(rng, kind, star, longest=11.0)
        assert periods[0] <= binary.period <= periods[1]
        folded.append(fold(binary))
    assert all(one.depth_2 <= one.depth_1 <= depths[1] for one in folded)
    assert np.median([one.depth_1 for one in folded]) > depths[0]
    ratio = np.median([one.depth_2 / one.depth_1 for one in folded if one.depth_1 > 0.01])
    assert (ratio > 0.75) == (kind is Kind.EW)  # equal minima are the mark of contact binaries


def test_epoch_and_depth_of_truth_are_found_again_in_the_light():
    rng = np.random.default_rng(11)
    star = draw_star(rng, 1, pointing_of(1), (8000, 9000))
    time = np.arange(3000.0, 3027.0, 1 / 720)
    for kind in (Kind.EA, Kind.EB, Kind.EW):
        signal = binary_signal(rng, kind, star, time, longest=8.0, noise=1e-4)
        phase = ((time - signal.epoch) / signal.period + 0.5) % 1 - 0.5
        assert time[0] <= signal.epoch <= time[0] + signal.period
        deepest = signal.flux[np.abs(phase) < 0.003].min()
        assert deepest == pytest.approx(signal.flux.min(), rel=1e-3)
        assert 1 - deepest / signal.flux.max() == pytest.approx(signal.depth_1, rel=0.05)
