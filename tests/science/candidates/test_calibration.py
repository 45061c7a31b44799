"""Calibrated probabilities are right as often as they say, in the order that they had."""

import numpy as np
import pytest

from calnet_ops.errors import MissingInput
from calnet_ops.science.candidates.calibration import IDENTITY, Calibration, fit_calibration
from calnet_ops.science.candidates.combine import combine_sectors, combine_segments, logit, sigmoid
from calnet_ops.science.evaluation.metrics import calibration_error
from tests.support import simulated_scores


def drawn(n_star, slope, intercept, seed=1):
    """Stars whose raw probabilities are wrong by a known line."""
    rng = np.random.default_rng(seed)
    right = rng.normal(-0.5, 3, n_star)
    return rng.random(n_star) < sigmoid(right), sigmoid((right - intercept) / slope)


def test_a_known_line_is_found_on_many_stars():
    found = fit_calibration(*drawn(20_000, slope=0.5, intercept=-0.8))
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.intercept == pytest.approx(-0.8, abs=0.1)
    assert found.n_star == 20_000


def test_the_covariance_is_that_of_repeated_fits():
    fits = [fit_calibration(*drawn(400, 0.7, 0.3, seed)) for seed in range(60)]
    spread = np.std([[np.log(one.slope), one.intercept] for one in fits], axis=0)
    claimed = np.sqrt(np.mean([[one.covariance[0], one.covariance[2]] for one in fits], axis=0))
    assert np.all(claimed > 0.7 * spread)
    assert np.all(claimed < 1.6 * spread)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_stars_stays(seed):
    found = fit_calibration(*drawn(60, 3.0, 1.0, seed))
    raw = np.linspace(0, 1, 500)
    assert np.all(np.diff(found.apply(raw)) >= 0)


def test_stars_that_part_without_a_mistake_do_not_make_it_sure_of_itself():
    found = fit_calibration([True] * 6 + [False] * 6, [0.9] * 6 + [0.1] * 6)
    assert found.slope < 2
    assert 0.8 < float(found.apply(0.9)) < 0.99


def test_a_model_without_one_keeps_its_probabilities():
    assert Calibration.from_json(None) == Calibration.from_json({}) == IDENTITY
    raw = np.array([1e-5, 0.2, 0.5, 0.99])
    np.testing.assert_allclose(Calibration.from_json(None).apply(raw), raw, rtol=1e-9)


def test_it_survives_json():
    found = fit_calibration(*drawn(300, 0.8, 0.1))
    assert Calibration.from_json(found.as_json()) == found


def test_calibration_comes_before_or_after_the_combination_of_sectors():
    line = Calibration(0.7, 0.4, n_star=9, eb_share=0.5)
    raw = [0.9, 0.02, 0.6]
    before = combine_sectors(line.apply(raw))
    assert before == pytest.approx(float(line.apply(combine_segments(raw))), abs=1e-12)


@pytest.mark.parametrize("truth", [True, False])
def test_one_kind_of_star_is_not_enough(truth):
    with pytest.raises(MissingInput, match="some of both kinds"):
        fit_calibration([truth] * 4, [0.1, 0.4, 0.6, 0.9])


@pytest.mark.parametrize("network", simulated_scores.NETWORKS)
def test_real_networks_stay_calibrated_on_unseen_simulated_stars(network):
    known = simulated_scores.stars(network, split="validation")
    unseen = simulated_scores.unseen(network)
    assert len(unseen.tic) == 1500
    line = fit_calibration(known.is_eb, known.raw)
    rng = np.random.default_rng(1)
    before = calibration_error(unseen.is_eb, unseen.raw, rng)
    after = calibration_error(unseen.is_eb, line.apply(unseen.raw), rng)
    # these networks are well calibrated from the start: it stays within what 1,500 stars tell
    assert after.value <= before.high
    assert after.low < 0.02


@pytest.mark.parametrize("network", simulated_scores.NETWORKS)
def test_an_overconfident_network_becomes_better_on_unseen_stars(network):
    def said(stars):
        return sigmoid(2.5 * logit(stars.raw) - 1.0)

    known = simulated_scores.stars(network, split="validation")
    unseen = simulated_scores.unseen(network)
    line = fit_calibration(known.is_eb, said(known))
    rng = np.random.default_rng(1)
    before = calibration_error(unseen.is_eb, said(unseen), rng)
    after = calibration_error(unseen.is_eb, line.apply(said(unseen)), rng)
    assert after.value < before.low
    assert after.value < 0.6 * before.value


@pytest.mark.parametrize("network", simulated_scores.NETWORKS)
def test_three_sectors_of_a_star_tell_more_than_one_and_stay_calibrated(network):
    known = simulated_scores.stars(network, split="validation")
    line = fit_calibration(known.is_eb, known.raw)
    seen = [simulated_scores.stars(network, sector, 68) for sector in (68, 69, 70)]
    common = sorted(set.intersection(*(set(one.tic) for one in seen)))
    rows = [one.raw[np.searchsorted(one.tic, common)] for one in seen]
    is_eb = seen[0].is_eb[np.searchsorted(seen[0].tic, common)]
    each = line.apply(np.array(rows))
    together = np.array([combine_sectors(sectors) for sectors in each.T])
    losses = [log_loss(is_eb, sector) for sector in each]
    assert len(common) == 300
    assert log_loss(is_eb, together) < np.mean(losses)
    assert log_loss(is_eb, together) < log_loss(is_eb, each.max(axis=0))
    assert calibration_error(is_eb, together, np.random.default_rng(1)).low < 0.03


def log_loss(is_eb, probability) -> float:
    return float(-np.mean(np.log(np.where(is_eb, probability, 1 - probability))))
