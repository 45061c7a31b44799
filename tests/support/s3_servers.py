"""SeaweedFS on loopback, as an embedded installation has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from calnet_ops.adapters.store import open_store
from calnet_ops.cli.embedded import lay_out, set_up_state
from calnet_ops.cli.supervisor import Server, Supervisor
from calnet_ops.platform import Platform, open_platform

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Server:
    """A running server, and a platform whose store it is."""

    platform: Platform
    environment: dict[str, str]
    """In which a process finds the platform."""
    server: Server
    supervisor: Supervisor

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.platform.paths.store.endpoint or ""

    @property
    def keys(self) -> tuple[str, str]:
        """Access key and secret key."""
        return self.environment["CALNET_S3_ACCESS_KEY"], self.environment["CALNET_S3_SECRET_KEY"]

    def client(self, **settings: Any) -> "S3Client":
        """A plain client of it, as boto3 makes them unless it is told otherwise."""
        return s3_client(self.url, *self.keys, **settings)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.supervisor.running[self.server.name].pid


def s3_client(url: str | None, access_key: str, secret_key: str, **settings: Any) -> "S3Client":
    """A plain client of any server."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(**settings),
    )


@contextmanager
def s3_server(folder: Path, archive: Path | None = None) -> Iterator[S3Server]:
    """A server with an empty bucket, beside an empty ledger; it ends with the block.

    Parameters
    ----------
    folder
        For its files, and those of the ledger.
    archive
        Folder of light curves that a mirror is to serve.
    """
    installation = lay_out(folder)
    server, environment = installation.servers()[0], installation.environment()
    servers = [server] if archive is None else [server, installation.mirror(archive)]
    platform = open_platform(installation.paths_file)
    with Supervisor(installation.folder / "logs", environment) as supervisor:
        for item in servers:
            supervisor.start(item)
        for item in servers:
            supervisor.wait_ready(item)
        running = S3Server(platform, environment, server, supervisor)
        places = platform.paths.store
        platform.__dict__["store"] = open_store(places.endpoint, places.bucket, *running.keys)
        set_up_state(platform)
        yield running
