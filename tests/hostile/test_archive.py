"""A hostile archive costs a few tries and little memory, and sends us nowhere."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.errors import ArchiveUnavailable, CalnetError, ForeignProduct, IncompleteDownload
from tests.support.mirrors import Answer, ScriptedServer, serving
from tests.support.spoc_files import spoc_name

URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{spoc_name()}"

ASK: dict[str, Callable[[MastArchive], object]] = {
    "page": MastArchive.list_sectors,
    "script": lambda archive: archive.fetch_script(87),
    "table": lambda archive: archive.count_expected(87),
    "product": lambda archive: archive.fetch_product(URL),
}
"""Whatever is read of an archive."""

REFUSALS = (ArchiveUnavailable, ForeignProduct, IncompleteDownload)


@pytest.fixture(params=ASK)
def ask(request: pytest.FixtureRequest) -> Callable[[MastArchive], object]:
    return ASK[request.param]


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """A few hundred kilobytes that become 100 MB."""
    zeros = bytes(2**20)

    def packed(wbits: int) -> bytes:
        packer = zlib.compressobj(1, wbits=wbits)
        return b"".join(packer.compress(zeros) for _ in range(100)) + packer.flush()

    once = packed(31)
    return {"gzip": once, "deflate": packed(15), "gzip, gzip": gzip.compress(once)}


def again(answer: Answer) -> list[Answer]:
    """The same for each try, of a page and of what it links to."""
    return [answer] * 8


@contextmanager
def within(n_bytes: int, seconds: float) -> Iterator[None]:
    """Fail if more memory is taken meanwhile, or more time."""
    began = time.monotonic()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip", "br", "zstd"])
def test_compressed_bombs_are_refused_unread(scripted, ask, bombs, encoding):
    body = bombs.get(encoding, b"no such thing")
    _, archive = scripted(*again(Answer(body=body, headers={"Content-Encoding": encoding})))
    with within(4 * 2**20, 20), pytest.raises(REFUSALS, match="found a body in"):
        ask(archive)


def test_bomb_without_a_name_is_bytes_like_any_other(scripted, bombs):
    _, archive = scripted(*again(Answer(body=bombs["gzip"])))
    with within(8 * 2**20, 20):
        fetched = archive.fetch_product(URL)
    assert fetched is not None
    assert fetched.body == bombs["gzip"]


@pytest.mark.parametrize("length", ["10000000000", "99999999999999999999", "-1", "1e9"])
def test_absurd_lengths_are_refused_soon(scripted, ask, length):
    _, archive = scripted(*again(Answer(body=b"#!/bin/sh\n", headers={"Content-Length": length})))
    with within(4 * 2**20, 20), pytest.raises(CalnetError) as caught:
        ask(archive)
    assert isinstance(caught.value, REFUSALS)


def test_ten_thousand_headers_are_refused(scripted, ask):
    headers = {f"X-Header-{number}": "x" * 100 for number in range(10_000)}
    _, archive = scripted(*again(Answer(body=b"#!/bin/sh\n", headers=headers)))
    with within(16 * 2**20, 20), pytest.raises(REFUSALS):
        ask(archive)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(scripted, ask, status):
    with serving(foreign := ScriptedServer([Answer(body=b"secret")])) as elsewhere:
        _, archive = scripted(*again(Answer(status, headers={"Location": f"{elsewhere}/file"})))
        with within(4 * 2**20, 20), pytest.raises(REFUSALS, match="redirect"):
            ask(archive)
    assert not foreign.asked
