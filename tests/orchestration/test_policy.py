"""Which failures are tried again, and for how long; in a process of its own, for Airflow's sake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

LOOK = """
import json
from calnet_ops import errors
from calnet_ops.orchestration import policy
def decide(error, n_try):
    return policy.BY_REASON.evaluate(error, n_try, 72).action.value
words = {"found": "a", "expected": "b"}
def delay(asked_s):
    error = errors.ArchiveUnavailable("x", **words)
    error.retry_after_s = asked_s
    found = policy.BY_REASON.evaluate(error, 1, 72).retry_delay
    return found and found.total_seconds()
def close(error):
    try:
        with policy.skipped_if_delivered_again():
            raise error
    except Exception as caught:
        return type(caught).__name__
print(json.dumps({
    "archive down": [decide(errors.ArchiveUnavailable("x", **words), n) for n in (1, 60)],
    "halted": decide(errors.SectorNotTrusted("x", **words), 1),
    "rejected": decide(errors.Truncated("x", **words), 1),
    "asked": [delay(seconds) for seconds in (5, 600, 1e9)],
    "closed": [close(kind("x", **words)) for kind in (errors.DeliveredAgain, errors.KeyTaken)],
    "bug": [decide(ValueError(), n) for n in (1, 2, 3)],
    "pull": {k: float(getattr(v, "total_seconds", lambda: v)()) for k, v in policy.PULL.items()
             if k in ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay")},
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    answer = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=PROJECT,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_an_archive_that_is_down_is_asked_again_and_again(seen):
    assert seen["archive down"] == ["retry", "retry"]


def test_a_long_rest_that_a_server_asks_for_is_kept_up_to_an_hour(seen):
    assert seen["asked"] == [None, 600, 3600]


def test_a_sector_delivered_again_meanwhile_ends_the_run_without_a_failure(seen):
    assert seen["closed"] == ["AirflowSkipException", "KeyTaken"]


def test_waiting_does_not_help_what_is_halted_or_rejected(seen):
    assert (seen["halted"], seen["rejected"]) == ("fail", "fail")


def test_a_bug_is_not_tried_for_days(seen):
    assert seen["bug"] == ["default", "default", "fail"]


def test_the_waits_double_up_to_an_hour_and_last_a_long_weekend(seen):
    pull = seen["pull"]
    # Airflow 3.3 takes the factor as it is: True would be 1, and no back-off
    assert pull["retry_exponential_backoff"] == 2.0
    assert pull["retry_delay"] == 30.0
    waits = [min(pull["max_retry_delay"], 30 * 2.0**n) for n in range(int(pull["retries"]))]
    assert waits[6:8] == [1920.0, 3600.0]
    assert 60 * 3600 < sum(waits) < 90 * 3600
