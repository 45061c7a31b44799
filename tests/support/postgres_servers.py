"""PostgreSQL on loopback, its roles and databases made as an installation makes them."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from calnet_ops.cli.supervisor import Server, Supervisor, free_ports

DEBIAN = Path("/usr/lib/postgresql")
ROLES = Path(__file__).parents[2] / "infra" / "postgres" / "databases.sh"

INIT = ("--username=postgres", "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8", "--no-sync")
OPTIONS = ("--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--fsync=off")


@contextmanager
def postgres_server() -> Iterator[str]:
    """Address of the ledger's database, empty, on a server that ends with the block.

    PostgreSQL refuses to run as root, who becomes Debian's user for it.
    """
    programs = _programs()
    password, port = secrets.token_hex(16), free_ports(1)[0]
    as_user = _as_user()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        word, data = folder / "password", folder / "data"
        word.write_text(password)
        if as_user:
            for path in (folder, word):
                shutil.chown(path, "postgres")
        subprocess.run(
            [*as_user, programs / "initdb", *INIT, f"--pwfile={word}", data],
            check=True,
            capture_output=True,
        )
        environment = os.environ | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGPASSWORD": password,
            "POSTGRES_USER": "postgres",
            **{f"{name}_DB_PASSWORD": password for name in ("AIRFLOW", "MLFLOW", "CALNET")},
        }
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
        server = Server(
            "postgres",
            (*as_user, str(programs / "postgres"), "-D", str(data), f"--port={port}", *OPTIONS),
            lambda: subprocess.call(["pg_isready", "--quiet"], env=environment) == 0,
        )
        with Supervisor(folder / "logs", environment) as supervisor:
            supervisor.start(server)
            supervisor.wait_ready(server)
            subprocess.run([ROLES], env=environment, check=True, capture_output=True)
            try:
                yield f"postgresql+psycopg2://calnet:{password}@127.0.0.1:{port}/calnet"
            finally:  # without waiting for those who are connected
                supervisor.running[server.name].send_signal(signal.SIGINT)


def empty(url: str) -> None:
    """Drop all tables of a database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            connection.execute(text(statement))
    engine.dispose()


def _programs() -> Path:
    """Folder of the newest server's programs; where CI=true promises one, its lack is a failure."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    if not found:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "PostgreSQL is not here (Debian's package postgresql)"
        )
    return found[-1].parent


def _as_user() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam("postgres")
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
