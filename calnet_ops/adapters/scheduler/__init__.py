"""Talking to Airflow from outside: events, runs, approvals."""

from calnet_ops.adapters.scheduler.airflow_rest import (
    Approval,
    DagRun,
    Scheduler,
    open_scheduler,
)

__all__ = ["Approval", "DagRun", "Scheduler", "open_scheduler"]
