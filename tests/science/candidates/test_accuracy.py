"""Rates over simulated binaries: a fall of any of them is a fault.

Small samples, so the bounds are wider than what is measured on hundreds (`docs/candidates.md`).
"""

import numpy as np
import pytest

from tests.support.binaries import simulate_binaries
from tests.support.ephemerides import compare, coverage, seen_twice, share

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def compared():
    return seen_twice(compare(simulate_binaries(["EA", "EA", "EB", "EW"] * 15, seed=42)))


def test_periods_are_right(compared):
    assert share(compared, lambda one: one.is_right) >= 0.95


def test_few_periods_are_half_or_double(compared):
    assert share(compared, lambda one: one.is_half or one.is_double) <= 0.03


def test_types_are_right(compared):
    assert share(compared, lambda one: one.found.eb_type == one.truth.kind) >= 0.88


def test_type_probabilities_are_neither_too_sure_nor_too_shy(compared):
    said = [max(one.found.type_probability) for one in compared]
    true = [one.found.eb_type == one.truth.kind for one in compared]
    assert np.mean(said) == pytest.approx(np.mean(true), abs=0.1)


def test_morphology_rises_from_detached_to_contact(compared):
    medians = [
        np.median([one.found.morphology for one in compared if one.truth.kind == kind])
        for kind in ("EA", "EB", "EW")
    ]
    assert medians[0] < 0.55 < medians[1] < medians[2]


@pytest.mark.parametrize("name", ["period", "epoch", "depth_1", "depth_2"])
def test_two_in_three_true_values_are_within_one_sigma(compared, name):
    inside, n = coverage(compared, name)
    assert n > 40
    assert 0.5 < inside < 0.9
