import dataclasses
import time as clock

import numpy as np
import pytest

from calnet_ops.science.candidates.matches import (
    MATCH_RADIUS,
    PIXEL,
    RATIOS,
    Ephemerides,
    find_matches,
)


def sky(n_star, seed=3, width=None):
    """Binaries without anything in common, all over the sky or in a field `width` degrees wide."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360 if width is None else width, n_star)
    if width is None:
        dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n_star)))
    else:
        dec = rng.uniform(-width / 2, width / 2, n_star)
    period = np.exp(rng.normal(np.log(2.5), 1.2, n_star))
    n_eclipse = np.maximum(27 / period, 2.0)
    return Ephemerides(
        ra=ra,
        dec=dec,
        period=period,
        period_err=2e-4 * period,
        epoch=2000 + rng.uniform(0, 1, n_star) * period,
        epoch_err=np.full(n_star, np.nan),
        duration=0.08 * period,
        n_eclipse=n_eclipse,
    )


def couple(ratio=1.0, apart_arcsec=30.0, late=0.0, period=2.1, sectors_later=0.0):
    """Two stars with the same eclipses: period of the second so many times the first's."""
    n_cycle = round(sectors_later / period)
    return Ephemerides(
        ra=np.array([10.0, 10.0]),
        dec=np.array([0.0, apart_arcsec / 3600]),
        period=np.array([period, ratio * period * (1 + 5e-5)]),
        period_err=np.array([2e-4, 2e-4 * ratio]),
        epoch=np.array([2000.0, 2000.0 + n_cycle * period + late]),
        epoch_err=np.full(2, np.nan),
        duration=np.full(2, 0.15),
        n_eclipse=np.array([12.0, 12.0]),
    )


@pytest.mark.parametrize("width", [None, 20.0])
def test_binaries_without_anything_in_common_are_not_linked(width):
    """10,000 all over the sky, and 10,000 in the field of a camera: fewer than one in a hundred."""
    found = find_matches(sky(10_000, width=width))
    assert np.unique(found.pair).size < 100
    assert found.group.size == 10_000


@pytest.mark.parametrize("apart_pixel", [0.2, 1.0, 3.0])
def test_neighbours_with_the_same_eclipses_are_linked(apart_pixel):
    found = find_matches(couple(apart_arcsec=apart_pixel * PIXEL))
    assert found.pair.tolist() == [[0, 1]]
    assert found.group.tolist() == [0, 0]
    assert found.chance[0] < 1e-4


@pytest.mark.parametrize(("p", "q"), RATIOS)
def test_periods_may_be_as_small_integers(p, q):
    found = find_matches(couple(ratio=q / p))
    assert found.pair.tolist() == [[0, 1]]
    assert found.ratio.tolist() == [[p, q]]


def test_order_does_not_matter():
    stars = couple(ratio=2.0)
    turned = Ephemerides(*(getattr(stars, f.name)[::-1] for f in dataclasses.fields(stars)))
    assert find_matches(turned).chance == pytest.approx(find_matches(stars).chance)


def test_a_first_eclipse_may_be_another_ones_second():
    assert find_matches(couple(late=2.1 / 2)).pair.size


@pytest.mark.parametrize("late", [0.3, 0.7])
def test_the_same_period_at_another_time_is_another_binary(late):
    assert not find_matches(couple(late=late)).pair.size


def test_periods_that_differ_by_ten_sigma_are_two():
    stars = couple(ratio=1 + 0.02)
    assert not find_matches(stars).pair.size


def test_stars_far_apart_are_not_compared():
    assert not find_matches(couple(apart_arcsec=MATCH_RADIUS + 1)).pair.size


def test_a_year_later_the_same_eclipses_are_still_known():
    """If the period is known well enough to count the cycles."""
    stars = couple(sectors_later=365.0)
    exact = dataclasses.replace(
        stars, period=np.full(2, 2.1), period_err=np.full(2, 1e-6), duration=np.full(2, 0.01)
    )
    late = dataclasses.replace(exact, epoch=exact.epoch + np.array([0.0, 0.3]))
    assert find_matches(exact).pair.size
    assert not find_matches(late).pair.size


def test_an_epoch_that_nobody_can_predict_adds_no_evidence():
    stars = couple()
    later = couple(sectors_later=20_000.0)
    assert find_matches(later).chance[0] > 3 * find_matches(stars).chance[0]


def test_errors_of_epochs_are_used_where_they_are_given():
    stars = couple(late=0.03)
    sharp = dataclasses.replace(stars, epoch_err=np.full(2, 1e-4), duration=np.full(2, 0.02))
    assert find_matches(stars).pair.size
    assert not find_matches(sharp).pair.size


def test_a_chain_of_neighbours_is_one_group():
    one = couple()
    stars = Ephemerides(
        *(np.r_[getattr(one, f.name), getattr(one, f.name)[:1]] for f in dataclasses.fields(one))
    )
    stars.dec[2] = -150.0 / 3600
    assert find_matches(stars).group.tolist() == [0, 0, 0]


def test_stars_without_place_or_period_match_nothing():
    stars = couple()
    for name in ("ra", "period", "epoch"):
        lost = dataclasses.replace(stars, **{name: np.full(2, np.nan)})
        assert find_matches(lost).group.tolist() == [0, 1]
    nobody = Ephemerides(*(np.empty(0) for _ in dataclasses.fields(stars)))
    assert not find_matches(nobody).group.size


def test_twenty_thousand_candidates_take_no_second():
    stars = sky(20_000)
    began = clock.process_time()
    find_matches(stars)
    assert clock.process_time() - began < 1.0
