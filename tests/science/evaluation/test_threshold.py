"""The threshold suits the validation stars and does not hang on one of them."""

import numpy as np
import pytest

from calnet_ops.errors import MissingInput
from calnet_ops.science.evaluation.threshold import HIGHEST, LOWEST, choose_threshold


def stars(n_star, seed=1, shift=2.5):
    """Truth and probability of stars that a fair model tells apart, mostly."""
    rng = np.random.default_rng(seed)
    is_eb = np.arange(n_star) < 0.4 * n_star
    logit = rng.normal(np.where(is_eb, shift, -shift), 1.5)
    return is_eb, 1 / (1 + np.exp(-logit))


def f1(is_eb, probability, threshold):
    called = probability >= threshold
    return 2 * (called & is_eb).sum() / (called.sum() + is_eb.sum())


def test_it_is_nearly_the_best_on_many_other_stars():
    is_eb, probability = stars(20_000, seed=99)
    best = max(f1(is_eb, probability, threshold) for threshold in np.linspace(0.02, 0.98, 97))
    for seed in range(20):
        chosen = choose_threshold(*stars(100, seed))
        assert f1(is_eb, probability, chosen) > best - 0.015


def test_one_odd_star_hardly_moves_it():
    is_eb, probability = stars(60)
    before = choose_threshold(is_eb, probability)
    odd = probability.copy()
    odd[np.argmin(is_eb)] = 0.97
    assert abs(choose_threshold(is_eb, odd) - before) < 0.1


def test_well_parted_stars_get_a_threshold_between_them():
    threshold = choose_threshold([True] * 5 + [False] * 5, [0.99] * 5 + [0.01] * 5)
    assert 0.3 < threshold < 0.7


def test_a_recall_asked_for_is_reached():
    is_eb, probability = stars(2000)
    threshold = choose_threshold(is_eb, probability, least_recall=0.97)
    assert (probability[is_eb] >= threshold).mean() >= 0.97
    assert threshold < choose_threshold(is_eb, probability, least_recall=0.9)


def test_a_recall_out_of_reach_gives_the_lowest_threshold():
    assert choose_threshold([True, False], [1e-5, 0.5], 0.9) == pytest.approx(LOWEST)


def test_it_stays_within_bounds():
    assert choose_threshold([True, False], [1.0, 0.999]) <= HIGHEST + 1e-9


@pytest.mark.parametrize("truth", [True, False])
def test_one_kind_of_star_is_not_enough(truth):
    with pytest.raises(MissingInput, match="some of both kinds"):
        choose_threshold([truth] * 3, [0.2, 0.5, 0.9])
