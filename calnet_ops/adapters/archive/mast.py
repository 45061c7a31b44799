"""The one client of MAST; a mirror differs by its base URLs only."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

import calnet_ops
from calnet_ops.adapters.archive import Fetched, Script, Validators
from calnet_ops.adapters.archive.retry import Again, Patience, insist, retry_after_s
from calnet_ops.adapters.archive.script import parse_script
from calnet_ops.errors import (
    ArchiveUnavailable,
    CalnetError,
    ForeignProduct,
    IncompleteDownload,
    MissingAtSource,
)
from calnet_ops.lineage import sha256_hex

PAGE = "/tess/bulk_downloads/bulk_downloads_ffi-tp-lc-dv.html"
TCE_PAGE = "/tess/bulk_downloads/bulk_downloads_tce.html"
SCRIPT = "/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh"

TARGETS = "/public/target_lists/2m/all_targets_S{sector:03d}_v1.csv"

SCRIPT_LINK = re.compile(r"""href=["'][^"']*/tesscurl_sector_([1-9]\d*)_lc\.sh["']""")
CDPP_LINK = r"""href=["']([^"']*-s{sector:04d}-s{sector:04d}-\d+_rms-cdpp\.csv)["']"""

CONNECTIONS_PER_HOST = 4
"""MAST strained under 100 (lightkurve issue 993); four each to five hosts fetched 55,986 files
without a single 429."""

TIMEOUT = httpx.Timeout(60.0, connect=20.0, pool=None)
"""A stalled body is given up after a minute and resumed; a free connection is waited for."""

MAX_BYTES = 64 * 2**20
"""No light curve is larger: 20-s files have 12 MB, two-minute ones up to 4.2 MB."""

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be better next time."""

GONE = frozenset({404, 410})


class MastArchive:
    """MAST's pages, scripts, tables and products.

    Parameters
    ----------
    client
        From `open_client`.
    pages, products
        Base URLs: of pages, scripts and tables, and of light curves.
    patience
        The retry policy.
    """

    def __init__(
        self,
        client: httpx.Client,
        pages: str,
        products: str,
        patience: Patience | None = None,
        target_lists: str = "",
    ) -> None:
        self._client = client
        self._pages = pages.rstrip("/")
        self._products = products.rstrip("/")
        self._target_lists = (target_lists or pages).rstrip("/")
        self._patience = patience or Patience()

    def list_sectors(self) -> list[int]:
        """Sectors that have a light-curve script, ascending."""
        page = self._fetch(PAGE).text
        sectors = sorted({int(number) for number in SCRIPT_LINK.findall(page)})
        if not sectors:
            raise ArchiveUnavailable(
                f"{self._pages}{PAGE}",
                found="a page without a link to any light-curve script",
                expected="one per sector",
            )
        return sectors

    def is_unchanged(self, sector: int, since: str) -> bool:
        """Whether a sector's script is still the one with that Last-Modified."""
        if not since:
            return False
        answer = self._fetch(
            SCRIPT.format(sector=sector), method="HEAD", headers={"If-Modified-Since": since}
        )
        unchanged = answer.status_code == httpx.codes.NOT_MODIFIED
        return unchanged or bool(answer.headers.get("Last-Modified") == since)

    def fetch_script(self, sector: int) -> Script:
        """List of a sector's light curves."""
        path = SCRIPT.format(sector=sector)
        answer = self._fetch(path)
        body = answer.content
        files = parse_script(path.rpartition("/")[2], body)
        said = read_validators(answer)
        return Script(sector, files, sha256_hex(body), said.last_modified, said.etag)

    def count_expected(self, sector: int) -> int | None:
        """Two-minute targets in the sector's CDPP table; None if there is no table yet."""
        link = re.search(CDPP_LINK.format(sector=sector), self._fetch(TCE_PAGE).text)
        if link is None:
            return None
        lines = self._fetch(urlsplit(urljoin(TCE_PAGE, link[1])).path).text.splitlines()
        return len({tic for line in lines if (tic := line.partition(",")[0].strip()).isdigit()})

    def count_planned(self, sector: int) -> int | None:
        """Two-minute targets in the sector's target list; None if it is not to be had."""
        try:
            answer = self._fetch(TARGETS.format(sector=sector), base=self._target_lists)
        except CalnetError:
            return None
        return sum(line.partition(",")[0].isdigit() for line in answer.text.splitlines()) or None

    def fetch_product(self, url: str, held_etag: str = "") -> Fetched | None:
        """Bytes of a file that a script lists, from our base URL."""
        target = self._product_url(url)
        partial = Partial()

        def attempt(n_try: int) -> Fetched | None:
            if not self._read_on(target, partial, held_etag):
                return None
            return Fetched(bytes(partial.body), n_try, partial.validators)

        return insist(attempt, target, self._patience)

    def probe_product(self, url: str) -> Validators:
        """What the archive says of a file that a script lists, without its bytes."""
        target = self._product_url(url)

        def attempt(_n_try: int) -> Validators:
            with self._stream(target, {}, "HEAD") as answer:
                if answer.status_code in GONE:
                    raise _missing(target, answer)
                if answer.status_code != httpx.codes.OK:
                    raise _unexpected(target, answer)
                return read_validators(answer)

        return insist(attempt, target, self._patience)

    def _product_url(self, url: str) -> str:
        parts = urlsplit(url)
        return f"{self._products}{parts.path}?{parts.query}"

    def _fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        base: str = "",
    ) -> httpx.Response:
        """Answer with a page, script or table."""
        url = f"{base or self._pages}{path}"

        def attempt(_n_try: int) -> httpx.Response:
            with self._stream(url, headers or {}, method) as answer:
                if answer.status_code not in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                    raise _unexpected(url, answer)
                answer.read()
                return answer

        return insist(attempt, url, self._patience)

    def _read_on(self, url: str, partial: "Partial", held_etag: str) -> bool:
        """Read a product from where the last try stopped; whether it is not the one held."""
        headers = partial.resume_headers()
        if held_etag and not headers:
            headers = {"If-None-Match": held_etag}
        with self._stream(url, headers) as answer:
            if answer.status_code in GONE:
                raise _missing(url, answer)
            if answer.status_code == httpx.codes.NOT_MODIFIED and "If-None-Match" in headers:
                return False
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.finish_at(url, answer)
                return True
            if answer.status_code == httpx.codes.PARTIAL_CONTENT:
                partial.check_continues(url, answer)
            elif answer.status_code == httpx.codes.OK:
                partial.restart(answer)
            else:
                raise _unexpected(url, answer)
            _refuse_large(url, answer)
            for chunk in answer.iter_raw():
                partial.add(url, chunk)
        partial.check_complete(url)
        return True

    @contextmanager
    def _stream(
        self, url: str, headers: dict[str, str], method: str = "GET"
    ) -> Iterator[httpx.Response]:
        with self._client.stream(method, url, headers=headers) as answer:
            if answer.status_code in BUSY:
                raise Again(_unexpected(url, answer), retry_after_s(answer))
            yield answer


