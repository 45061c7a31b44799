"""
# audit

Read a sample of the stored files again, and compare each with the hash it had on arrival.

| | |
|---|---|
| Starts when | every Sunday |
| Reads | `manifest/`, a sample of `tess/lc/` |
| Writes | `audit/` |
| Event | none |
| If it fails | a person is told which objects differ. `docs/operations.md` |
"""

from airflow.sdk import CronTriggerTimetable, dag, task

from calnet_ops.orchestration import policy


@dag(
    schedule=CronTriggerTimetable("0 4 * * 0", timezone="UTC"),
    default_args=policy.IO,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["store"],
)
def audit():
    @task
    def scrub():
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import audit

        return audit.audit_store(open_platform())

    scrub()


audit()
