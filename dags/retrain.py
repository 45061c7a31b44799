"""
# retrain

Learn from the newest set of labels, and say whether the new model may go into production.

| | |
|---|---|
| Starts when | labels were frozen (`label_set`), on the first day of a month, or by hand |
| Reads | `labels/<set>`, `features/*/` of one version, of all sectors |
| Writes | `datasets/<id>`, an MLflow run, `models/<model>/`, a model version with its verdict |
| Event | none: a person promotes, in the MLflow UI |
| If it fails | production is untouched; the champion stays. `docs/model.md` |
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from calnet_ops.orchestration import assets, policy


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 3 1 * *", timezone="UTC"), assets=assets.LABEL_SET
    ),
    default_args=policy.TRAIN,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["model"],
)
def retrain():
    @task
    def train():
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import train

        return train.train_model(open_platform())

    @task
    def judge(trained):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import gate

        return gate.judge_version(trained["version"], open_platform())

    judge(train())


retrain()
