"""Intervals by group hold the truth, and are those of plain loops."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from calnet_ops.science.evaluation.bootstrap import (
    area_under_curve,
    curve_band,
    draw_groups,
    f1,
    reliability,
    share,
)
from calnet_ops.science.evaluation.metrics import precision_recall


def stars(n_star=400, seed=3, per_group=1):
    """Truth and probability of stars; those of a group are alike."""
    rng = np.random.default_rng(seed)
    n_group = n_star // per_group
    is_eb = np.repeat(rng.random(n_group) < 0.4, per_group)
    logit = np.repeat(rng.normal(np.where(is_eb[::per_group], 1.5, -1.5), 1.6), per_group)
    group = [f"g{number}" for number in np.repeat(np.arange(n_group), per_group)]
    return is_eb, 1 / (1 + np.exp(-logit)), group


def by_hand(draws, number):
    """A number of each draw, case by case."""
    return np.array([number(np.repeat(np.arange(len(draws.member)), times)) for times in
                     draws.count[:, draws.member].astype(int)])  # fmt: skip


def test_rates_and_areas_are_those_of_cases_written_out_again_and_again():
    is_eb, probability, group = stars(60)
    probability = np.round(probability, 1)  # ties
    called = probability >= 0.5
    draws = draw_groups(group, np.random.default_rng(1), 200)
    for rate, number in (
        (share(called, is_eb, draws), lambda row: called[row][is_eb[row]].mean()),
        (share(is_eb, called, draws), lambda row: is_eb[row][called[row]].mean()),
        (
            f1(is_eb, called, draws),
            lambda row: 2 * (is_eb & called)[row].sum() / (is_eb[row].sum() + called[row].sum()),
        ),
        (
            area_under_curve(is_eb, probability, draws),
            lambda row: average_precision_score(is_eb[row], probability[row]),
        ),
    ):
        drawn = by_hand(draws, number)
        assert [rate.low, rate.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=1e-6)
        assert rate.value == pytest.approx(number(np.arange(60)))


def test_ten_sectors_of_a_star_tell_no_more_than_one():
    once, often = (stars(200 * n, per_group=n) for n in (1, 10))
    rng = np.random.default_rng(2)
    one, many = (
        share(probability >= 0.5, is_eb, draw_groups(group, rng))
        for is_eb, probability, group in (once, often)
    )
    alone = share(
        often[1] >= 0.5, often[0], draw_groups([str(n) for n in range(len(often[0]))], rng)
    )
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)
    assert alone.high - alone.low < 0.5 * (many.high - many.low)


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(150):
        is_eb, probability, group = stars(300, seed, per_group=3)
        rate = share(
            probability >= 0.5, is_eb, draw_groups(group, np.random.default_rng(seed), 300)
        )
        held.append(rate.low <= 0.8257 <= rate.high)  # of a normal at 1.5 / 1.6
    assert 0.88 < np.mean(held) <= 0.99


def test_a_clean_sweep_has_an_interval_of_as_many_trials_as_groups():
    found = np.ones(40, bool)
    draws = draw_groups([f"g{number // 4}" for number in range(40)], np.random.default_rng(1))
    rate = share(found, found, draws)
    assert (rate.value, rate.high, rate.n) == (1.0, 1.0, 40)
    assert rate.low == pytest.approx(0.7225, abs=1e-4)  # Wilson's of 10 of 10
    assert share(~found, found, draws).high == pytest.approx(0.2775, abs=1e-4)
    truth = np.arange(40) % 2 == 1
    for sure in (f1(truth, truth, draws), area_under_curve(truth, truth.astype(float), draws)):
        assert (sure.value, sure.low) == (1.0, rate.low)


def test_no_cases_say_nothing():
    draws = draw_groups(["a", "b"], np.random.default_rng(1))
    nobody = np.zeros(2, bool)
    for rate in (
        share(nobody, nobody, draws),
        f1(nobody, nobody, draws),
        area_under_curve(nobody, np.array([0.1, 0.2]), draws),
    ):
        assert (rate.value, rate.low, rate.high) == (0.0, 0.0, 1.0)


def test_the_curve_is_the_stepped_one_and_lies_in_its_band():
    is_eb, probability, group = stars(300)
    at = np.linspace(0.05, 1, 20)
    draws = draw_groups(group, np.random.default_rng(1))
    middle, low, high = curve_band(is_eb, probability, at, draws)
    recall, precision = precision_recall(is_eb, probability)
    assert middle == pytest.approx([precision[recall >= r - 1e-9][0] for r in at])
    assert (low <= middle + 0.02).all()
    assert (middle <= high + 0.02).all()
    assert (high - low).mean() < 0.2


def test_probabilities_that_hold_have_no_more_error_than_chance_brings():
    rng = np.random.default_rng(4)
    said = rng.random(2000)
    is_eb = rng.random(2000) < said
    draws = draw_groups([str(number) for number in range(2000)], rng)
    good = reliability(is_eb, said, draws, rng)
    assert good.error.value == pytest.approx(good.by_chance, rel=0.5)
    assert sum(good.n) == 2000
    assert list(good.said) == sorted(good.said)
    sure = reliability(is_eb, np.where(said > 0.5, 0.99, 0.01), draws, rng)
    assert sure.error.low > 0.2 > 5 * sure.by_chance


def test_the_same_seed_gives_the_same_interval_whatever_the_names_of_groups():
    is_eb, probability, group = stars(100)
    other = [f"another {name}" for name in group]
    one, two = (
        area_under_curve(is_eb, probability, draw_groups(names, np.random.default_rng(9)))
        for names in (group, other)
    )
    assert one == two
