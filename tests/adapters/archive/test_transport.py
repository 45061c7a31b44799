"""What goes wrong under httpx is told by httpx, and no connection is lost by it."""

import socket
import ssl

import httpx
import pytest

from calnet_ops.adapters.archive.transport import CHUNK, Transport
from tests.support.mirrors import Answer, ScriptedServer, serving

pytestmark = pytest.mark.enable_socket

LONG = bytes(range(256)) * (3 * CHUNK // 256)


@pytest.fixture
def ask():
    """Client with a single connection to each host."""
    transport = Transport(1, ssl.create_default_context())
    with httpx.Client(transport=transport, timeout=httpx.Timeout(5.0, pool=None)) as client:
        yield client


def test_a_body_arrives_whole_and_its_connection_serves_again(ask):
    with serving(ScriptedServer([Answer(body=LONG), Answer(404), Answer(body=b"x")])) as url:
        assert ask.get(url).content == LONG
        assert ask.get(url).status_code == httpx.codes.NOT_FOUND
        assert ask.get(url, headers={"If-None-Match": '"1"'}).content == b"x"


def test_what_was_read_before_a_cut_is_not_lost(ask):
    chunks: list[bytes] = []
    with serving(ScriptedServer([Answer(body=LONG, cut=2 * CHUNK + 7)])) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            _read(ask, url, chunks)
        assert b"".join(chunks) == LONG[: 2 * CHUNK + 7]
        assert max(map(len, chunks)) <= CHUNK


def test_a_body_that_nobody_reads_gives_its_connection_free(ask):
    with serving(ScriptedServer([Answer(body=LONG)] * 3)) as url:
        for _ in range(3):
            with ask.stream("GET", url) as answer:
                assert answer.headers["Content-Length"] == str(len(LONG))


def test_silence_ends(ask):
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(httpx.ReadTimeout):
        ask.get(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1"])
def test_a_host_that_is_not_there_cannot_be_connected_to(ask, url):
    with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
        ask.get(url)


def test_nonsense_is_no_answer(ask):
    headers = {"Content-Length": "1, 2"}
    with serving(ScriptedServer([Answer(headers=headers)])) as url, pytest.raises(httpx.HTTPError):
        ask.get(url)


def _read(ask, url, chunks):
    with ask.stream("GET", url) as answer:
        for chunk in answer.iter_raw():
            chunks.append(chunk)
