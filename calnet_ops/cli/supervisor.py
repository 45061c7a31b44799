"""Servers as plain processes on loopback that never outlive the program that started them."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from calnet_ops.errors import ServiceUnavailable

MARK = "CALNET_SUPERVISOR"
"""Environment variable that every process started here, and each of its descendants, carries.
Airflow's task processes leave the process group of their parent, but not its environment."""

PORTS = range(20_000, 32_000)
"""Below Linux's ephemeral ports (32,768 on), so that no outgoing connection takes one of them
between choosing and listening; 10,000 higher, where SeaweedFS puts gRPC ports, is valid too."""

GRACE_S = 20.0
"""How long a server may take to stop by itself. Airflow's scheduler needs up to 10 s on 2 cores."""

GUARDIAN = """
import os, sys
sys.stdin.read()  # returns when the supervisor closes the pipe, also by being killed
from calnet_ops.cli.supervisor import end_marked
end_marked(sys.argv[1])
"""
"""Survives the supervisor just long enough to clear up after it."""


@dataclass(frozen=True)
class Server:
    """A program to keep running."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    """Asked every half second until it says yes."""
    patience_s: float = 180.0
    """How long the start may take; MLflow needs 20 s, Airflow 40 s, on a quiet 2-core machine."""


@dataclass
class Supervisor:
    """Starts servers, waits until they are ready, and ends them all, whatever happens.

    Parameters
    ----------
    folder
        Where the logs go, one file a server.
    environment
        Of all servers.
    """

    folder: Path
    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _spawned: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _guardian: subprocess.Popen[bytes] | None = None
    _mark: str = ""

    def __enter__(self) -> Self:
        """Start the guardian first, so that nothing is ever unguarded."""
        self._mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._guardian = subprocess.Popen(
            [sys.executable, "-c", GUARDIAN, self._mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every process that carries the mark."""
        end_marked(self._mark)
        for process in self._spawned:
            process.wait(GRACE_S)
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            self._guardian.wait()

    def start(self, server: Server) -> None:
        """Start a server without waiting for it."""
        self.running[server.name] = self.spawn(server.name, server.command)

    def spawn(self, name: str, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        """Start a marked process with its output in ``<name>.log``."""
        with self._log(name) as log:
            process = subprocess.Popen(
                command,
                # setproctitle, which Airflow uses, would wipe the environment that shows the mark
                env={**self.environment, MARK: self._mark, "SPT_NOENV": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._spawned.append(process)
        return process

    def run(self, name: str, command: tuple[str, ...]) -> None:
        """Run a marked process to its end.

        Raises
        ------
        ServiceUnavailable
            If it fails.
        """
        self.finish(name, self.spawn(name, command))

    def finish(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a spawned process.

        Raises
        ------
        ServiceUnavailable
            If it fails.
        """
        if process.wait() != 0:
            raise self._failure(name, f"exit code {process.returncode}")

    def wait_ready(self, server: Server) -> None:
        """Wait until a started server answers.

        Raises
        ------
        ServiceUnavailable
            If it ends, or is not ready in its time.
        """
        end = time.monotonic() + server.patience_s
        while not server.is_ready():
            if self.running[server.name].poll() is not None:
                raise self._failure(server.name, "it has ended")
            if time.monotonic() > end:
                raise self._failure(server.name, f"no answer in {server.patience_s:.0f} s")
            time.sleep(0.5)

    def check(self) -> None:
        """Raise ServiceUnavailable if any server has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise self._failure(name, "it has ended")

    def _log(self, name: str) -> IO[bytes]:
        return (self.folder / f"{name}.log").open("ab")

    def _failure(self, name: str, found: str) -> ServiceUnavailable:
        log = self.folder / f"{name}.log"
        last = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        return ServiceUnavailable(
            name,
            found=f"{found}; last words: {' | '.join(last)}",
            expected="a running server",
            cure=f"Read {log}.",
        )


def end_marked(mark: str, grace_s: float = GRACE_S) -> None:
    """End all processes that carry a mark: ask first, then kill what is left.

    Parameters
    ----------
    mark
        Value of `MARK` in their environment.
    grace_s
        Time between asking and killing [s].
    """
    for process in _marked(mark):
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + grace_s
    while (left := _marked(mark)) and time.monotonic() < end:
        time.sleep(0.2)
    for process in left:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=grace_s)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now, drawn from `PORTS`."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            return found
    raise ServiceUnavailable("loopback", found=f"{len(found)} free ports", expected=str(count))


def _marked(mark: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _mark_of(process) == mark]


def _mark_of(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # gone by itself
