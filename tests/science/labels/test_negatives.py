from collections import Counter

import numpy as np
import pytest

from calnet_ops.science.labels.negatives import (
    N_MAGNITUDE,
    VARIABILITY,
    Population,
    near_any,
    sample_negatives,
    strata,
)


@pytest.fixture
def population():
    rng = np.random.default_rng(3)
    return Population(range(1000, 3000), rng.normal(11, 2, 2000), rng.lognormal(size=2000))


def test_every_class_of_brightness_and_variability_gives_as_many(population):
    sample = sample_negatives(population, population.tic, 200)
    of = dict(zip(population.tic, strata(population), strict=True))
    counts = Counter(of[tic] for tic in sample)
    assert len(sample) == len(set(sample)) == 200
    assert len(counts) == N_MAGNITUDE * (len(VARIABILITY) + 1)
    assert set(counts.values()) == {10}


def test_classes_part_the_bright_from_the_faint_and_the_quiet_from_the_variable(population):
    classes = np.array(strata(population))
    bright, faint = (population.tmag[classes[:, 0] == number] for number in (0, N_MAGNITUDE - 1))
    assert bright.max() < faint.min()
    in_one = classes[:, 0] == 2
    quiet, loud = (population.variability[in_one & (classes[:, 1] == k)] for k in (0, 3))
    assert quiet.max() < loud.min()
    assert len(quiet) > 4 * len(loud)


def test_more_wanted_takes_nobody_out(population):
    sample = sample_negatives(population, population.tic, 300)
    assert sample_negatives(population, population.tic, 120) == sample[:120]
    assert sample_negatives(population, population.tic, 0) == []
    assert sample_negatives(population, population.tic, -3) == []
    assert len(sample_negatives(population, population.tic, 10**6)) == 2000


def test_a_star_that_gets_a_label_is_replaced_and_the_others_stay(population):
    sample = sample_negatives(population, population.tic, 200)
    labelled = set(sample[:20])
    again = sample_negatives(population, set(population.tic) - labelled, 200)
    assert not labelled & set(again)
    assert len(set(sample) & set(again)) >= 160


def test_the_order_of_stars_does_not_matter(population):
    tics, *numbers = population
    backwards = Population(list(reversed(tics)), *(column[::-1] for column in numbers))
    assert sample_negatives(backwards, population.tic, 90) == sample_negatives(
        population, population.tic, 90
    )


def test_unknown_numbers_are_a_class_and_no_error():
    nothing = np.full(3, np.nan)
    sample = sample_negatives(Population([1, 2, 3], nothing, nothing), {1, 2, 3}, 2)
    assert len(sample) == 2


def test_places_next_to_a_binary_are_known():
    ra, dec = np.array([0.001, 10.0, 10.0]), np.array([0.0, 20.0, 20.0 + 70 / 3600])
    near = near_any(ra, dec, np.array([359.999, 10.0]), np.array([0.0, 20.0]))
    assert near.tolist() == [True, True, False]
    assert near_any(ra, dec, np.empty(0), np.empty(0)).tolist() == [False] * 3