@dataclass
class Partial:
    """What has arrived of a product so far."""

    body: bytearray = field(default_factory=bytearray)
    tag: str = ""
    """ETag of the answer it began with; only the same one may be continued."""
    n_total: int | None = None
    """Bytes announced."""
    validators: Validators = field(default_factory=Validators)

    def resume_headers(self) -> dict[str, str]:
        """Headers that ask for the rest, if the server gave a strong tag."""
        if self.body and self.tag.startswith('"'):
            return {"Range": f"bytes={len(self.body)}-", "If-Range": self.tag}
        return {}

    def restart(self, answer: httpx.Response) -> None:
        """Begin anew: the server sends all of it."""
        self.body.clear()
        self.tag = answer.headers.get("ETag", "")
        length = answer.headers.get("Content-Length", "")
        self.n_total = int(length) if length.isdigit() else None
        self.validators = read_validators(answer)

    def check_continues(self, url: str, answer: httpx.Response) -> None:
        """Make sure that a part follows on what is there."""
        expected = f"bytes {len(self.body)}-"
        found = answer.headers.get("Content-Range", "")
        if not found.startswith(expected) or answer.headers.get("ETag", self.tag) != self.tag:
            self.body.clear()
            raise Again(ArchiveUnavailable(url, found=found or "no range", expected=expected))

    def finish_at(self, url: str, answer: httpx.Response) -> None:
        """Accept that there is no more (416), if that agrees with what is there."""
        if answer.headers.get("Content-Range", "") != f"bytes */{len(self.body)}":
            n_byte = len(self.body)
            self.body.clear()
            raise Again(
                ArchiveUnavailable(url, found="status 416", expected=f"bytes from {n_byte} on")
            )

    def add(self, url: str, chunk: bytes) -> None:
        """Append what arrived."""
        self.body += chunk
        if len(self.body) > MAX_BYTES:
            raise _too_large(url, f"more than {MAX_BYTES} bytes")

    def check_complete(self, url: str) -> None:
        """Make sure that all announced bytes are there."""
        if self.n_total is not None and len(self.body) != self.n_total:
            found, expected = f"{len(self.body)} bytes", f"{self.n_total} bytes"
            if len(self.body) > self.n_total:
                self.body.clear()
            raise Again(IncompleteDownload(url, found=found, expected=expected))


def open_client(bases: list[str], contact: str) -> httpx.Client:
    """HTTP client with few connections per host and a name that tells who asks.

    Parameters
    ----------
    bases
        Base URLs; each host has its own connections, and so have the targets of redirects.
    contact
        Address of the people who run this installation.
    """
    limits = httpx.Limits(
        max_connections=CONNECTIONS_PER_HOST, max_keepalive_connections=CONNECTIONS_PER_HOST
    )
    tls = _tls()
    agent = f"calnet-ops/{calnet_ops.__version__}" + (f" ({contact})" if contact else "")
    return httpx.Client(
        # bytes are to be counted and hashed as they are stored
        headers={"User-Agent": agent, "Accept-Encoding": "identity"},
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=5,
        transport=httpx.HTTPTransport(verify=tls, limits=limits),
        mounts={
            base: httpx.HTTPTransport(verify=tls, limits=limits) for base in {*map(_origin, bases)}
        },
    )


@cache
def _tls() -> ssl.SSLContext:
    """Trusted authorities, read once: it takes 20 ms for each connection pool."""
    return httpx.create_ssl_context()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def read_validators(answer: httpx.Response) -> Validators:
    """What an answer says of the version it carries."""
    length = answer.headers.get("Content-Length", "")
    return Validators(
        answer.headers.get("ETag", ""),
        answer.headers.get("Last-Modified", ""),
        int(length) if length.isdigit() else None,
    )


def _missing(url: str, answer: httpx.Response) -> MissingAtSource:
    return MissingAtSource(url, found=f"status {answer.status_code}", expected="a light curve")


def _unexpected(url: str, answer: httpx.Response) -> ArchiveUnavailable:
    return ArchiveUnavailable(url, found=f"status {answer.status_code}", expected="status 200")


def _refuse_large(url: str, answer: httpx.Response) -> None:
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise _too_large(url, f"{length} bytes announced")


def _too_large(url: str, found: str) -> ForeignProduct:
    return ForeignProduct(url, found=found, expected=f"at most {MAX_BYTES} bytes")
