"""
# watch_promotion

Follow the alias `champion` that a person moves in the MLflow UI; put it back if it may not move.

| | |
|---|---|
| Starts when | MLflow's webhook says that an alias moved, and every 5 minutes |
| Reads | the alias `champion`, the verdict of its version, its tag `override` |
| Writes | promotion or refusal: in the ledger, on the version, as the note of the run |
| Event | `champion` for each sector to score, again for those left out once scoring is idle |
| If it fails | production is untouched; the next poll looks again. `docs/training.md` |
"""

from airflow.sdk import dag, task

from calnet_ops.orchestration import assets, policy


@dag(
    schedule=policy.every("*/5 * * * *", "CALNET_WATCH_EVERY_S"),
    default_args=policy.IO,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["model"],
)
def watch_promotion():
    @task(outlets=[assets.CHAMPION])
    def follow_champion(outlet_events=None, dag_run=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import promote, promotion_told

        platform = open_platform()
        found = promote.follow_champion(platform)
        promotion_told.note_run(found, dag_run.dag_id, dag_run.run_id, platform)
        assets.announce(outlet_events[assets.CHAMPION], found["sectors"])

    follow_champion()


watch_promotion()
