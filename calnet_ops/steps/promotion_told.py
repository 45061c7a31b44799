"""What became of a move of the alias, told to Airflow: it shows it, scores, and releases."""

import structlog

from calnet_ops.adapters.registry import CHAMPION
from calnet_ops.errors import CalnetError
from calnet_ops.keys import sector_key
from calnet_ops.platform import Platform
from calnet_ops.steps.promote import PromotionRecord

SCORES_CHANGED = "scores_changed"
"""Asset whose event lets `publish_release` look whether a release is due."""

log = structlog.get_logger()


def note_run(record: PromotionRecord, dag_id: str, run_id: str, platform: Platform) -> bool:
    """Note on the DAG's run what became of the alias, and have the catalog follow a rollback.

    Returns
    -------
    told
        False if Airflow did not answer. That undoes no promotion: the ledger has it.
    """
    if record["action"] == "unchanged":
        return True
    against = f", against the gate: {record['override']}" if record["override"] else ""
    note = f"{record['action']}: version {record['version']}, moved by {record['actor']}: "
    try:
        platform.scheduler.note_run(dag_id, run_id, f"{note}{record['reason']}{against}")
        _follow_rollback(record, platform)
    except CalnetError as error:
        log.warning("airflow_not_told", error=str(error))
        return False
    return True


def announce_sectors(record: PromotionRecord, platform: Platform) -> bool:
    """Have Airflow score what a command has promoted.

    The DAG does this with an event of its task, and would find these sectors too: half an hour
    later.

    Returns
    -------
    told
        False if Airflow did not answer.
    """
    try:
        for sector in record["sectors"]:
            platform.scheduler.emit_asset_event(CHAMPION, sector_key(sector))
        _follow_rollback(record, platform)
    except CalnetError as error:
        log.warning("airflow_not_told", error=str(error))
        return False
    return True


def _follow_rollback(record: PromotionRecord, platform: Platform) -> None:
    """Say that the scores changed, which the end of scoring says where there is any to do."""
    if record["moved"] and not record["sectors"]:
        platform.scheduler.emit_asset_event(SCORES_CHANGED)
