"""Pages as last read, with what is needed to ask whether they changed."""

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from calnet_ops.adapters.archive import Validators
from calnet_ops.adapters.archive.headers import is_framed, read_validators, strong_condition
from calnet_ops.lineage import sha256_hex

MAX_PAGES = 1000
"""A script, a table and a target list for each of 300 sectors; a script of 20,000 files takes
160 kB, compressed."""

KEEP_S = 24 * 3600
"""A page is read anew each day [s], so that wrong bytes under the right ETag do not stay."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, script or table."""

    body: bytes = b""
    validators: Validators = field(default_factory=Validators)
    condition: str = ""
    """Strong ETag or firm date; empty if the server gave none, then it is not kept."""

    @classmethod
    def of(cls, body: bytes, answer: httpx.Response) -> "Page":
        """Page that an answer carried.

        One of which nobody can say that it arrived whole gets no condition: a cut script must not
        be believed for ever because the server says that the whole one did not change.
        """
        condition = strong_condition(answer) if is_framed(answer) else ""
        return cls(body, read_validators(answer), condition)

    @property
    def text(self) -> str:
        """As UTF-8, whatever is in it."""
        return self.body.decode("utf-8", "replace")

    def is_meant_by(self, answer: httpx.Response) -> bool:
        """Whether "not modified" (304) can mean this page."""
        etag = self.validators.etag
        return bool(self.condition) and answer.headers.get("ETag", etag) == etag


class PageShelf:
    """Pages on local disk, only to spare the archive: it may be emptied at any time.

    Every page is asked for again each time and taken from here only if the server says that it
    did not change. (RFC 9111 would let a cache serve it for a while without asking, and so do the
    ready-made ones; a detector of changes must not.) Several processes may share a folder.

    Parameters
    ----------
    folder
        Where they are kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def load(self, url: str) -> Page:
        """Page as last read; an empty one if it is not there, not whole, or a day old."""
        for file in self._files(url):
            with suppress(OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
                if time.time() - file.stat().st_mtime > KEEP_S:
                    return Page()
                head, _, body = gzip.decompress(file.read_bytes()).partition(b"\n")
                facts = json.loads(head)
                return Page(body, Validators(**facts["validators"]), facts["condition"])
        return Page()

    def save(self, url: str, page: Page) -> None:
        """Keep a page, if it can be asked for conditionally; a full disk is no error."""
        facts = {"validators": asdict(page.validators), "condition": page.condition}
        for file in self._files(url) if page.condition else ():
            part = file.with_name(f"{uuid4().hex}.part")
            with suppress(OSError):
                part.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(gzip.compress(json.dumps(facts).encode() + b"\n" + page.body))
                part.replace(file)
                _drop_oldest(part.parent)

    def drop(self, url: str) -> None:
        """Keep a page no longer."""
        for file in self._files(url):
            with suppress(OSError):
                file.unlink()

    def _files(self, url: str) -> Iterator[Path]:
        """The file of a page, if pages are kept."""
        if self._folder is not None:
            yield self._folder / f"{sha256_hex(url.encode())[:32]}.gz"


def _drop_oldest(folder: Path) -> None:
    files = list(folder.iterdir())
    if len(files) > MAX_PAGES:
        for file in sorted(files, key=lambda file: file.stat().st_mtime)[:-MAX_PAGES]:
            file.unlink(missing_ok=True)
