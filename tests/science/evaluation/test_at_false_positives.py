"""Recall at a share of false positives, with intervals by base star."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.evaluation.at_false_positives import MadeStars, recall_at, recalls
from calnet_ops.science.evaluation.metrics import wilson


def made(probability_of_binaries, n_base=10, n_each=40):
    """Half of each base star's stars are binaries; the others score 0 to 0.5."""
    rng = np.random.default_rng(3)
    base = np.repeat(np.arange(n_base), n_each)
    is_eb = np.tile(np.arange(n_each) % 2 == 0, n_base)
    others = rng.uniform(0, 0.5, len(base))
    return MadeStars(
        base=base,
        kind=np.where(is_eb, np.where(base % 2, "EA", "EW"), "quiet"),
        is_eb=is_eb,
        period=np.where(is_eb, 1.5, np.nan),
        depth=np.where(is_eb, 0.02, np.nan),
        tmag=np.full(len(base), 11.0),
        probability=np.where(is_eb, probability_of_binaries(base), others),
    )


def test_of_stars_that_part_all_are_found():
    found = recalls(made(lambda base: 0.9 + 0 * base))
    assert set(found) == {"1%", "0.5%"}
    everything = found["1%"]["all"]["all"]
    # ten base stars of which all is found may be luck
    assert (everything.value, everything.high, everything.n) == (1.0, 1.0, 200)
    assert everything.low == pytest.approx(wilson(10, 10).low)
    assert set(found["1%"]["depth"]) == {"0.01 to 0.03"}
    assert set(found["1%"]["period"]) == {"1 to 3"}
    assert set(found["1%"]["tmag"]) == {"10.5 to 12"}


def test_what_is_missed_on_some_base_stars_widens_the_interval_by_base_star():
    found = recalls(made(lambda base: np.where(base < 5, 0.9, 0.1)))["1%"]
    everything = found["all"]["all"]
    assert everything.value == pytest.approx(0.5)
    # by base star: a binomial of 10; star by star it would be 0.43 to 0.57
    assert everything.low <= 0.25
    assert everything.high >= 0.75


def test_the_threshold_leaves_the_share_of_others_above():
    is_eb = np.arange(300) < 100
    probability = np.where(is_eb, 0.5, np.linspace(0, 1, 300))
    assert recall_at(is_eb, probability, 0.01) == 0
    probability = np.where(is_eb, 0.995, np.linspace(0, 1, 300))
    assert recall_at(is_eb, probability, 0.01) == 1


def test_some_base_stars_may_lack_others_or_be_alone():
    """A draw may then hold binaries alone; and draws of a single star all say the same."""
    some = made(lambda base: 0.9 + 0 * base, n_base=3)
    kept = some.is_eb | (some.base == 0)
    lacking = replace(some, **{name: value[kept] for name, value in vars(some).items()})
    assert recalls(lacking)["1%"]["all"]["all"].value == 1
    alone = made(lambda base: np.where(np.arange(len(base)) % 4, 0.1, 0.9), n_base=1)
    found = recalls(alone)["1%"]["all"]["all"]
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_without_binaries_there_is_nothing_to_tell():
    some = made(lambda base: 0.9 + 0 * base)
    assert recalls(replace(some, is_eb=np.zeros_like(some.is_eb))) == {}
