"""
# ingest_sector

Pull one TESS sector from the archive into the store, and say which files to believe.

| | |
|---|---|
| Starts when | `detect_sectors` lists a sector (partition key `s087`), or `calnet-ops backfill` |
| Reads | download script, light curves, CDPP table |
| Writes | `tess/lc/s087/`, `quarantine/s087/`, `manifest/s087/`, `checks/s087/` |
| Event | `sector_raw` with the same key |
| If it fails | tried again for three days; nothing is half-written. `docs/ingest.md` |
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from calnet_ops.orchestration import assets, links, opened, policy

FILES = "{{ task.op_kwargs['shard']['first'] }}–{{ task.op_kwargs['shard']['stop'] }}"
"""What the UI calls a mapped task: its rows of the plan."""


@dag(
    schedule=PartitionedAssetTimetable(assets=assets.SECTOR_LISTED),
    default_args=policy.PULL,
    max_active_runs=2,
    doc_md=__doc__,
    tags=["sector"],
)
def ingest_sector():
    @task
    def plan_shards(partition_key=None, dag_run=None):
        from calnet_ops.steps import ingest, listing

        conf, (sector, platform) = dag_run.conf or {}, opened.sector(partition_key)
        if conf.get("list_if_whole"):
            listing.list_if_whole(sector, platform)
        cap = conf.get("max_bytes_per_s")
        share = cap / policy.PULLS_AT_ONCE if cap else None
        # a sector that appears has no shards: all that follows is skipped
        return ingest.plan_shards(sector, platform, max_bytes_per_s=share)

    @task(
        max_active_tis_per_dag=policy.PULLS_AT_ONCE,
        map_index_template=FILES,
    )
    def pull_shard(shard):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest

        return ingest.ingest_shard(shard, open_platform())

    @task
    def close_sector(tallies, partition_key=None):
        from calnet_ops.steps import ingest

        sector, platform = opened.sector(partition_key)
        with policy.skipped_if_delivered_again():
            return ingest.close_sector(sector, list(tallies), platform)

    @task(outlets=[assets.SECTOR_RAW])
    def validate(partition_key=None, ti=None):
        from calnet_ops.steps import validate

        sector, platform = opened.sector(partition_key)
        links.leave_data_docs(ti, platform, partition_key)
        return validate.validate_sector(sector, platform)

    checks = validate()
    links.show_data_docs(checks)
    close_sector(pull_shard.expand(shard=plan_shards())) >> checks


ingest_sector()
