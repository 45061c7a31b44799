import gzip
import socket
import time

import httpx
import pytest

from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.retry import Again
from calnet_ops.errors import ArchiveUnavailable, IncompleteDownload, LeftAlone
from tests.support.mirrors import Answer, ScriptedServer, serving
from tests.support.spoc_files import spoc_name

URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{spoc_name()}"
BODY = bytes(range(256)) * 40


def host_of(server: ScriptedServer) -> str:
    return f"127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_followed_and_keeps_the_headers(scripted, status):
    server, archive = scripted(
        Answer(status, b"go on", {"Location": "/tess/public/x.fits"}), Answer(body=BODY)
    )
    assert archive.fetch_product(URL, '"held"').body == BODY
    assert [asked["path"] for asked in server.asked][1] == "/tess/public/x.fits"
    assert server.asked[1]["If-None-Match"] == '"held"'


def test_redirect_to_a_host_that_was_named_is_followed(scripted):
    other = ScriptedServer([Answer(body=BODY)])
    with serving(other) as url:
        _, archive = scripted(
            Answer(307, headers={"Location": f"{url}/x.fits"}), redirects=(host_of(other),)
        )
        assert archive.fetch_product(URL).body == BODY


@pytest.mark.parametrize(
    "location",
    [
        "{other}/x.fits",
        "//evil.example/x.fits",
        "https://stpubdata.s3.us-east-1.amazonaws.com.evil.example/x.fits",
        "http://user:word@{own}/x.fits",
        "http://{own}@evil.example/x.fits",
        "ftp://{own}/x.fits",
        "file:///etc/passwd",
        "http://[::",
        "http://127.0.0.1:99999999/",
        "",
    ],
)
def test_redirect_to_anywhere_else_is_not_believed(scripted, location):
    other = ScriptedServer([])
    with serving(other) as url:
        answer = Answer(302)
        server, archive = scripted(*[answer] * 3)
        answer.headers = {"Location": location.format(other=url, own=host_of(server))}
        with pytest.raises(ArchiveUnavailable, match=r"a redirect to|Invalid URL"):
            archive.fetch_product(URL)
    assert not other.asked
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("here", "location", "there"),
    [
        ("https://a.example/x", "https://b.example/y", "https://b.example/y"),
        ("http://b.example/x", "https://a.example/y", "https://a.example/y"),
        ("http://b.example/x", "/y", "http://b.example/y"),
        ("https://a.example/x", "http://b.example/y", None),
    ],
)
def test_redirect_from_https_to_http_is_not_followed(here, location, there):
    with open_client(["https://a.example", "http://b.example"], "") as client:
        if there:
            assert client.redirected(httpx.URL(here), location) == there
            return
        with pytest.raises(Again):
            client.redirected(httpx.URL(here), location)


def test_redirects_in_a_circle_end(scripted):
    server, archive = scripted(*[Answer(302, headers={"Location": "/again"})] * 18)
    with pytest.raises(ArchiveUnavailable, match="another redirect, expected at most 5"):
        archive.fetch_product(URL)
    assert len(server.asked) == 18


def test_client_says_who_it_is(scripted):
    server, archive = scripted(Answer(body=BODY))
    archive.fetch_product(URL)
    assert server.asked[0]["User-Agent"] == "calnet-ops/0.1.0 (ops@example.org)"
    assert server.asked[0]["Accept-Encoding"] == "identity"


def test_compressed_body_is_refused_unread(scripted):
    bomb = Answer(body=gzip.compress(bytes(10**7)), headers={"Content-Encoding": "gzip"})
    _, archive = scripted(*[bomb] * 6)
    with pytest.raises(ArchiveUnavailable, match="a body in 'gzip'"):
        archive.fetch_product(URL)
    with pytest.raises(ArchiveUnavailable, match="a body in 'gzip'"):
        archive.list_sectors()


def test_compressed_body_of_an_error_is_not_unpacked(scripted):
    bomb = Answer(503, gzip.compress(bytes(10**7)), headers={"Content-Encoding": "gzip"})
    _, archive = scripted(*[bomb] * 3)
    with pytest.raises(ArchiveUnavailable, match="status 503"):
        archive.fetch_product(URL)


def test_slow_drip_ends(scripted):
    drip = Answer(body=BODY, drip_s=0.05)
    _, archive = scripted(*[drip] * 3, attempt_s=0.2)
    started = time.monotonic()
    with pytest.raises(ArchiveUnavailable, match=r"bytes after 0 s, expected the end"):
        archive.fetch_product(URL)
    assert time.monotonic() - started < 20


def test_stalled_body_ends(scripted):
    stall = Answer(body=BODY, drip_s=5)
    _, archive = scripted(*[stall] * 3)
    with pytest.raises(ArchiveUnavailable, match="timed out"):
        archive.fetch_product(URL)


def test_connections_are_used_again(scripted):
    redirect = Answer(302, b"moved", {"Location": "/x.fits"})
    server, archive = scripted(*[redirect, Answer(body=BODY)] * 5)
    for _ in range(5):
        archive.fetch_product(URL)
    assert len(server.ports) == 1


def test_host_that_is_down_is_soon_left_alone(scripted):
    server, archive = scripted(*[Answer(503)] * 28, Answer(), Answer(body=BODY))
    for number in range(9):
        with pytest.raises(ArchiveUnavailable, match="status 503"):
            archive.fetch_product(f"{URL}{number}")
    with pytest.raises(LeftAlone, match="10 addresses that failed"):
        archive.fetch_product(URL)
    assert len(server.asked) == 28
    archive.probe_product(URL, on_trial=True)
    assert archive.fetch_product(URL).body == BODY


def test_question_on_trial_is_put_twice_at_most(scripted):
    server, archive = scripted(*[Answer(503)] * 2)
    with pytest.raises(ArchiveUnavailable):
        archive.probe_product(URL, on_trial=True)
    assert len(server.asked) == 2


def test_files_that_are_always_cut_are_no_failures_of_the_host(scripted):
    server, archive = scripted(*[Answer(body=BODY, cut=9)] * 36, Answer(body=BODY))
    for number in range(12):
        with pytest.raises(IncompleteDownload):
            archive.fetch_product(f"{URL}{number}")
    assert archive.fetch_product(URL).body == BODY
    assert len(server.asked) == 37


def test_host_that_asks_for_a_long_rest_is_not_asked_before(scripted):
    server, archive = scripted(Answer(429, headers={"Retry-After": "120"}))
    with pytest.raises(ArchiveUnavailable, match="status 429") as caught:
        archive.fetch_product(URL)
    assert caught.value.retry_after_s == 120
    with pytest.raises(LeftAlone, match="asks to be left alone") as caught:
        archive.probe_product(URL, on_trial=True)
    assert 110 < caught.value.retry_after_s <= 120
    assert len(server.asked) == 1


def test_missing_files_are_no_failures_of_the_host(scripted):
    server, archive = scripted(*[Answer(404)] * 15, Answer(body=BODY))
    for sector in range(15):
        assert archive.count_planned(sector) is None
    assert archive.fetch_product(URL).body == BODY
    assert len(server.asked) == 16


def test_archive_that_is_off_is_unavailable(scripted):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        _, archive = scripted(*[Answer(302, headers={"Location": url})] * 3, redirects=(url[7:],))
        with pytest.raises(ArchiveUnavailable, match="refused"):
            archive.list_sectors()


def test_closed_client_asks_no_more():
    client = open_client(["http://127.0.0.1:1"], "")
    client.close()
    with pytest.raises(RuntimeError, match="closed"), client.stream("GET", "http://127.0.0.1:1"):
        pass
