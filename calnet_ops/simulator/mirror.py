"""An HTTP server that answers like MAST, and like the public bucket, over a folder of light curves.

Every ``*.fits`` in ``FOLDER/sDDD/`` is listed and served, whatever it is: MAST's own scripts
hold two-minute light curves only, but a mirror is also there to show what happens to a file
that does not belong.
"""

import io
import os
import re
import socketserver
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import override

from calnet_ops.errors import WrongConfiguration
from calnet_ops.lineage import sha256_hex
from calnet_ops.simulator import archive_forms as forms
from calnet_ops.simulator.archive_folder import ArchiveFolder, Star

IDLE_S = 60
"""Idle connections are closed after this long, as web servers do."""

RANGE = re.compile(r"bytes=(\d*)-(\d*)")
"""A single byte range."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page, script or table, ready to send."""

    body: bytes
    modified: float
    """Seconds since 1970."""
    content_type: str


class Mirror(ThreadingHTTPServer):
    """The server; call `serve_forever`, in a thread or not, and `shutdown`.

    Parameters
    ----------
    folder
        Folder with ``sDDD/*.fits``; sectors that appear later are served at once.
    host, port
        Where to listen; port 0 takes a free one.
    access_log
        Whether to write a line to stderr for each request.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, folder: Path, host: str = "127.0.0.1", port: int = 0, *, access_log: bool = False
    ) -> None:
        if not folder.is_dir():
            raise WrongConfiguration(
                str(folder), found="no such folder", expected="a folder with sDDD/*_lc.fits"
            )
        self.archive = ArchiveFolder(folder)
        self.access_log = access_log
        super().__init__((host, port), MirrorRequest)

    @property
    def url(self) -> str:
        """Base URL, for all three places of `paths.json`."""
        return f"http://{self.server_name}:{self.server_port}"

    @override
    def server_bind(self) -> None:
        """Listen without asking the name server for our own name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hang up in the middle: that is no error of ours."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def document(self, path: str) -> Document | None:
        """Page, script or table at a path, if there is one."""
        if path == "/":
            return _page(forms.index_page())
        if path in {forms.PAGE_PATH, forms.PAGE_ALIAS}:
            return _page(forms.bulk_page(self.archive.sectors()))
        if path == forms.TCE_PATH:
            names = {sector: self._cdpp_name(sector) for sector in self.archive.sectors()}
            return _page(forms.tce_page(names))
        for pattern, make in (
            (forms.SCRIPT, self._script),
            (forms.CDPP, self._cdpp_table),
            (forms.TARGETS, self._target_list),
        ):
            match = pattern.fullmatch(path)
            if match and self.archive.files(int(match["sector"])):
                return make(int(match["sector"]), match["name"])
        return None

    def _script(self, sector: int, _name: str) -> Document:
        body = forms.script([file.name for file in self.archive.files(sector)])
        return Document(body, self.archive.changed_at(sector), "application/x-sh")

    def _cdpp_table(self, sector: int, name: str) -> Document:
        return self._table(sector, name, forms.cdpp_table)

    def _target_list(self, sector: int, name: str) -> Document:
        return self._table(sector, name, forms.target_list)

    def _table(self, sector: int, name: str, make: Callable[[int, list[Star]], bytes]) -> Document:
        """Table that the simulator wrote, else one made from the headers."""
        written = self.archive.written_table(name)
        if written:
            return Document(written.read_bytes(), written.stat().st_mtime, "text/csv")
        body = make(sector, self.archive.stars(sector))
        return Document(body, self.archive.changed_at(sector), "text/csv")

    def _cdpp_name(self, sector: int) -> str:
        written = self.archive.written_table(f"tess*-s{sector:04d}-*_rms-cdpp.csv")
        return written.name if written else forms.cdpp_name(sector)


