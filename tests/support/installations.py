"""The store and MLflow of an embedded installation, without Airflow, for whole circles by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from calnet_ops.cli.embedded import Embedded, lay_out, set_up_state
from calnet_ops.cli.supervisor import Supervisor
from calnet_ops.platform import Platform, open_platform

NEEDED = ("s3", "mlflow")
"""Servers that learning and promoting talk to."""


@contextmanager
def learning_platform(folder: Path) -> Iterator[tuple[Embedded, Platform]]:
    """An empty installation whose store and registry run; they end with the block."""
    installation = lay_out(folder)
    environment = installation.environment()
    servers = [server for server in installation.servers() if server.name in NEEDED]
    with (
        pytest.MonkeyPatch.context() as patch,
        Supervisor(folder / "logs", environment) as supervisor,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        for server in servers:
            supervisor.start(server)
        supervisor.wait_ready(servers[0])
        platform = open_platform(installation.paths_file)
        set_up_state(platform)  # MLflow keeps its artifacts in the bucket
        supervisor.wait_ready(servers[1])
        yield installation, platform


def mlflow_login(installation: Embedded) -> tuple[str, str]:
    """Name and password of the model's keeper, whose click in the UI moves the alias."""
    stored = json.loads((installation.folder / "credentials.json").read_text())
    return "keeper", stored["mlflow_password"]
