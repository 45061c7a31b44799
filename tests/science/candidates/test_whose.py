import dataclasses

import numpy as np
import pytest

from calnet_ops.science.candidates.whose import (
    BLEED_ERR,
    OTHER_ODDS,
    PULL_FLOOR,
    WORLD_ERR,
    WORLD_ERR_TIED,
    Places,
    join_sectors,
    judge,
    offset_length,
    place_sources,
    smallest_members,
)

PIXEL = 21.0


def places(*offsets, error=1.0, systematic=1.0):
    """Eclipsed sources so many arcsec east and north of their targets."""
    offset = np.array(offsets, float).reshape(-1, 2)
    return Places(offset, np.full(offset.shape, error), np.full(len(offset), systematic))


def verdict(found, dip=(100.0,), apart=0.0, lost=0.01, crowdsap=0.9, grouped=True):
    """One star, or two of which the second lies `apart` arcsec north of the first."""
    n = len(found.offset)
    dec = np.array([0.0, apart / 3600])[:n]
    group = np.zeros(n, int) if grouped else np.arange(n)
    return judge(
        found, np.full(n, 10.0), dec, group, np.array(dip, float), np.full(n, lost),
        np.full(n, crowdsap),
    )  # fmt: skip


def test_a_source_at_the_target_is_the_target():
    found = verdict(places((0.5, -0.5)))
    assert found.on_target[0] > 0.99
    assert found.source.tolist() == [0]


def test_a_source_elsewhere_is_not():
    found = verdict(places((10.0, 8.0)))
    assert found.on_target[0] < 0.01
    assert found.source.tolist() == [-1]


def test_a_source_without_a_place_has_the_odds_of_nothing_measured():
    found = verdict(places((np.nan, np.nan)))
    assert found.on_target[0] == pytest.approx(1 / (1 + OTHER_ODDS))


def test_an_eclipse_that_no_other_light_can_lose_is_more_likely_the_targets():
    plain, deep = (verdict(places((np.nan, np.nan)), lost=lost) for lost in (0.01, 0.5))
    assert deep.on_target[0] > plain.on_target[0]


def test_probability_falls_with_the_offset():
    falling = [verdict(places((offset, 0.0))).on_target[0] for offset in range(0, 30, 3)]
    assert (np.diff(falling) <= 0).all()


def test_of_two_with_the_same_eclipses_the_place_decides():
    """Both light curves say that the source is 18 arcsec north of the first: the second star."""
    found = verdict(places((0, 18), (0, 0)), dip=(100, 100), apart=18)
    assert found.on_target[0] < 0.01
    assert found.on_target[1] > 0.99
    assert found.source.tolist() == [1, 1]


def test_where_places_are_unknown_the_larger_loss_of_light_decides():
    nowhere = places((np.nan, np.nan), (np.nan, np.nan))
    found = verdict(nowhere, dip=(100, 40), apart=18)
    assert found.on_target[0] > 0.85
    assert found.source.tolist() == [0, 0]


def test_two_that_cannot_be_told_apart_share_the_probability():
    found = verdict(places((0, 0.1), (0, -0.1), systematic=3.0), dip=(100, 100), apart=0.2)
    assert found.on_target == pytest.approx([0.5, 0.5], abs=0.06)


def test_a_third_star_may_be_the_source_for_both():
    found = verdict(places((25, 9), (25, -9)), dip=(100, 100), apart=18)
    assert (found.on_target < 0.05).all()
    assert found.source.tolist() == [-1, -1]


def test_probabilities_of_a_group_leave_room_for_others():
    found = verdict(places((0, 9), (0, -9)), dip=(100, 100), apart=18)
    assert found.on_target.sum() <= 1.0


def test_stars_of_other_groups_do_not_matter():
    both = places((0, 18), (0, 0))
    found = verdict(both, dip=(100, 100), apart=18, grouped=False)
    assert found.on_target[0] < 0.1
    assert found.source.tolist() == [-1, 1]


def place(target, share, flux=1e4, ccd=None, source=(0.5, 0.0)):
    n = len(target)
    return place_sources(
        np.tile(source, (n, 1)), np.full((n, 2), 0.01), np.array(target, float),
        np.tile(PIXEL * np.eye(2), (n, 1, 1)), np.full(n, share), np.full(n, flux),
        np.arange(n) if ccd is None else np.full(n, ccd),
    )  # fmt: skip


def test_a_lone_star_is_at_its_photocentre():
    found = place([(0.2, 0.2)], share=1.0)
    np.testing.assert_allclose(found.offset, [(PIXEL * 0.5, 0.0)], atol=0.2)
    assert found.systematic[0] == pytest.approx(PIXEL * PULL_FLOOR, rel=0.05)


def test_a_crowded_star_is_where_the_header_says():
    found = place([(0.5, 0.0)], share=0.3)
    assert found.offset[0, 0] == pytest.approx(PIXEL * 0.5 * (1 - 0.887), abs=0.1)
    assert PIXEL * 0.9 * WORLD_ERR < found.systematic[0] < PIXEL * WORLD_ERR


def test_without_world_coordinates_crowding_is_the_error():
    found = place([(np.nan, np.nan)], share=0.5)
    assert found.systematic[0] == pytest.approx(PIXEL * 0.4)


def test_what_all_stars_of_a_ccd_share_is_taken_off():
    target = [(0.2 + 0.001 * i, -0.3) for i in range(8)]
    tied = place(target, share=0.92, ccd=11, source=(0.0, 0.0))
    alone = place(target, share=0.92, source=(0.0, 0.0))
    assert np.abs(tied.offset).max() < 0.1
    assert np.abs(alone.offset).min() > 0.1
    assert (tied.systematic < PIXEL * WORLD_ERR_TIED).all()


def test_the_brightest_stars_are_hardly_placed():
    assert place([(0, 0)], share=1.0, flux=5e6).systematic[0] == PIXEL * BLEED_ERR


def test_sectors_join_and_the_error_of_the_target_stays():
    every = places((3, 0), (5, 0), (np.nan, 0), (9, 9), error=2.0, systematic=1.0)
    found = join_sectors(every, np.array([0, 0, 0, 1]), 3)
    np.testing.assert_allclose(found.offset[:2], [(4, 0), (9, 9)])
    np.testing.assert_allclose(found.error[0], 2.0 / np.sqrt(2))
    assert found.systematic[0] == 1.0
    assert np.isnan(found.offset[2]).all()


def test_length_has_the_error_along_it():
    found = dataclasses.replace(places((3, 4)), error=np.array([[0.0, 1.0]]))
    length, error, sigma = offset_length(found)
    assert length[0] == pytest.approx(5.0)
    assert error[0] == pytest.approx(np.sqrt((0.6**2) * 1.0 + (0.8**2) * 2.0))
    assert sigma[0] == pytest.approx(np.sqrt(9 / 1 + 16 / 2))


def test_a_group_is_called_by_its_smallest_number():
    assert smallest_members([50, 7, 9, 3], np.array([0, 0, 2, 0])) == [3, 3, 9, 3]
