"""Servers on loopback that stand for the archive."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

from calnet_ops.simulator.mirror import Mirror


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Base URL of a server that runs in a thread meanwhile."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        host, port = server.server_address[:2]
        yield f"http://{host!s}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mirror_of(folder: Path) -> Iterator[str]:
    """Base URL of a mirror over a folder."""
    with serving(Mirror(folder)) as url:
        yield url


@dataclass
class Answer:
    """One answer of a server that does as it is told."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Replace the server's own; None leaves one out."""
    cut: int | None = None
    """Hang up after so many bytes of the body."""
    drip_s: float = 0
    """Seconds between two bytes of the body."""


class ScriptedServer(ThreadingHTTPServer):
    """Gives the answers of a list in their order, and notes what it was asked."""

    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptedRequest)
        self.answers = answers
        self.asked: list[dict[str, str]] = []
        self.ports: set[int] = set()
        """Where its clients' connections came from."""

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hang up between two requests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _ScriptedRequest(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = {"method": self.command, "path": self.path, **self.headers}
        self.server.asked.append(asked)
        self.server.ports.add(self.client_address[1])
        answer = self.server.answers.pop(0)
        self.send_response_only(answer.status)
        own = {"Date": formatdate(usegmt=True), "Content-Length": str(len(answer.body))}
        for name, value in {**own, **answer.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._send_body(answer)
        self.close_connection = answer.cut is not None or "Content-Length" in answer.headers

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send_body(self, answer: Answer) -> None:
        body = answer.body[: answer.cut]
        with suppress(OSError):  # the client may have had enough
            if not answer.drip_s:
                self.wfile.write(body)
                return
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(answer.drip_s)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
