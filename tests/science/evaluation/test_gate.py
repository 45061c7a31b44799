import json
from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.evaluation.evidence import Evidence, Performance, measure
from calnet_ops.science.evaluation.gate import RULES, judge


def performance(n_found=38, n_missed=2, n_false=2, n_other=40):
    is_eb = np.array([True] * (n_found + n_missed) + [False] * n_other)
    called = [True] * n_found + [False] * n_missed
    called += [True] * n_false + [False] * (n_other - n_false)
    probability = np.where(called, 0.9, 0.1)
    return measure(is_eb, ["EA"] * len(is_eb), probability, 0.5)


GOOD = Evidence(performance(), litert_difference=3e-6, features="v1", output_index=0)


def rules_broken(evidence, champion=None):
    return {f.rule for f in judge(evidence, champion, {"v1"}).findings if not f.passed}


def test_a_good_model_passes():
    verdict = judge(GOOD, None, {"v1"})
    assert (verdict.passed, verdict.word, verdict.reasons) == (True, "pass", ())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"performance": performance(n_found=25, n_missed=15)}, "recall, lower bound"),
        ({"performance": performance(n_false=25)}, "precision, lower bound"),
        ({"performance": performance(n_found=9, n_missed=0)}, "test binaries"),
        ({"performance": performance(n_false=0, n_other=9)}, "other test stars"),
        ({"litert_difference": 2e-5}, "LiteRT against Keras"),
        ({"litert_difference": float("nan")}, "LiteRT against Keras"),
        ({"features": "v0"}, "features"),
        ({"output_index": 1}, "order of outputs"),
    ],
)
def test_each_rule_stops_what_it_is_for(change, rule):
    assert rule in rules_broken(replace(GOOD, **change))


def test_a_check_that_was_not_made_is_a_failed_check():
    nothing = Evidence(None, None, "", None)
    verdict = judge(nothing, GOOD.performance, {"v1"})
    assert not any(finding.passed for finding in verdict.findings)
    assert all("no evidence" in reason for reason in verdict.reasons)


def test_worse_than_the_champion_fails_and_as_good_passes():
    champion = performance(n_found=40, n_missed=0)
    assert rules_broken(GOOD, champion) == {"recall against the champion"}
    assert rules_broken(GOOD, performance()) == set()
    cautious = performance(n_false=0)
    assert rules_broken(GOOD, cautious) == {"precision against the champion"}


def test_reasons_say_what_was_found_and_expected():
    (reason,) = judge(replace(GOOD, litert_difference=0.5), None, {"v1"}).reasons
    assert reason == "LiteRT against Keras: found 0.5, expected at most 1e-05"


def test_every_rule_has_a_reason():
    assert all(rule.reason for rule in RULES)


def test_performance_survives_json():
    known = performance()
    assert Performance.from_json(json.loads(json.dumps(known.as_json()))) == known