class MirrorRequest(BaseHTTPRequestHandler):
    """One connection: GET and HEAD, conditional and by range."""

    server: Mirror
    redirect_status = HTTPStatus.FOUND
    protocol_version = "HTTP/1.1"
    server_version = "calnet-ops-mirror"
    disable_nagle_algorithm = True
    timeout = IDLE_S

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._answer()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write the access log, if it is wanted."""
        if self.server.access_log:
            super().log_message(format, *args)

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.rstrip("/") == forms.DOWNLOAD_PATH:
            return self._redirect(parse_qs(url.query).get("uri", [""])[0])
        file = self._product(path.removeprefix(forms.BUCKET))
        if file:
            return self._send_file(file)
        if path.startswith(f"{forms.BUCKET}/"):
            return self._refuse(HTTPStatus.NOT_FOUND, forms.no_such_key(path), "application/xml")
        document = self.server.document(path)
        if document is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        tag = f'"{sha256_hex(document.body)[:32]}"'
        with io.BytesIO(document.body) as body:
            self._send(body, len(document.body), tag, document.modified, document.content_type)
        return None

    def _redirect(self, uri: str) -> None:
        """Send the client on to the public bucket, as MAST does."""
        name = uri.removeprefix(forms.PRODUCT_URI)
        if name == uri or self.server.archive.find(name) is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        host = self.headers.get("Host", urlsplit(self.server.url).netloc)
        location = f"http://{host}{forms.product_path(name)}"
        return self._start(self.redirect_status, {"Location": location, "Content-Length": "0"})

    def _product(self, path: str) -> Path | None:
        """Light curve at a path of the public bucket."""
        name = path.rpartition("/")[2]
        return self.server.archive.find(name) if path == forms.product_path(name) else None

    def _send_file(self, path: Path) -> None:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            tag = f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"'
            self._send(file, facts.st_size, tag, facts.st_mtime, "application/fits")

    def _send(
        self, body: BinaryIO, n_bytes: int, tag: str, modified: float, content_type: str
    ) -> None:
        """Answer with all of a body, a part of it, or word that nothing changed."""
        validators = {"ETag": tag, "Last-Modified": formatdate(modified, usegmt=True)}
        if self._is_unchanged(tag, modified):
            return self._start(HTTPStatus.NOT_MODIFIED, validators)
        first, stop, status = 0, n_bytes, HTTPStatus.OK
        if self._wants_range(validators):
            part = parse_range(self.headers["Range"], n_bytes)
            if part is None:
                unmet = {"Content-Range": f"bytes */{n_bytes}", "Content-Length": "0"}
                return self._start(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, unmet)
            (first, stop), status = part, HTTPStatus.PARTIAL_CONTENT
            validators["Content-Range"] = f"bytes {first}-{stop - 1}/{n_bytes}"
        sizes = {"Content-Type": content_type, "Content-Length": str(stop - first)}
        self._start(status, validators | sizes | {"Accept-Ranges": "bytes"})
        if self.command == "GET" and stop > first:
            self._write_body(body, first, stop)
        return None

    def _write_body(self, body: BinaryIO, first: int, stop: int) -> None:
        self.connection.sendfile(body, first, stop - first)

    def _is_unchanged(self, tag: str, modified: float) -> bool:
        known = self.headers.get("If-None-Match")
        if known is not None:
            return tag in known or known.strip() == "*"
        since = self.headers.get("If-Modified-Since")
        try:
            return since is not None and modified < parsedate_to_datetime(since).timestamp() + 1
        except ValueError:
            return False

    def _wants_range(self, validators: dict[str, str]) -> bool:
        condition = self.headers.get("If-Range")
        return "Range" in self.headers and (condition is None or condition in validators.values())

    def _refuse(
        self, status: HTTPStatus, body: bytes = b"", content_type: str = "text/html"
    ) -> None:
        body = body or forms.error_page(status)
        self._start(status, {"Content-Type": content_type, "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _start(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def parse_range(text: str, n_bytes: int) -> tuple[int, int] | None:
    """First byte and one past the last of a range; None if it lies outside (416).

    Several ranges at once, or a unit other than bytes, give the whole body.

    Examples
    --------
    >>> parse_range("bytes=10-", 100), parse_range("bytes=-10", 100), parse_range("bytes=0-9", 100)
    ((10, 100), (90, 100), (0, 10))
    >>> parse_range("bytes=100-", 100)
    """
    match = RANGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return 0, n_bytes
    first, last = match.groups()
    if not first:
        return (max(0, n_bytes - int(last)), n_bytes) if int(last) and n_bytes else None
    stop = min(int(last) + 1, n_bytes) if last else n_bytes
    return (int(first), stop) if int(first) < stop else None


def _page(html: str) -> Document:
    return Document(html.encode(), time.time(), "text/html; charset=utf-8")
