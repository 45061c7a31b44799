"""A download that may be continued after it was cut."""

from dataclasses import dataclass, field, replace

import httpx

from calnet_ops.adapters.archive import Validators
from calnet_ops.adapters.archive.headers import (
    content_range,
    read_validators,
    strong_condition,
)
from calnet_ops.adapters.archive.retry import Again
from calnet_ops.errors import ArchiveUnavailable, IncompleteDownload


@dataclass
class Partial:
    """What has arrived of a product so far.

    It is continued only if the server can promise that it still has the same version: by a strong
    ETag, or, if it gives none, by a firm date and the same length. The bytes are held in memory
    and hashed and judged as a whole when they are complete, so those of an earlier try are part of
    what is hashed, and nothing is believed because an earlier try ended well.
    """

    chunks: list[bytes] = field(default_factory=list)
    validators: Validators = field(default_factory=Validators)
    """Of the answer it began with."""
    condition: str = ""
    """Strong ETag or firm date of that answer."""

    @property
    def n_held(self) -> int:
        """Bytes that are there."""
        return sum(map(len, self.chunks))

    def resume_headers(self) -> dict[str, str]:
        """Headers that ask for the rest, if it can be had safely."""
        if self.n_held and self.condition:
            return {"Range": f"bytes={self.n_held}-", "If-Range": self.condition}
        return {}

    def restart(self, answer: httpx.Response) -> None:
        """Begin anew: the server sends all of it."""
        self.chunks.clear()
        self.validators = read_validators(answer)
        self.condition = strong_condition(answer)
        if not self.validators.etag and self.validators.n_bytes is None:
            self.condition = ""

    def check_continues(self, url: str, answer: httpx.Response) -> None:
        """Make sure that a part (206) follows on what is there, and is of the same version."""
        said, held = read_validators(answer), self.validators
        part = content_range(answer)
        follows = part is not None and part[0] == self.n_held and part[1] + 1 == part[2]
        same = said.etag == held.etag and said.last_modified in {"", held.last_modified}
        same_length = held.n_bytes in {None, said.n_bytes}
        if not (self.condition and follows and same and same_length):
            found = f"{answer.headers.get('Content-Range', 'no range')} of {said}"
            self._start_over(url, found, f"bytes {self.n_held}- of {held}")
        self.validators = replace(held, n_bytes=said.n_bytes)

    def check_ended(self, url: str, answer: httpx.Response) -> None:
        """Accept that there is no more (416), if that agrees with what is there."""
        said, n_held = answer.headers, self.n_held
        same = said.get("ETag", self.validators.etag) == self.validators.etag
        if not (n_held and same and said.get("Content-Range", "") == f"bytes */{n_held}"):
            self._start_over(url, "status 416", f"bytes from {n_held} on")
        self.validators = replace(self.validators, n_bytes=n_held)

    def check_complete(self, url: str) -> None:
        """Make sure that all announced bytes are there.

        A server that announces no length cannot be checked here: what it sends is judged by the
        length that the FITS headers give.
        """
        n_bytes, n_total = self.n_held, self.validators.n_bytes
        if n_total is not None and n_bytes != n_total:
            if n_bytes > n_total:
                self.chunks.clear()
            raise Again(
                IncompleteDownload(url, found=f"{n_bytes} bytes", expected=f"{n_total} bytes")
            )

    def _start_over(self, url: str, found: str, expected: str) -> None:
        self.chunks.clear()
        raise Again(ArchiveUnavailable(url, found=found, expected=expected))
