"""A first look tells which output is P(EB), and whether a network answers at all."""

import numpy as np
import pytest

from calnet_ops.science.evaluation.first_look import first_segments, look_at


def score(eb, quiet):
    """Answers with a bit of spread, the same for all of a kind otherwise."""
    is_eb = first_segments()[2]
    rng = np.random.default_rng(1)
    return (np.where(is_eb, eb, quiet) + 1e-3 * rng.random(len(is_eb))).astype(np.float32)


def test_the_light_curves_are_features_of_binaries_and_quiet_stars():
    flux, power, is_eb = first_segments()
    assert (flux.shape, power.shape) == ((36, 4000), (36, 1000))
    assert is_eb.sum() == 24
    # A binary spends much of its time near one level; noise lies in the middle of its range.
    middle = np.abs(np.median(flux, axis=1) - 0.5)
    assert middle[~is_eb].max() < 0.15 < middle[is_eb][:12].min()


@pytest.mark.parametrize(
    ("eb", "quiet", "order"),
    [
        (0.9, 0.1, "right"),
        (0.1, 0.9, "reversed"),
        (0.5, 0.5, "not told"),
        (0.501, 0.5, "not told"),  # hardly learned
        (0.5, 0.501, "not told"),
    ],
)
def test_the_order_is_told_where_it_can_be(eb, quiet, order):
    assert look_at(score(eb, quiet)).order == order


def test_the_same_answer_to_everything_is_noticed():
    assert look_at(np.full(36, 0.3, np.float32)).constant
    assert not look_at(score(0.5, 0.5)).constant


def test_what_is_no_number_is_noticed():
    told = score(0.9, 0.1)
    told[3] = np.nan
    assert not look_at(told).finite
