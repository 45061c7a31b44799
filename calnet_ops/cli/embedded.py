"""A whole installation on one machine: which servers, on which ports, with which credentials."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from calnet_ops.cli.credentials import (
    PUBLIC_KEY,
    SIGNING_KEY,
    Credentials,
    make_signing_key,
    write_mlflow_login,
    write_secret,
)
from calnet_ops.cli.supervisor import Server, free_ports
from calnet_ops.errors import TransientError
from calnet_ops.platform import Platform, secret

LOCAL_SETTINGS = "from calnet_ops.orchestration.preload import preload\n\npreload()\n"
"""Airflow imports this in each of its processes; see `calnet_ops.orchestration.preload`."""

LOOPBACK = "127.0.0.1,localhost"
"""Never to be reached through a proxy."""

OURS = ("CALNET_", "MLFLOW_TRACKING_", "NO_PROXY", "no_proxy")
"""How the variables begin that a command needs to talk to the servers."""

STORE_PATIENCE_S = 30.0
"""Between the first answer of the S3 server and the first bucket; below 1 s on 2 quiet cores."""

PROJECT = Path(__file__).parents[2]
"""Folder with `dags/`: an embedded installation runs from a checkout."""


@dataclass(frozen=True)
class Ports:
    """Loopback ports of the servers."""

    s3: int
    s3_grpc: int
    master: int
    master_grpc: int
    filer: int
    filer_grpc: int
    volume: int
    volume_grpc: int
    admin: int
    mlflow: int
    airflow: int
    web: int
    mirror: int


@dataclass(frozen=True)
class Embedded:
    """An installation laid out in a folder.

    Parameters
    ----------
    folder
        Holds everything: databases, objects, logs, credentials, `paths.json`.
    """

    folder: Path
    ports: Ports
    credentials: Credentials

    @property
    def paths_file(self) -> Path:
        """Its `paths.json`."""
        return self.folder / "paths.json"

    def url(self, server: str) -> str:
        """Base URL of a server, by the name of its port."""
        return f"http://127.0.0.1:{getattr(self.ports, server)}"

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Environment of all servers and of the CLI that talks to them."""
        # settings of another installation must not leak into this one
        foreign = ("AIRFLOW_", "CALNET_", "MLFLOW_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return (
            kept
            | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
            | self._own_settings()
            | self._mlflow_settings()
            | self._airflow_settings()
            | (extra or {})
        )

    def enter(self, environment: Mapping[str, str]) -> None:
        """Take on what this process needs of an environment to talk to the servers."""
        os.environ.update({k: v for k, v in environment.items() if k.startswith(OURS)})

    def servers(self) -> list[Server]:
        """What to start, in this order."""
        return [self._store(), self._mlflow(), self._web(), *self._airflow()]

    def mirror(self, archive: Path, faults: Path | None = None) -> Server:
        """The archive's mirror over a folder of light curves, and what is to go wrong at it."""
        command = (
            *(sys.executable, "-m", "calnet_ops.cli", "archive", "serve", str(archive)),
            *("--port", str(self.ports.mirror)),
            *(("--faults", str(faults)) if faults else ()),
        )
        return Server("mirror", command, _answers(f"{self.url('mirror')}/"))

    def migrate_airflow(self) -> tuple[str, ...]:
        """Command that makes Airflow's database."""
        return _airflow_command("db", "migrate")

    def write_script(self) -> None:
        """Keep a shell script that lets a person's commands talk to the servers."""
        settings = self._own_settings() | self._mlflow_settings()
        lines = [f"export {k}={shlex.quote(v)}" for k, v in settings.items() if k.startswith(OURS)]
        file = self.folder / "env.sh"
        file.touch(mode=0o600)
        file.write_text("\n".join([*lines, ""]))

    def _own_settings(self) -> dict[str, str]:
        secret = self.credentials
        return {
            "CALNET_PATHS": str(self.paths_file),
            "CALNET_S3_ACCESS_KEY": secret.s3_access_key,
            "CALNET_S3_SECRET_KEY": secret.s3_secret_key,
            "CALNET_AIRFLOW_USER": "admin",
            "CALNET_AIRFLOW_PASSWORD": secret.airflow_password,
            "CALNET_WEB_USERS": json.dumps({"vetter": secret.vetter_password}),
            "CALNET_MLFLOW_WEBHOOK_SECRET": secret.webhook_secret,
            "CALNET_SIGNING_KEY": str(self.folder / SIGNING_KEY),
            "CALNET_SIGNING_PUBLIC_KEY": str(self.folder / PUBLIC_KEY),
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
            "OPENBLAS_NUM_THREADS": "1",  # tasks run side by side
            "PYTHONUNBUFFERED": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "GX_ANALYTICS_ENABLED": "false",
        }

    def _mlflow_settings(self) -> dict[str, str]:
        secret = self.credentials
        return {
            "AWS_ACCESS_KEY_ID": secret.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": secret.s3_secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": self.url("s3"),
            "MLFLOW_AUTH_CONFIG_PATH": str(self.folder / "mlflow-auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.jwt_secret,
            "MLFLOW_TRACKING_USERNAME": "keeper",
            "MLFLOW_TRACKING_PASSWORD": secret.mlflow_password,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": secret.fernet_key,
        }

    def _airflow_settings(self) -> dict[str, str]:
        home = self.folder / "airflow"
        settings = {
            "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__PARALLELISM": "4",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__FERNET_KEY": self.credentials.fernet_key,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url('airflow')}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.ports.airflow),
            "API__BASE_URL": self.url("airflow"),
            "API__WORKERS": "1",
            "API__SECRET_KEY": self.credentials.jwt_secret,
            "API_AUTH__JWT_SECRET": self.credentials.jwt_secret,
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "LOGGING__LOGGING_LEVEL": "WARNING",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        }
        return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{k}": v for k, v in settings.items()}

    def _store(self) -> Server:
        parts = ("s3", "master", "filer", "volume")
        http = [f"-{part}.port={getattr(self.ports, part)}" for part in (*parts, "admin")]
        grpc = [f"-{part}.port.grpc={getattr(self.ports, f'{part}_grpc')}" for part in parts]
        command = (
            *("weed", "mini", f"-dir={self.folder / 's3'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-s3.config={self.folder / 's3.json'}", "-admin.ui=false", "-webdav=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=0"),
            *http,
            *grpc,
        )
        return Server("s3", command, _answers(f"{self.url('s3')}/", any_status=True))

    def _mlflow(self) -> Server:
        command = (
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"),
            *("--port", str(self.ports.mlflow), "--workers", "1", "--app-name", "basic-auth"),
            *("--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"),
            *("--artifacts-destination", "s3://calnet/mlflow"),
        )
        return Server("mlflow", command, _answers(f"{self.url('mlflow')}/health"))

    def _web(self) -> Server:
        command = (
            *(sys.executable, "-m", "calnet_ops.cli", "web"),
            *("--port", str(self.ports.web)),
        )
        return Server("web", command, _answers(f"{self.url('web')}/health"))

    def _airflow(self) -> list[Server]:
        # one by one: `airflow standalone` leaves orphans behind when it is ended, and the log
        # servers that --skip-serve-logs leaves out listen on all interfaces
        health = f"{self.url('airflow')}/api/v2/monitor/health"
        return [
            Server("airflow-api", _airflow_command("api-server"), _answers(health)),
            Server(
                "airflow-scheduler",
                _airflow_command("scheduler", "--skip-serve-logs"),
                _healthy(health, "scheduler"),
            ),
            Server(
                "airflow-dag-processor",
                _airflow_command("dag-processor"),
                _healthy(health, "dag_processor"),
            ),
            Server(
                "airflow-triggerer",
                _airflow_command("triggerer", "--skip-serve-logs"),
                _healthy(health, "triggerer"),
            ),
        ]


def lay_out(folder: Path, archive: str | None = None) -> Embedded:
    """Prepare a folder for an installation: ports, credentials, `paths.json`, server files.

    Parameters
    ----------
    folder
        Made if needed; what is in it stays.
    archive
        Base URL of the archive; by default the mirror of this installation.
    """
    folder = folder.resolve()
    (folder / "airflow").mkdir(parents=True, exist_ok=True)
    (folder / "s3").mkdir(exist_ok=True)
    (folder / "airflow" / "config").mkdir(exist_ok=True)
    (folder / "airflow" / "config" / "airflow_local_settings.py").write_text(LOCAL_SETTINGS)
    ports = Ports(*free_ports(len(Ports.__dataclass_fields__)))
    credentials = Credentials.load_or_make(folder / "credentials.json")
    installation = Embedded(folder, ports, credentials)
    _write_paths(installation, archive or installation.url("mirror"))
    identity = {
        "name": "calnet",
        "credentials": [
            {"accessKey": credentials.s3_access_key, "secretKey": credentials.s3_secret_key}
        ],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_secret(folder / "s3.json", {"identities": [identity]})
    write_mlflow_login(folder, credentials)
    make_signing_key(folder)
    passwords = {"admin": credentials.airflow_password, "viewer": credentials.vetter_password}
    write_secret(folder / "airflow" / "passwords.json", passwords)
    write_secret(folder / "ports.json", asdict(ports))
    installation.write_script()
    return installation


def set_up_state(platform: Platform) -> None:
    """Make the bucket and the ledger's tables; what is there stays."""
    end = time.monotonic() + STORE_PATIENCE_S
    while True:
        try:
            platform.store.make_bucket()
            break
        except TransientError:  # it answers before it can make buckets
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
    platform.ledger.migrate()


def set_up_webhook(platform: Platform) -> None:
    """Have MLflow tell the pages when somebody moves an alias; once is enough."""
    hook = f"{platform.paths.web}/hooks/mlflow"
    platform.registry.send_webhook(hook, secret("CALNET_MLFLOW_WEBHOOK_SECRET"))


def _write_paths(installation: Embedded, archive: str) -> None:
    paths = json.loads((PROJECT / "paths.json").read_text())
    paths |= {
        "archive": paths["archive"] if archive == "mast" else _mirror_places(archive),
        "store": {"endpoint": installation.url("s3"), "bucket": "calnet"},
        "database": "sqlite:///calnet.db",
        "mlflow": installation.url("mlflow"),
        "airflow": installation.url("airflow"),
        "web": installation.url("web"),
        "work": "work",
    }
    installation.paths_file.write_text(json.dumps(paths, indent=2))


def _mirror_places(url: str) -> dict[str, object]:
    """A mirror stands for all of the archive, and for the public bucket."""
    bases = dict.fromkeys(("pages", "products", "target_lists"), url)
    return {**bases, "redirects": [], "second": {"endpoint": url, "bucket": "stpubdata"}}


def _airflow_command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "airflow", *words)


def _answers(url: str, *, any_status: bool = False) -> Callable[[], bool]:
    def is_ready() -> bool:
        try:
            answer = httpx.get(url, timeout=2.0)
        except httpx.HTTPError:
            return False
        return any_status or answer.is_success

    return is_ready


def _healthy(url: str, part: str) -> Callable[[], bool]:
    def is_ready() -> bool:
        try:
            health = httpx.get(url, timeout=5.0).json()
        except (httpx.HTTPError, ValueError):
            return False
        return bool(health.get(part, {}).get("status") == "healthy")

    return is_ready
