"""SeaweedFS on loopback, as an embedded installation has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calnet_ops.adapters.store import open_store
from calnet_ops.cli.embedded import lay_out, set_up_state
from calnet_ops.cli.supervisor import Server, Supervisor
from calnet_ops.platform import Platform, open_platform


@dataclass(frozen=True)
class S3Server:
    """A running server, and a platform whose store it is."""

    platform: Platform
    access_key: str
    secret_key: str
    server: Server
    supervisor: Supervisor

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.platform.paths.store.endpoint or ""

    @property
    def pid(self) -> int:
        """Its process."""
        return self.supervisor.running[self.server.name].pid


@contextmanager
def s3_server(folder: Path, archive: str = "http://127.0.0.1:1") -> Iterator[S3Server]:
    """A server with an empty bucket, beside an empty ledger; it ends with the block.

    Parameters
    ----------
    folder
        For its files, and those of the ledger.
    archive
        Base URL of a mirror, if there is one.
    """
    installation = lay_out(folder, archive)
    server = installation.servers()[0]
    keys = installation.credentials.s3_access_key, installation.credentials.s3_secret_key
    platform = open_platform(installation.paths_file)
    places = platform.paths.store
    platform.__dict__["store"] = open_store(places.endpoint, places.bucket, *keys)
    with Supervisor(installation.folder / "logs", installation.environment()) as supervisor:
        supervisor.start(server)
        supervisor.wait_ready(server)
        set_up_state(platform)
        yield S3Server(platform, *keys, server, supervisor)
