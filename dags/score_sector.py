"""
# score_sector

Say of every star of a sector how likely it is an eclipsing binary, measure those that are, and say
whose eclipses they show.

| | |
|---|---|
| Starts when | a sector is in the store (`sector_raw`), or the model changed (`champion`) |
| Reads | `manifest/s087/`, `tess/lc/s087/`, `models/<model>/` |
| Writes | `features/*/`, `checks/`, `scores/<model>/`, `drift/<model>/`, `candidates/<model>/` |
| Event | `sector_scored` with the same key; without: `scores_changed`, and `drift` at a warning |
| If it fails | stored features and scores stay valid; clear the red task. `docs/operations.md` |
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from calnet_ops.orchestration import assets, links, opened, policy


@dag(
    schedule=PartitionedAssetTimetable(assets=assets.SECTOR_RAW | assets.CHAMPION),
    default_args=policy.CPU,
    max_active_runs=2,
    doc_md=__doc__,
    tags=["sector", "model"],
)
def score_sector():  # noqa: C901 - each task counts
    @task
    def plan_features(partition_key=None):
        from calnet_ops.steps import extract, features_version

        sector, platform = opened.sector(partition_key)
        version = features_version.version_to_extract(platform)
        return extract.plan_shards(sector, version, platform)

    @task(max_active_tis_per_dagrun=4)
    def extract_shard(shard):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import extract

        return extract.extract_shard(shard, open_platform())

    @task
    def close_features(tallies, partition_key=None):
        from calnet_ops.steps import extract

        (sector, platform), done = opened.sector(partition_key), list(tallies)
        return extract.close_features(sector, done[0]["version"], done, platform)

    @task
    def check_features(made, partition_key=None, ti=None):
        from calnet_ops.steps import validate_features

        sector, platform = opened.sector(partition_key)
        links.leave_data_docs(ti, platform, f"{partition_key}/features")
        return validate_features.validate_features(sector, made["version"], platform)

    @task
    def plan_scores(partition_key=None):
        from calnet_ops.steps import score

        return score.plan_shards(*opened.sector(partition_key))

    @task(max_active_tis_per_dagrun=4)
    def score_shard(shard):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import score

        return score.score_shard(shard, open_platform())

    @task
    def combine_targets(tallies, partition_key=None):
        from calnet_ops.steps import score

        sector, platform = opened.sector(partition_key)
        return score.combine_targets(sector, list(tallies), platform)

    @task  # a leaf: it warns, and nothing waits for it
    def watch_drift(partition_key=None, ti=None):
        from calnet_ops.steps import watch_drift

        sector, platform = opened.sector(partition_key)
        links.leave_data_docs(ti, platform, f"{partition_key}/drift")
        state = watch_drift.watch_drift(sector, platform)["state"]
        if state == watch_drift.WARN:
            platform.scheduler.emit_asset_event(assets.DRIFT.name)
        return state

    @task
    def characterise(partition_key=None):
        from calnet_ops.steps import characterise

        return characterise.characterise_sector(*opened.sector(partition_key))

    @task(outlets=[assets.SECTOR_SCORED])
    def attribute(partition_key=None):
        from calnet_ops.steps import attribute

        return attribute.attribute_sector(*opened.sector(partition_key))

    @task
    def announce():
        from calnet_ops.platform import open_platform

        open_platform().scheduler.emit_asset_event(assets.SCORES_CHANGED.name)

    features = close_features(extract_shard.expand(shard=plan_features()))
    plans = plan_scores()  # empty without a champion: what follows is skipped
    checks = check_features(features)
    checks >> plans
    targets, drift = combine_targets(score_shard.expand(shard=plans)), watch_drift()
    targets >> characterise() >> attribute() >> announce()
    targets >> drift
    links.show_data_docs(checks)
    links.show_data_docs(drift)


score_sector()
