"""
# detect_sectors

Notice a sector that MAST has finished publishing, or publishes again.

| | |
|---|---|
| Starts when | every 6 hours, or by hand |
| Reads | bulk download page, scripts, CDPP tables; once a week, a few files of each old sector |
| Writes | state of each delivery in the ledger |
| Event | `sector_listed` for each complete sector, again if nothing comes of it for 1 to 24 h |
| If it fails | nothing is lost: the next poll sees the same archive. `docs/operations.md` |
"""

from airflow.sdk import dag, task

from calnet_ops.orchestration import assets, policy


@dag(
    schedule=policy.every("0 */6 * * *", "CALNET_DETECT_EVERY_S"),
    default_args=policy.IO,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["sector"],
)
def detect_sectors():
    @task(outlets=[assets.SECTOR_LISTED])
    def poll_archive(outlet_events=None):
        from calnet_ops.platform import open_platform
        from calnet_ops.steps import detect

        found = detect.detect_sectors(open_platform())
        assets.announce(outlet_events[assets.SECTOR_LISTED], found["listed"])

    poll_archive()


detect_sectors()
