"""
# retrain

Learn from the newest set of labels, and say whether the new model may go into production.

| | |
|---|---|
| Starts when | labels were frozen (`label_set`), a sector drifts (`drift`), monthly, or by hand |
| Reads | `labels/<set>`, `features/*/` of one version, of all sectors |
| Writes | `datasets/<id>`, an MLflow run, `models/<model>/`, a version with verdict and preview |
| Event | none: a person promotes, in the MLflow UI |
| If it fails | production is untouched; the champion stays. `docs/training.md` |

The first task asks whether it is time: enough new labels, a new drift, or somebody's word. If it
is not, the rest is skipped, and the run's note says why.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from calnet_ops.orchestration import assets, forms, policy


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 3 1 * *", timezone="UTC"),
        assets=(assets.LABEL_SET | assets.DRIFT),
    ),
    default_args=policy.TRAIN,
    params=forms.RETRAIN,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["model"],
)
def retrain():
    @task
    def decide(params=None, dag_run=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import trigger

        platform, cause = open_platform(), forms.cause(dag_run.run_type)
        found = trigger.why_retrain(cause, trigger.read_wish(params), platform)
        trigger.note_run(found, dag_run.dag_id, dag_run.run_id, platform)
        policy.skip_unless(found["start"], found["reason"])
        return found["wish"]

    @task
    def train(wish, dag_run=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import train, trigger
        from calnet_ops.steps.one_at_a_time import one_at_a_time

        platform = open_platform()
        with one_at_a_time(trigger.TRAINING, platform, f"retrain {dag_run.run_id}"):
            settings = trigger.settings_of(wish, platform)
            return train.train_model(platform, settings, wish["features"])

    @task
    def judge(trained, params=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import gate

        platform = open_platform()
        margins = gate.read_margins(params, platform)
        return gate.judge_version(trained["version"], platform, margins)

    @task
    def preview(judged):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import preview

        return preview.preview_promotion(judged["version"], open_platform())

    preview(judge(train(decide())))


retrain()
