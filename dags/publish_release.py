"""
# publish_release

Publish the next version of the catalog, once a person has looked at what would change.

| | |
|---|---|
| Starts when | a release is due, once a day and after `scores_changed` or `label_set`; by hand |
| Reads | `candidates/<model>/`, `scores/<model>/`, decisions in the ledger, the last release |
| Writes | `staging/<lineage>/`, `checks/catalog/`, `releases/<version>/`, `releases/latest.json` |
| Event | `release` |
| If it fails | outsiders see the last release; clear the red task. `docs/operations.md` |
"""

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from calnet_ops.orchestration import assets, links, policy


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 5 * * *", timezone="UTC"),
        assets=(assets.SCORES_CHANGED | assets.LABEL_SET),
    ),
    default_args=policy.CPU,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["catalog"],
)
def publish_release():
    @task.short_circuit
    def is_due(dag_run=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import publish

        return dag_run.run_type == "manual" or publish.is_due(open_platform())

    @task.short_circuit
    def stage():
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import publish

        return publish.stage_release(open_platform())

    @task
    def check(staged, ti=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import validate_catalog

        platform = open_platform()
        links.leave_data_docs(ti, platform, "catalog")
        return validate_catalog.validate_catalog(staged, platform)

    approve = ApprovalOperator(
        task_id="approve",
        subject="Publish {{ ti.xcom_pull(task_ids='stage')['version'] }}?",
        body="{{ ti.xcom_pull(task_ids='stage')['summary'] }}",
    )

    @task(outlets=[assets.RELEASE])
    def publish(staged, approval):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import publish

        person = approval["responded_by_user"]["name"]
        return publish.publish_release(staged, person, open_platform())

    staged = stage()
    is_due() >> staged
    checks = check(staged)
    links.show_data_docs(checks)
    checks >> approve
    publish(staged, approve.output)


publish_release()
