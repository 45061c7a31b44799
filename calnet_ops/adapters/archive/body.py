"""Bodies of answers: read as bytes, to a bound, and not for ever."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from calnet_ops.adapters.archive.headers import whole_number
from calnet_ops.adapters.archive.retry import Again
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import ArchiveUnavailable, CalnetError, ForeignProduct

SMALL = 64 * 2**10
SMALL_S = 5.0
"""A body up to so long [bytes, s] is read to its end though nobody wants it, so that the
connection can be used again."""


class Bound(NamedTuple):
    """Longest body that is read, and what a longer one is called."""

    n_bytes: int
    error: type[CalnetError]

    def check(self, url: str, n_bytes: int) -> None:
        """Make sure that so many bytes are not too many."""
        if n_bytes > self.n_bytes:
            found, expected = f"{n_bytes} bytes", f"at most {self.n_bytes} bytes"
            raise self.error(url, found=found, expected=expected)


PAGE = Bound(16 * 2**20, ArchiveUnavailable)
"""The script of 20,000 files has 4 MB."""

PRODUCT = Bound(16 * 2**20, ForeignProduct)
"""Two-minute light curves have up to 4.2 MB, in sectors of double length."""


def read_body(
    answer: httpx.Response,
    bound: Bound,
    limit_s: float,
    n_held: int = 0,
    throttle: Throttle | None = None,
) -> Iterator[bytes]:
    """Chunks of a body as they arrive, never decompressed.

    Parameters
    ----------
    answer
        Whose body has not been read.
    bound
        Longest body, together with the `n_held` bytes that are there already.
    limit_s
        Longest time it may take [s], without that spent waiting for the throttle.
    n_held
        Bytes of the same file that an earlier try has read.
    throttle
        Paces the bytes.

    Raises
    ------
    Again
        If the body is compressed, has a length that is no number, or does not end in time.
    """
    url = str(answer.url)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        found, expected = f"a body in {encoding[:40]!r}", "the bytes as they are"
        raise Again(ArchiveUnavailable(url, found=found, expected=expected))
    length = answer.headers.get("Content-Length")
    if length is not None and whole_number(length) is None:
        found, expected = f"Content-Length {length[:40]!r}", "a whole number"
        raise Again(ArchiveUnavailable(url, found=found, expected=expected))
    n_bytes, started = n_held, time.monotonic()
    bound.check(url, n_bytes + (_announced(answer) or 0))
    for chunk in answer.iter_raw():
        started += throttle.take(len(chunk)) if throttle else 0
        n_bytes += len(chunk)
        bound.check(url, n_bytes)
        if time.monotonic() - started > limit_s:
            found = f"{n_bytes} bytes after {limit_s:.0f} s"
            raise Again(ArchiveUnavailable(url, found=found, expected="the end of the body"))
        yield chunk


def read_small(answer: httpx.Response, limit_s: float = SMALL_S) -> bool:
    """Read a body that nobody wants to its end, if that is near; whether it was reached."""
    n_bytes = _announced(answer)
    if n_bytes is None or n_bytes > SMALL:
        return False
    started = time.monotonic()
    return all(time.monotonic() - started < limit_s for _ in answer.iter_raw())


def _announced(answer: httpx.Response) -> int | None:
    return whole_number(answer.headers.get("Content-Length", ""))
