"""How tasks behave when they fail, where they run and how often the clock starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryRule,
)
from airflow.sdk.exceptions import AirflowSkipException
from typing_extensions import override

from calnet_ops.errors import DeliveredAgain

PULLS_AT_ONCE = 2
"""Tasks that may pull from the archive at the same time, over all runs. Each opens 4 connections
to a host, and MAST was once strained by 100 from one user (lightkurve issue 993); 5 hosts of 4
threads each pulled 55,986 files without a single refusal."""

UNFORESEEN_TRIES = 3
"""Tries of a task that fails with an error outside our tree: a bug does not go away by waiting."""

TELL_AFTER_TRIES = 8
"""A person is told that a task is still failing after so many tries: with back-off, 1 to 2 h."""


LONG_S, LONGEST_S = 60.0, 3600.0
"""A server that asks for a wait from a minute up to an hour is not asked before; shorter ones the
archive's client keeps itself, longer ones are taken for a mistake."""


class ByReason(ExceptionRetryPolicy):
    """The error tree decides: try again, or stop and tell a person; a bug gets three tries."""

    def __init__(self) -> None:
        super().__init__(
            [
                RetryRule(exception="calnet_ops.errors.TransientError", action=RetryAction.RETRY),
                RetryRule(exception="calnet_ops.errors.HaltError", action=RetryAction.FAIL),
                RetryRule(exception="calnet_ops.errors.RejectedInput", action=RetryAction.FAIL),
            ]
        )

    @override
    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        """Say what to do about an exception.

        Parameters
        ----------
        exception
            What ended the task.
        try_number
            1 for the first.
        max_tries, context
            Of no account here.
        """
        decision = super().evaluate(exception, try_number, max_tries, context)
        asked_s = getattr(exception, "retry_after_s", 0.0)
        if decision.action is RetryAction.RETRY and asked_s >= LONG_S:
            return RetryDecision.retry(timedelta(seconds=min(asked_s, LONGEST_S)), "as asked for")
        if decision.action is RetryAction.DEFAULT and try_number >= UNFORESEEN_TRIES:
            return RetryDecision.fail("an error that nobody foresaw, again")
        return decision


BY_REASON = ByReason()
"""Of all tasks. Airflow evaluates it in the task's own process."""


@contextmanager
def skipped_if_delivered_again() -> Iterator[None]:
    """Skip the task, and what follows it, if the archive has delivered its sector again.

    That is no failure: a run of its own ingests the new delivery when it is listed.
    """
    try:
        yield
    except DeliveredAgain as error:
        raise AirflowSkipException(str(error)) from error


def tell_a_person(context: Any) -> None:
    """Send one notice about a task that has failed for good."""
    _tell(context, "failed")


def tell_if_it_lasts(context: Any) -> None:
    """Send one notice about a task that fails again and again; it goes on being tried."""
    if context["task_instance"].try_number >= TELL_AFTER_TRIES:
        _tell(context, "still fails, and is tried again")


def _tell(context: Any, what: str) -> None:
    from calnet_ops.platform import open_platform

    task = context["task_instance"]
    # one notice a run, however many of its mapped tasks fail: the notifier tells a subject once
    subject = f"{task.dag_id} {context['dag_run'].run_id}: {task.task_id} {what}"
    open_platform().notifier.tell(subject, str(context.get("exception", "")))


def _policy(
    queue: str, retries: int, longest_wait: timedelta = timedelta(minutes=15)
) -> dict[str, Any]:
    return {
        "owner": "data-ops",
        "queue": queue,
        "retries": retries,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,  # the factor; True counts as 1, which is none
        "max_retry_delay": longest_wait,
        "retry_policy": BY_REASON,
        "on_failure_callback": tell_a_person,
        "on_retry_callback": tell_if_it_lasts,
    }


IO = _policy("io", retries=5)
"""Tasks that look at the archive or another server; what they miss, the next run finds."""

PULL = _policy("io", retries=72, longest_wait=timedelta(hours=1))
"""Tasks that fetch from the archive, which may be down for a long weekend: with waits of 30 s,
1 min, … 1 h, 72 retries last for three days."""

CPU = _policy("cpu", retries=2)
"""Tasks that compute."""

TRAIN = _policy("train", retries=1)
"""The one task that needs minutes of all cores."""


def skip_unless(go_on: bool, why_not: str) -> None:
    """Skip the task, and what follows it, with the reason in its log."""
    if not go_on:
        raise AirflowSkipException(why_not)


def every(cron: str, seconds_variable: str) -> CronTriggerTimetable | DeltaTriggerTimetable:
    """A timetable by cron [UTC], or every so many seconds if the environment says so.

    A demonstration cannot wait six hours for the next poll.
    """
    seconds = os.environ.get(seconds_variable, "")
    if seconds:
        return DeltaTriggerTimetable(timedelta(seconds=float(seconds)))
    return CronTriggerTimetable(cron, timezone="UTC")
