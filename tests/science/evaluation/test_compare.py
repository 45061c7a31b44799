"""Two models are compared on the same stars, group by group."""

import numpy as np
import pytest

from calnet_ops.science.evaluation.compare import compare
from tests.support.cases import make_cases


def found(stars, called, other):
    return {(one.rate, one.part): one for one in compare(stars, called, other)}


def test_the_same_model_is_no_better_and_no_worse():
    stars = make_cases(300)
    called = stars.probability >= 0.5
    for one in compare(stars, called, called):
        assert (one.value, one.low, one.high) == (0, 0, 0)


def test_differences_are_those_of_the_rates():
    stars = make_cases(400, quality=0.6)
    called, other = stars.probability >= 0.6, stars.probability >= 0.4
    one = found(stars, called, other)
    recalls = [mask[stars.is_eb].mean() for mask in (called, other)]
    precisions = [stars.is_eb[mask].mean() for mask in (called, other)]
    assert one["recall", ""].value == pytest.approx(recalls[0] - recalls[1])
    assert one["precision", ""].value == pytest.approx(precisions[0] - precisions[1])
    assert one["recall", ""].value < 0 < one["precision", ""].value


def test_what_both_find_hard_does_not_widen_the_interval():
    stars = make_cases(400, quality=0.4)
    called = stars.probability >= 0.5
    other = called.copy()
    other[np.flatnonzero(called & stars.is_eb)[:4]] = False
    paired = found(stars, called, other)["recall", ""]
    alone = np.sqrt(2 * 0.25 / stars.is_eb.sum())  # of two samples of their own, one sigma
    assert paired.high - paired.low < 2 * alone
    assert paired.low > 0


def test_stars_of_a_group_are_drawn_together():
    alone, together = make_cases(400, per_group=1), make_cases(400, per_group=20)
    called = alone.probability >= 0.5
    other = called & (np.arange(400) // 20 % 4 != 0)  # blind to every fourth group
    one, many = (found(stars, other, called)["recall", ""] for stars in (alone, together))
    assert one.value == many.value < -0.15
    assert many.high - many.low > 2 * (one.high - one.low)


def test_every_type_and_magnitude_is_compared_and_few_stars_are_said_to_be_few():
    stars = make_cases(400)
    called = stars.probability >= 0.5
    one = found(stars, called, called)
    assert {part for _, part in one} >= {"", "EA", "EB", "EW", "magnitude 10 to 11"}
    assert one["recall", "magnitude from 14"].enough
    stars = make_cases(40)
    few = found(stars, stars.is_eb, stars.is_eb)
    assert not few["recall", "EW"].enough
    assert few["recall", ""].enough


def test_who_calls_nothing_has_no_precision():
    stars = make_cases(100)
    nothing, called = np.zeros(100, bool), stars.probability >= 0.5
    assert found(stars, nothing, called)["precision", ""].high < -0.8
