"""How tasks behave when they fail, where they run and how often the clock starts them."""

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
)

BY_REASON = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="calnet_ops.errors.TransientError", action=RetryAction.RETRY),
        RetryRule(exception="calnet_ops.errors.HaltError", action=RetryAction.FAIL),
        RetryRule(exception="calnet_ops.errors.RejectedInput", action=RetryAction.FAIL),
    ]
)
"""The error tree decides: try again, or stop and tell a person. Bugs take Airflow's default."""


def tell_a_person(context: Any) -> None:
    """Send one notice about a task that has failed for good."""
    from calnet_ops.platform import open_platform

    task = context["task_instance"]
    subject = f"{task.dag_id} {context['dag_run'].run_id}: {task.task_id} failed"
    open_platform().notifier.tell(subject, str(context.get("exception", "")))


def _policy(queue: str, retries: int) -> dict[str, Any]:
    return {
        "owner": "data-ops",
        "queue": queue,
        "retries": retries,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": BY_REASON,
        "on_failure_callback": tell_a_person,
    }


IO = _policy("io", retries=5)
"""Tasks that wait for the archive or the store: they may be tried often."""

CPU = _policy("cpu", retries=2)
"""Tasks that compute."""

TRAIN = _policy("train", retries=1)
"""The one task that needs minutes of all cores."""


def every(cron: str, seconds_variable: str) -> CronTriggerTimetable | DeltaTriggerTimetable:
    """A timetable by cron [UTC], or every so many seconds if the environment says so.

    A demonstration cannot wait six hours for the next poll.
    """
    seconds = os.environ.get(seconds_variable, "")
    if seconds:
        return DeltaTriggerTimetable(timedelta(seconds=float(seconds)))
    return CronTriggerTimetable(cron, timezone="UTC")
