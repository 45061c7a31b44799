"""The events that start DAGs. An asset is named like the key prefix it stands for."""

from collections.abc import Iterable
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from calnet_ops.keys import sector_key

SECTOR_LISTED = Asset(name="sector_listed", uri="calnet://sector_listed", group="sector")
"""The archive lists a sector completely [partition: sector]."""

SECTOR_RAW = Asset(name="sector_raw", uri="calnet://tess/lc", group="sector")
"""A sector's light curves are in the store, checked [partition: sector]."""

SECTOR_SCORED = Asset(name="sector_scored", uri="calnet://candidates", group="sector")
"""A sector has scores and candidates of the champion [partition: sector]."""

SCORES_CHANGED = Asset(name="scores_changed", uri="calnet://scores", group="catalog")
"""Some sector was scored. Without a partition: an event with one starts no DAG without."""

LABEL_SET = Asset(name="label_set", uri="calnet://labels", group="model")
"""People's decisions were frozen to a set of labels."""

DRIFT = Asset(name="drift", uri="calnet://drift", group="model")
"""A scored sector is unlike what the champion knows. Without a partition, as SCORES_CHANGED."""

CHAMPION = Asset(name="champion", uri="calnet://models", group="model")
"""Another model is in production; each sector in scope is to be scored [partition: sector]."""

RELEASE = Asset(name="release", uri="calnet://releases", group="catalog")
"""A release of the catalog was published."""


def announce(event: Any, sectors: Iterable[int]) -> None:
    """Emit one event a sector; without sectors, skip the task so that none is emitted.

    Parameters
    ----------
    event
        ``outlet_events[asset]`` of the running task.
    sectors
        TESS sectors.
    """
    partitions = [sector_key(sector) for sector in sectors]
    if not partitions:
        raise AirflowSkipException("nothing to announce")
    event.add_partitions(partitions)
