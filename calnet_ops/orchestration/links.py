"""Links from a task in the Airflow UI to our pages."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom
from typing_extensions import override

if TYPE_CHECKING:
    from calnet_ops.platform import Platform

MOUNT = "/calnet"
"""Where the API server mounts our pages."""

DATA_DOCS = "data_docs"
"""XCom in which a task leaves the address of its Data Docs, before it judges anything: a sector
that is halted is the one whose Data Docs a person wants to see."""


class DataDocsLink(BaseOperatorLink):
    """A button on a task that opens the Data Docs of its sector."""

    @property
    @override
    def name(self) -> str:
        """What the button says."""
        return "Data Docs"

    @override
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Address that the task has left; Airflow asks once, in the task's own process."""
        return str(BaseXCom.get_value(ti_key=ti_key, key=DATA_DOCS) or "")


def data_docs_url(airflow: str, partition_key: str) -> str:
    """Address of a sector's newest Data Docs, on the server that shows the task.

    Parameters
    ----------
    airflow
        Base URL of Airflow, as browsers see it.
    partition_key
        Sector as text.
    """
    return f"{airflow.rstrip('/')}{MOUNT}/docs/{partition_key}/"


def leave_data_docs(ti: Any, platform: "Platform", partition_key: str) -> None:
    """Leave the address of Data Docs for the button, from within the task."""
    ti.xcom_push(DATA_DOCS, data_docs_url(platform.links.airflow, partition_key))


def show_data_docs(task: Any) -> None:
    """Put the button on a task of a DAG, one that leaves `DATA_DOCS`."""
    task.operator.operator_extra_links = (DataDocsLink(),)
