"""A mirror on a bad day: the faults of `calnet_ops.simulator.faults`, played over HTTP."""

import io
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from calnet_ops.lineage import sha256_hex
from calnet_ops.simulator import archive_forms as forms
from calnet_ops.simulator import fault_bytes
from calnet_ops.simulator.damage import html_page
from calnet_ops.simulator.faults import DAY_S, Fate, Faults, Lie, Place, Ranged, Trouble, Url
from calnet_ops.simulator.mirror import Mirror, MirrorRequest

DRIPS = 20
"""Pieces of a body that drips."""

NO_LINGER = struct.pack("ii", 1, 0)
"""Makes the end of a connection a reset."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what was done to it."""

    url: Url
    k: int
    """Requests of the same URL before."""
    method: str
    ranged: bool
    """Whether it asked for a part."""
    host: str
    """Whom it took us for; a foreign redirect shows here."""
    fault: str
    """Trouble or lie; empty if there was none."""


class FaultyMirror(Mirror):
    """A mirror with faults.

    Parameters
    ----------
    folder, host, port, access_log
        As of `Mirror`.
    faults
        What goes wrong; may be replaced while it serves.
    takes_notes
        Whether to keep all requests in `asked`: that grows as long as it serves.
    """

    def __init__(
        self,
        folder: Path,
        faults: Faults,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        access_log: bool = False,
        takes_notes: bool = False,
    ) -> None:
        super().__init__(folder, host, port, access_log=access_log)
        self.RequestHandlerClass = FaultyRequest
        self.faults = faults
        self.takes_notes = takes_notes
        self.asked: list[Asked] = []
        started = time.monotonic()
        self.clock: Callable[[], float] = lambda: time.monotonic() - started
        """Seconds since the start; a test may set another."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, url: Url) -> int:
        """How often a URL was asked for before this call."""
        with self._lock:
            self._counts[url.text] += 1
            return self._counts[url.text] - 1

    def asked_for(self, url: Url) -> int:
        """How often a URL was asked for so far."""
        return self._counts[url.text]

    def note(self, asked: Asked) -> None:
        """Write down a request."""
        with self._lock:
            self.asked.append(asked)


class FaultyRequest(MirrorRequest):
    """One connection of a mirror with faults."""

    server: FaultyMirror
    _url: Url
    _k: int
    _trouble: Trouble | None
    _lie: Lie | None
    _ranged: Ranged | None
    _chunked: bool
    _is_open_ended: bool
    _extra: dict[str, str]

    @override
    def _answer(self) -> None:
        faults = self.server.faults
        self._url = url = Url.parse(self.path)
        self._k = k = self.server.count(url)
        self._trouble, self._lie = faults.trouble_of(url, k), faults.lie_of(url, k)
        self._ranged = faults.ranged_of(url, k) if "Range" in self.headers else None
        self._chunked = self._is_open_ended = False
        self._extra = {}
        self.redirect_status = HTTPStatus(faults.redirect_status)
        self._note()
        if not (self._is_refused() or self._fails() or self._lies()):
            super()._answer()

    def _note(self) -> None:
        host, ranged = self.headers.get("Host", ""), "Range" in self.headers
        fault = self._lie or self._trouble or self._ranged or ""
        asked = Asked(self._url, self._k, self.command, ranged, host, str(fault))
        if self.server.takes_notes:
            self.server.note(asked)

    def _is_refused(self) -> bool:
        """Answer for what is never served or not there, and for a bucket that is down."""
        if self._fate() is Fate.ALWAYS_500:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
            return True
        if self._fate() is Fate.ALWAYS_RESET:
            self._reset()
            return True
        if self._url.place is Place.SECOND and self.server.faults.second_is_down:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return True
        if self._is_missing():
            if self._url.place is Place.SECOND:
                body = forms.no_such_key(self._url.text)
                self._refuse(HTTPStatus.NOT_FOUND, body, "application/xml")
            else:
                self._refuse(HTTPStatus.NOT_FOUND)
            return True
        return False

    def _fate(self) -> Fate | None:
        return self.server.faults.fate_of(self._url.file_name) if self._url.file_name else None

    def _is_missing(self) -> bool:
        fate = self._fate()
        return (
            fate is Fate.MISSING_AT_BOTH
            or (fate is Fate.MISSING_AT_FIRST and self._url.place is not Place.SECOND)
            or (fate is Fate.LATE and self.server.clock() < self.server.faults.late_s)
        )

    def _fails(self) -> bool:
        """Trouble that leaves no answer, or none but a status."""
        if self._trouble is None or self._lie is not None:
            return False
        if self._trouble.value.isdigit():
            if self._trouble is Trouble.S429:
                self._extra["Retry-After"] = self._retry_after()
            self._refuse(HTTPStatus(int(self._trouble)))
            return True
        has_no_body = self._url.place is Place.DOWNLOAD or self.command == "HEAD"
        early = has_no_body or self._draw("reset when") < 0.3  # noqa: PLR2004  # some of them
        if self._trouble is Trouble.RESET and early:
            self._reset()
            return True
        if self._trouble is Trouble.STALL and has_no_body:
            self._stall()
            return True
        return False

    def _lies(self) -> bool:
        """Lies that need nothing of the truth."""
        if self._lie is Lie.MISSING:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif self._lie is Lie.HTML:
            self._refuse(HTTPStatus.OK, html_page())
        elif self._lie is Lie.EMPTY:
            self._start(HTTPStatus.OK, {"Content-Length": "0"})
        elif self._lie is Lie.FOREIGN:
            self._extra["Location"] = self._abroad()
            self._start(self.redirect_status, {"Content-Length": "0"})
        else:
            return False
        return True

    def _abroad(self) -> str:
        """Same place by another name, so that whoever follows is seen here."""
        host, _, port = self.headers.get("Host", "").partition(":")
        other = "127.0.0.1" if host == "localhost" else "localhost"
        return f"http://{other}:{port}{forms.product_path(self._url.file_name)}"

    @override
    def _send(
        self, body: BinaryIO, n_bytes: int, tag: str, modified: float, content_type: str
    ) -> None:
        """Change what is served, then how."""
        true = body.read()
        there = self._file(true) if self._url.file_name else self._document(true)
        if there != true:
            tag, modified = f'"{sha256_hex(there)[:32]}"', modified - DAY_S
        served = self._told(there)
        if self._lie is Lie.GZIP:
            self._extra["Content-Encoding"] = "gzip"
        if served:
            self._choose_framing()
        super()._send(io.BytesIO(served), len(served), tag, modified, content_type)

    def _document(self, body: bytes) -> bytes:
        """Page, script or table as it stands now."""
        faults = self.server.faults
        if self._url.place is Place.PAGE and self._k < faults.no_links_for:
            return fault_bytes.without_links(body)
        if forms.SCRIPT.fullmatch(self._url.text) and self._k < faults.growing_for:
            return fault_bytes.grow(body, (self._k + 1) / (faults.growing_for + 1))
        return body

    def _file(self, body: bytes) -> bytes:
        """Light curve as this source has it now."""
        faults, name = self.server.faults, self._url.file_name
        fate, at_second = faults.fate_of(name), self._url.place is Place.SECOND
        if fate is Fate.REDELIVERED:
            return body if self._is_redelivered() else fault_bytes.earlier(body)
        if fate is Fate.BAD_DIFFERENTLY and at_second:
            return fault_bytes.splice(body, 0.5)
        if fate in {Fate.BAD_AT_BOTH, Fate.BAD_DIFFERENTLY} or (
            fate is Fate.BAD_AT_FIRST and not at_second
        ):
            return fault_bytes.damage(body, faults.damage_of(name), faults.draw("where", name))
        return body

    def _is_redelivered(self) -> bool:
        """Whether the product has been asked for often enough, at whichever source."""
        product = Url.parse(forms.product_path(self._url.file_name))
        return self.server.asked_for(product) > self.server.faults.redelivered_after

    def _told(self, body: bytes) -> bytes:
        """What is told of it."""
        number = self._draw("where")
        if self._lie is Lie.FLIPPED:
            return fault_bytes.flip(body, number)
        if self._lie is Lie.SPLICED:
            return fault_bytes.splice(body, number)
        if self._lie is Lie.CUT:
            return fault_bytes.cut(body, number)
        if self._lie is Lie.GZIP:
            return fault_bytes.zipped(body)
        return fault_bytes.without_links(body) if self._lie is Lie.NO_LINKS else body

    def _choose_framing(self) -> None:
        """Leave out Content-Length where the fault is that there is none."""
        if self._lie is Lie.CUT:
            self._chunked = self._draw("chunked") < 0.5  # noqa: PLR2004  # even odds
            self._is_open_ended = True
        elif self._trouble is Trouble.BROKEN and self._lie is None:
            self._chunked = self._is_open_ended = True

    @override
    def _wants_range(self, validators: dict[str, str]) -> bool:
        whole = self._lie in {Lie.CUT, Lie.GZIP} or self._ranged is Ranged.IGNORED
        if whole or not super()._wants_range(validators):
            return False
        if self._ranged is Ranged.UNMET:
            self.headers.replace_header("Range", f"bytes={2**60}-")
        elif self._ranged is Ranged.WRONG_PART:
            self.headers.replace_header("Range", "bytes=0-99")
        return True

    @override
    def _start(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        has_body = status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT} and self.command == "GET"
        if self._is_open_ended and has_body:
            headers = {k: v for k, v in headers.items() if k != "Content-Length"}
            framing = ("Transfer-Encoding", "chunked") if self._chunked else ("Connection", "close")
            headers |= {framing[0]: framing[1]}
        super()._start(status, headers | self._extra)

    @override
    def _write_body(self, body: BinaryIO, first: int, stop: int) -> None:
        body.seek(first)
        whole = body.read(stop - first)
        always_cut = self._fate() is Fate.ALWAYS_CUT
        part = fault_bytes.cut(whole, 0.5 if always_cut else self._draw("cut"))
        if self._lie is not None:
            return self._write([whole], end=True)
        if always_cut or self._trouble in {Trouble.SHORT, Trouble.BROKEN}:
            self.close_connection = True
            return self._write([part], end=False)
        if self._trouble is Trouble.RESET:
            self._write([part], end=False)
            return self._reset()
        if self._trouble is Trouble.STALL:
            self._write([part], end=False)
            return self._stall()
        if self._trouble is Trouble.DRIP:
            size = -(-len(whole) // DRIPS)
            drips = (whole[at : at + size] for at in range(0, len(whole), size))
            return self._write(drips, end=True, pause_s=self.server.faults.drip_s / DRIPS)
        return self._write([whole], end=True)

    def _write(self, pieces: Iterable[bytes], *, end: bool, pause_s: float = 0.0) -> None:
        """Send pieces, in chunks if it was said so; `end` says whether properly to the end."""
        for piece in pieces:
            if self._chunked and piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            else:
                self.wfile.write(piece)
            time.sleep(pause_s)
        if self._chunked and end:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = self.close_connection or (self._is_open_ended and not self._chunked)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def _stall(self) -> None:
        """Say nothing until the client gives up, or for a time."""
        self.close_connection = True
        select.select([self.connection], [], [], self.server.faults.stall_s)

    def _retry_after(self) -> str:
        seconds = self.server.faults.retry_after_s
        if self._draw("retry after") < 0.5:  # noqa: PLR2004  # even odds
            return str(seconds)
        return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)

    def _draw(self, *what: object) -> float:
        return self.server.faults.draw(*what, self._url.text, self._k)
