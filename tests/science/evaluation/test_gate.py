"""The gate lets good models through, and stops each kind of bad one."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.candidates.calibration import fit_calibration
from calnet_ops.science.evaluation.canary import Song
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.compare import compare
from calnet_ops.science.evaluation.evidence import (
    NO_EVIDENCE,
    Evidence,
    Performance,
    Speed,
    measure,
)
from calnet_ops.science.evaluation.gate import RULES, Margins, judge
from calnet_ops.science.evaluation.report import measure_stars
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.science.evaluation.verdict import MAX_TOLERATED, Finding, Tier, Verdict
from tests.support import simulated_scores
from tests.support.cases import make_cases

KNOWN = {"v1"}
SONG = Song(1.0, 1.0, 1.0, 0.4, {"EA": 1.0, "EB": 1.0, "EW": 1.0})
N_STAR = 300


def calibrated(stars: Cases) -> Cases:
    """Stars whose probabilities hold: their logits are normal with 3 and -3, sigma 1.5."""
    logit = np.log(stars.probability / (1 - stars.probability)) * 2 * 3 / 1.5**2
    return replace(stars, probability=1 / (1 + np.exp(-logit)))


CHAMPION = calibrated(make_cases(N_STAR))


def evidence(stars: Cases, champion: Cases | None = CHAMPION, **others) -> Evidence:
    called = stars.probability >= 0.5
    against = None
    if champion is not None:
        against = tuple(compare(stars, called, champion.probability >= 0.5))
    known = Evidence(
        star=measure_stars(stars, 0.5),
        against=against,
        champion="champion" if champion is not None else "",
        song=SONG,
        speed=Speed(300.0, 300.0),
        litert_difference=3e-6,
        features="v1",
        output_index=0,
    )
    return replace(known, **others)


def changed(chosen, probability, stars: Cases = CHAMPION) -> Cases:
    """The same stars, some of them with another probability."""
    return replace(stars, probability=np.where(chosen, probability, stars.probability))


def broken(found: Evidence, **others) -> set[str]:
    """Rules that stop it."""
    verdict = judge(found, KNOWN, **others)
    assert verdict.passed == (not verdict.reasons)
    return {text.split(": found")[0] for text in verdict.reasons}


GOOD = evidence(CHAMPION)


def test_a_model_as_good_as_the_champion_passes_and_so_does_the_first_one():
    for one in (GOOD, evidence(CHAMPION, champion=None)):
        verdict = judge(one, KNOWN)
        assert (verdict.passed, verdict.word, verdict.reasons) == (True, "pass", ())


def test_shuffled_labels_are_stopped():
    # what a network learns of labels without sense: the same of all stars, give or take
    rng = np.random.default_rng(3)
    stars = replace(CHAMPION, probability=1 / (1 + np.exp(-rng.normal(0, 0.3, N_STAR))))
    assert {"recall against the champion", "precision against the champion"} <= broken(
        evidence(stars)
    )
    assert "precision, lower bound" in broken(evidence(stars, champion=None))


def test_swapped_outputs_are_stopped():
    stars = replace(CHAMPION, probability=1 - CHAMPION.probability)
    assert {"recall against the champion", "precision against the champion", "calibration"} <= (
        broken(evidence(stars))
    )
    song = Song(0.0, 0.0, 0.0, 0.4, {"EA": 0.0, "EB": 0.0, "EW": 0.0})
    reasons = broken(replace(GOOD, song=song))
    assert {"canary, order", "canary, specificity"} <= reasons


@pytest.mark.parametrize("champion", [CHAMPION, None])
def test_good_on_detached_and_blind_to_contact_binaries_is_stopped(champion):
    # of every six binaries one is EW here: recall alone would only fall by a sixth
    blind = changed(CHAMPION.eb_type == "EW", 0.02)
    song = replace(SONG, order_of={"EA": 1.0, "EB": 1.0, "EW": 0.0})
    reasons = broken(evidence(blind, champion, song=song))
    assert "canary, EW" in reasons
    assert ("recall of EW against the champion" in reasons) == (champion is not None)


def test_blind_to_a_rare_type_is_stopped_though_recall_hardly_falls():
    # 12 contact binaries among 400, which the rest makes up for
    stars = make_cases(800)
    rare = np.flatnonzero(stars.eb_type == "EW")[12:]
    stars.eb_type[rare] = "EA"
    champion = changed((stars.eb_type == "EA") & (np.arange(800) % 24 == 1), 0.1, calibrated(stars))
    blind = changed(stars.eb_type == "EW", 0.02, calibrated(stars))
    one = evidence(blind, champion)
    assert [d.value > -0.02 for d in one.against or () if d.part == ""] == [True, True]
    assert broken(one) == {"recall of EW against the champion"}


def test_a_dark_magnitude_is_stopped_but_bad_luck_is_not():
    faint = CHAMPION.is_eb & (CHAMPION.tmag >= 13) & (CHAMPION.tmag < 14)
    assert "recall of magnitude 13 to 14 against the champion" in broken(
        evidence(changed(faint, 0.1))
    )
    one_star = changed(np.arange(N_STAR) == np.flatnonzero(faint)[0], 0.1)
    assert broken(evidence(one_star)) == set()


def test_worse_than_the_champion_is_stopped_within_the_margin_is_not():
    lost = CHAMPION.is_eb & (np.cumsum(CHAMPION.is_eb) % 11 == 0)
    worse = evidence(changed(lost, 0.4))
    assert "recall against the champion" in broken(worse)
    assert broken(worse, margins=Margins(loss=0.1)) == set()
    false = ~CHAMPION.is_eb & (np.cumsum(~CHAMPION.is_eb) % 12 == 0)
    assert "precision against the champion" in broken(evidence(changed(false, 0.6)))


def network(number: int) -> tuple[Cases, float]:
    """Test stars as a network of the recipe "demo" judged them, and its threshold."""
    known = simulated_scores.stars(number, split="validation")
    line = fit_calibration(known.is_eb, known.raw)
    test = simulated_scores.stars(number, split="test")
    nothing, n = np.full(len(test.tic), np.nan), len(test.tic)
    stars = Cases(
        test.tic, np.full(n, 61), test.tic.astype(str), test.is_eb, np.full(n, ""), nothing,
        nothing, nothing, np.zeros(n, np.int64), line.apply(test.raw),
    )  # fmt: skip
    return stars, choose_threshold(known.is_eb, line.apply(known.raw), 0.9)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 1)])
def test_two_networks_that_differ_by_their_seed_pass_against_each_other(one, other):
    (stars, threshold), (champion, limit) = network(one), network(other)
    against = compare(stars, stars.probability >= threshold, champion.probability >= limit)
    assert any(difference.value for difference in against)
    found = replace(GOOD, star=measure_stars(stars, threshold), against=tuple(against))
    assert broken(found) == set()


def test_of_a_few_stars_one_may_be_lost_but_not_two():
    few = CHAMPION.take(np.arange(60))
    few = replace(few, probability=np.where(few.is_eb, 0.9, 0.1))
    found = np.flatnonzero(few.is_eb)
    for n_lost, lost in ((1, set()), (2, {"recall against the champion"})):
        worse = changed(np.isin(np.arange(60), found[:n_lost]), 0.4, few)
        assert broken(evidence(worse, few)) & {"recall against the champion"} == lost


def test_a_better_model_passes_at_once():
    better = replace(CHAMPION, probability=np.where(CHAMPION.is_eb, 0.95, 0.05))
    assert broken(evidence(better, litert_difference=0.0)) == set()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"litert_difference": 2e-5}, "LiteRT against Keras"),
        ({"litert_difference": float("nan")}, "LiteRT against Keras"),
        ({"features": "v0"}, "features"),
        ({"output_index": 1}, "order of outputs"),
        ({"speed": Speed(10.0, 10.0)}, "speed"),
        ({"song": replace(SONG, spread=0.001)}, "canary, spread"),
        ({"song": replace(SONG, specificity=0.5)}, "canary, specificity"),
        ({"song": replace(SONG, order_of={"EA": 1.0, "EB": 1.0})}, "canary, EW"),
        ({"star": measure_stars(CHAMPION.take(np.arange(18)), 0.5)}, "test binaries"),
        ({"star": measure_stars(changed(CHAMPION.is_eb, 0.4), 0.5)}, "recall, lower bound"),
    ],
)
def test_each_rule_stops_what_it_is_for(change, rule):
    assert rule in broken(replace(GOOD, **change))


def test_overconfidence_is_stopped():
    sure = make_cases(N_STAR, quality=0.4)
    sure = replace(sure, probability=np.where(sure.probability >= 0.5, 0.999, 0.001))
    assert "calibration" in broken(evidence(sure, sure))


@pytest.mark.parametrize("name", ["star", "song", "speed", "litert_difference", "against"])
def test_a_check_that_was_not_run_is_a_failed_check(name):
    nothing: dict[str, Any] = {name: None}
    verdict = judge(replace(GOOD, **nothing), KNOWN)
    assert not verdict.passed
    assert all("no evidence" in reason for reason in verdict.reasons)
    assert not any(finding.ran for finding in verdict.blocking)


def test_of_nothing_everything_fails():
    verdict = judge(NO_EVIDENCE, KNOWN)
    assert not any(one.passed for one in verdict.findings if one.tier is not Tier.INFORMATIONAL)
    assert not Verdict(()).passed


def test_a_high_threshold_on_the_canary_alone_is_only_said():
    verdict = judge(replace(GOOD, song=replace(SONG, recall=0.3)), KNOWN)
    assert verdict.passed
    assert "canary, recall" in verdict.warnings[0]


def test_one_supporting_check_is_tolerated_and_said_two_are_not():
    slower = replace(GOOD, speed=Speed(100.0, 300.0))
    verdict = judge(slower, KNOWN)
    assert verdict.passed
    assert verdict.warnings[0].startswith("speed against the champion: found 0.333")
    doubtful = Finding("another", False, "", "", Tier.SUPPORTING)
    assert MAX_TOLERATED == 1
    assert not Verdict((*verdict.findings, doubtful)).passed
    not_run = replace(doubtful, ran=False)
    assert not Verdict((*judge(GOOD, KNOWN).findings, not_run)).passed
    told = replace(doubtful, tier=Tier.INFORMATIONAL)
    assert Verdict((*verdict.findings, told)).passed


def test_parts_with_few_stars_are_told_and_do_not_stop():
    few = CHAMPION.take(np.arange(60))
    blind = changed(few.eb_type == "EB", few.probability, few)
    findings = judge(evidence(blind, few), KNOWN).findings
    told = [one for one in findings if one.tier is Tier.INFORMATIONAL]
    assert told
    assert all("too few stars to tell" in one.found for one in told)


def test_reasons_say_what_was_found_and_expected():
    (reason,) = judge(replace(GOOD, litert_difference=0.5), KNOWN).reasons
    assert reason == "LiteRT against Keras: found 0.5, expected at most 1e-05"


def test_margins_have_bounds():
    with pytest.raises(WrongConfiguration, match="loss"):
        Margins(loss=1.5)


def test_every_rule_has_a_reason_and_a_name_of_its_own():
    assert all(rule.reason for rule in RULES)
    names = [one.rule for one in judge(GOOD, KNOWN).findings]
    assert len(set(names)) == len(names)


def test_performance_survives_json():
    stars = CHAMPION
    known = measure(stars.is_eb, list(stars.eb_type), stars.probability, 0.5)
    assert Performance.from_json(json.loads(json.dumps(known.as_json()))) == known
