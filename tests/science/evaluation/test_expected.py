"""Expected recall and precision hold the truth in their intervals, without having seen it."""

import numpy as np
import pytest

from calnet_ops.science.candidates.calibration import IDENTITY, fit_calibration
from calnet_ops.science.candidates.combine import sigmoid
from calnet_ops.science.evaluation.expected import expect, own_mix
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.steps.registered_model import LEAST_RECALL
from tests.support import simulated_scores


def holds(estimate, value) -> bool:
    """Whether a value lies in an interval; a sum of rounded shares may miss its end by nothing."""
    return bool(estimate.low - 1e-9 <= value <= estimate.high + 1e-9)


def truth(is_eb, called):
    return (is_eb & called).sum() / is_eb.sum(), (is_eb & called).sum() / called.sum()


@pytest.mark.parametrize("network", simulated_scores.NETWORKS)
@pytest.mark.parametrize("kept", [1.0, 0.25, 0.1])
def test_the_truth_of_unseen_simulated_sectors_lies_in_the_interval(network, kept):
    known = simulated_scores.stars(network, split="validation")
    line = fit_calibration(known.is_eb, known.raw)
    threshold = choose_threshold(known.is_eb, line.apply(known.raw), LEAST_RECALL)
    rng = np.random.default_rng(5)
    hits = []
    for sector, home, *_ in simulated_scores.UNSEEN:
        stars = simulated_scores.stars(network, sector, home)
        stay = ~stars.is_eb | (rng.random(len(stars.tic)) < kept)  # another share of binaries
        is_eb, said = stars.is_eb[stay], line.apply(stars.raw[stay])
        found = expect(said, threshold, line, np.random.default_rng(1))
        recall, precision = truth(is_eb, said >= threshold)
        hits += [holds(found.recall, recall), holds(found.precision, precision)]
        hits += [holds(found.eb_share, is_eb.mean())]
        assert found.recall.high - found.recall.low < 0.6
    assert np.mean(hits) >= 0.9  # 95% intervals


def test_more_stars_make_a_narrower_interval_until_the_calibration_is_all_that_is_open():
    known = simulated_scores.stars(1, split="validation")
    line = fit_calibration(known.is_eb, known.raw)
    said = line.apply(simulated_scores.unseen(1).raw)
    widths = []
    for some in (said[:100], said, np.tile(said, 4)):
        found = expect(some, 0.5, line, np.random.default_rng(1))
        widths.append(found.recall.high - found.recall.low)
    assert widths[0] > widths[1] > widths[2] > 0.02


def test_the_mix_of_a_sector_is_found_from_its_probabilities():
    rng = np.random.default_rng(1)
    is_eb = rng.random(20_000) < 0.04
    logits = rng.normal(np.where(is_eb, 2, -2), 2)  # right for as many binaries as others
    moved = own_mix(sigmoid(logits), 0.5)
    assert moved.mean() == pytest.approx(0.04, abs=0.005)
    assert sigmoid(logits).mean() > 0.15


def test_without_a_calibration_probabilities_are_taken_as_they_are():
    said = np.array([0.9, 0.8, 0.1, 0.2])
    found = expect(said, 0.5, IDENTITY, np.random.default_rng(1))
    assert found.precision.value == pytest.approx(0.85)
    assert found.recall.value == pytest.approx(1.7 / 2.0)
    assert (found.n_star, found.n_called) == (4, 2)


@pytest.mark.parametrize("said", [[], [0.1, 0.2]])
def test_without_a_candidate_there_is_no_precision(said):
    found = expect(said, 0.5, IDENTITY, np.random.default_rng(1))
    assert np.isnan(found.precision.value)


def test_the_same_stars_have_the_same_interval():
    said = np.random.default_rng(2).random(50)
    first, again = (expect(said, 0.5, IDENTITY, np.random.default_rng(1)) for _ in range(2))
    assert first == again


def test_where_no_binary_is_likely_recall_is_not_known():
    """A sector of a star or two: what has no interval has no value either."""
    found = expect([1e-6], 0.5, IDENTITY, np.random.default_rng(1))
    assert np.isnan([found.recall.value, found.recall.low, found.recall.high]).all()
    assert found.eb_share.value < 1e-3
