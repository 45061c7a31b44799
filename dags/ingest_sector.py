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

from calnet_ops.orchestration import assets, links, policy

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
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest, listing

        conf, sector, platform = dag_run.conf or {}, parse_sector(partition_key), open_platform()
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
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest

        with policy.skipped_if_delivered_again():
            return ingest.close_sector(parse_sector(partition_key), list(tallies), open_platform())

    @task(outlets=[assets.SECTOR_RAW])
    def validate(partition_key=None, ti=None):
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import validate

        platform = open_platform()
        ti.xcom_push(links.DATA_DOCS, links.data_docs_url(platform.links.airflow, partition_key))
        return validate.validate_sector(parse_sector(partition_key), platform)

    checks = validate()
    links.show_data_docs(checks)
    close_sector(pull_shard.expand(shard=plan_shards())) >> checks


ingest_sector()
