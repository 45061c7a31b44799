"""One stated rule from segments to a target."""

import numpy as np
import pytest

from calnet_ops.science.candidates.combine import combine_sectors, combine_segments, logit


@pytest.mark.parametrize("score", [0.01, 0.5, 0.873, 0.9999])
def test_one_segment_keeps_its_score(score):
    assert combine_segments([score]) == pytest.approx(score)


def test_segments_that_agree_do_not_make_each_other_surer():
    assert combine_segments([0.9, 0.9, 0.9]) == pytest.approx(0.9)


def test_opposite_segments_cancel():
    assert combine_segments([0.8, 0.2]) == pytest.approx(0.5)


def test_order_does_not_matter():
    scores = np.random.default_rng(1).random(5)
    assert combine_segments(scores) == pytest.approx(combine_segments(scores[::-1]))


def test_a_higher_score_never_lowers_the_probability():
    lower = np.array([0.3, 0.6, 0.2])
    for index in range(3):
        higher = lower.copy()
        higher[index] += 0.1
        assert combine_segments(higher) > combine_segments(lower)


def test_a_saturated_score_does_not_outvote_all_others():
    assert combine_segments([1.0, 0.02, 0.02, 0.02, 0.02]) < 0.5
    assert 0 < combine_segments([0.0]) < combine_segments([1.0]) < 1


def test_float32_scores_are_combined_in_float64():
    scores = np.array([0.25, 0.75], np.float32)
    assert combine_segments(scores) == pytest.approx(0.5, abs=1e-12)


def test_sectors_come_in_any_order_and_one_keeps_its_probability():
    probabilities = np.random.default_rng(2).random(6)
    shuffled = np.random.default_rng(3).permutation(probabilities)
    assert combine_sectors(probabilities) == pytest.approx(combine_sectors(shuffled), abs=1e-12)
    assert combine_sectors([0.37]) == pytest.approx(0.37)


def test_a_star_does_not_become_a_candidate_by_being_looked_at_often():
    quiet = [0.02] * 9
    assert combine_sectors([0.9, *quiet]) < 0.05
    assert combine_sectors([0.9] * 9 + [0.02]) > 0.75


def test_a_higher_probability_of_a_sector_never_lowers_that_of_the_star():
    assert combine_sectors([0.3, 0.7, 0.1]) < combine_sectors([0.3, 0.8, 0.1])


def test_logit_of_a_half_is_zero():
    assert logit(0.5) == 0
