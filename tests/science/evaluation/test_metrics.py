import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from calnet_ops.science.evaluation.metrics import (
    average_precision,
    confusion,
    precision,
    recall,
    recall_by_type,
    specificity,
    wilson,
)


@pytest.fixture
def stars():
    rng = np.random.default_rng(11)
    is_eb = rng.random(300) < 0.4
    probability = np.round(np.clip(0.3 * is_eb + rng.random(300) * 0.7, 0, 1), 2)
    return is_eb, probability


def test_rates_count_what_they_say():
    counts = confusion([True, True, True, False, False], [True, True, False, True, False])
    assert recall(counts).value == pytest.approx(2 / 3)
    assert precision(counts).value == pytest.approx(2 / 3)
    assert specificity(counts).value == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("n_hit", "n", "low", "high"),
    # Wilson intervals of Brown, Cai & DasGupta 2001 and of statsmodels.proportion_confint
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (34, 40, 0.7093, 0.9294),
    ],
)
def test_intervals_are_those_of_wilson(n_hit, n, low, high):
    rate = wilson(n_hit, n)
    assert [rate.low, rate.high] == pytest.approx([low, high], abs=1e-4)


def test_no_cases_say_nothing():
    rate = wilson(0, 0)
    assert (rate.value, rate.low, rate.high, rate.n) == (0.0, 0.0, 1.0, 0)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    hits = rng.binomial(30, 0.9, 2000)
    held = [(rate := wilson(int(hit), 30)).low <= 0.9 <= rate.high for hit in hits]
    assert 0.93 < np.mean(held) < 0.98


def test_average_precision_agrees_with_scikit_learn(stars):
    assert average_precision(*stars) == pytest.approx(average_precision_score(*stars), abs=1e-12)


def test_average_precision_of_nothing_is_nothing():
    assert average_precision(np.zeros(3, bool), np.array([0.1, 0.2, 0.3])) == 0


def test_order_of_stars_does_not_matter(stars):
    is_eb, probability = stars
    assert average_precision(is_eb[::-1], probability[::-1]) == average_precision(*stars)


def test_each_type_has_its_recall():
    rates = recall_by_type(
        ["EA", "EA", "EW", "", ""],
        np.array([True, True, True, True, False]),
        np.array([True, False, True, True, True]),
    )
    assert {name: rate.value for name, rate in rates.items()} == {"EA": 0.5, "EW": 1.0}
