"""Servers on loopback that stand for the archive."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Hang up after so many bytes of the body."""


class ScriptedServer(ThreadingHTTPServer):
    """Gives the answers of a list in their order, and notes what it was asked."""

    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptedRequest)
        self.answers = answers
        self.asked: list[dict[str, str]] = []


class _ScriptedRequest(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append({"path": self.path, **self.headers})
        answer = self.server.answers.pop(0)
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        self.close_connection = answer.cut is not None

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
