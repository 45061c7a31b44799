"""
# ingest_sector

Pull one TESS sector from the archive into the store, and say which files to believe.

| | |
|---|---|
| Starts when | `detect_sectors` lists a sector (partition key `s087`) |
| Reads | download script, light curves, CDPP table |
| Writes | `tess/lc/s087/`, `quarantine/s087/`, `manifest/s087/`, `checks/s087/` |
| Event | `sector_raw` with the same key |
| If it fails | nothing is half-written; clear the red task. `docs/ingest.md` |
"""

from airflow.sdk import PartitionedAssetTimetable, dag, task

from calnet_ops.orchestration import assets, policy


@dag(
    schedule=PartitionedAssetTimetable(assets=assets.SECTOR_LISTED),
    default_args=policy.IO,
    max_active_runs=2,
    doc_md=__doc__,
    tags=["sector"],
)
def ingest_sector():
    @task
    def plan_shards(partition_key=None):
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest

        return ingest.plan_shards(parse_sector(partition_key), open_platform())

    @task(max_active_tis_per_dagrun=4)
    def pull_shard(shard):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest

        return ingest.ingest_shard(shard, open_platform())

    @task
    def close_sector(tallies, partition_key=None):
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import ingest

        return ingest.close_sector(parse_sector(partition_key), list(tallies), open_platform())

    @task(outlets=[assets.SECTOR_RAW])
    def validate(partition_key=None):
        from calnet_ops.keys import parse_sector
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import validate

        return validate.validate_sector(parse_sector(partition_key), open_platform())

    close_sector(pull_shard.expand(shard=plan_shards())) >> validate()


ingest_sector()
