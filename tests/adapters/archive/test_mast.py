import gzip
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from calnet_ops.adapters.archive import mast, open_archive
from calnet_ops.adapters.archive.mast import MastArchive, open_client
from calnet_ops.adapters.archive.retry import Patience, retry_after_s
from calnet_ops.adapters.archive.script import parse_script
from calnet_ops.errors import (
    ArchiveUnavailable,
    ForeignProduct,
    IncompleteDownload,
    MissingAtSource,
)
from calnet_ops.lineage import sha256_hex
from tests.support.mirrors import Answer, ScriptedServer, mirror_of, serving
from tests.support.spoc_files import spoc_name

NAME = spoc_name()
URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{NAME}"
LINE = f"curl -C - -L -o {NAME} {URL}\n"
BODY = bytes(range(256)) * 40
TAGGED = {"ETag": '"one"'}


@pytest.fixture
def scripted():
    """A function that starts a server with given answers and gives it with its client."""
    with ExitStack() as stack:

        def start(*answers: Answer) -> tuple[ScriptedServer, MastArchive]:
            server = ScriptedServer(list(answers))
            url = stack.enter_context(serving(server))
            client = stack.enter_context(open_client([url], "ops@example.org"))
            return server, MastArchive(client, url, url, Patience(n_try=3, first_s=0.001))

        yield start


@pytest.fixture
def mirrored(tmp_path) -> Iterator[MastArchive]:
    for sector, tics in ((87, (1, 2, 3)), (1751, (4,))):
        folder = tmp_path / f"s{sector:03d}"
        folder.mkdir()
        for tic in tics:
            (folder / spoc_name(tic, sector)).write_bytes(BODY)
    with mirror_of(tmp_path) as url, open_client([url], "") as client:
        yield MastArchive(client, url, url, Patience(n_try=1))


def test_sectors_of_the_page_are_listed(mirrored):
    assert mirrored.list_sectors() == [87, 1751]


def test_page_without_links_is_not_an_empty_archive(scripted):
    _, archive = scripted(Answer(body=b"<html>We will be back soon</html>"))
    with pytest.raises(ArchiveUnavailable, match="without a link"):
        archive.list_sectors()


def test_absolute_links_and_other_products_are_understood(scripted):
    page = (
        "<a href='https://archive.stsci.edu/missions/tess/x/tesscurl_sector_99_lc.sh'>99</a>"
        '<a href="/x/tesscurl_sector_1751_ffic.sh"></a><a href="/x/tesscurl_sector_5_fast-lc.sh">'
    )
    _, archive = scripted(Answer(body=page.encode()))
    assert archive.list_sectors() == [99]


def test_script_gives_files_and_digest(mirrored):
    script = mirrored.fetch_script(87)
    assert [file.file_name for file in script.files] == [spoc_name(tic) for tic in (1, 2, 3)]
    assert script.files[0].url.startswith("https://mast.stsci.edu/api/v0.1/Download/file/?uri=")
    assert len(script.sha256) == 64
    assert mirrored.is_unchanged(87, script.last_modified)
    assert not mirrored.is_unchanged(87, "Thu, 01 Jan 2026 00:00:00 GMT")
    assert not mirrored.is_unchanged(87, "")


@pytest.mark.parametrize(("sector", "n_file"), [(1, 15889), (14, 19970), (56, 12996), (91, 12993)])
def test_real_scripts_parse_fully(shared_data, sector, n_file):
    body = gzip.decompress((shared_data / f"mast/tesscurl_sector_{sector}_lc.sh.gz").read_bytes())
    files = parse_script("script", body)
    assert len(files) == n_file
    assert len(body) == 10 + 197 * n_file
    assert len({file.file_name for file in files}) == n_file


def test_real_script_of_other_products_parses(shared_data):
    body = gzip.decompress((shared_data / "mast/tesscurl_sector_1_dv.sh.gz").read_bytes())
    assert len(parse_script("script", body)) == 40


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Scheduled maintenance</body></html>\n",
        b"#!/bin/sh\n",
        b"#!/bin/sh\n" + LINE.encode()[:-1],
        b"#!/bin/sh\n" + LINE.encode() + LINE.encode()[:90] + b"\n",
        f"#!/bin/sh\n{LINE.replace(NAME, 'other.fits', 1)}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '../../etc/passwd')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '-o.fits')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, 'a;reboot.fits')}".encode(),
        b"#!/bin/sh\n" + LINE.replace(NAME, "a\x1b.fits").encode(),
        f"#!/bin/sh\n{LINE.replace('/api/v0.1/Download', '/api/v0.1/Delete')}".encode(),
        f"#!/bin/sh\n{LINE}rm -rf / {NAME} {URL}\n".encode(),
    ],
)
def test_script_that_is_wrong_anywhere_is_not_believed(body):
    with pytest.raises(ArchiveUnavailable):
        parse_script("script", body)


def test_cdpp_table_tells_how_many_targets_to_expect(mirrored):
    assert mirrored.count_expected(87) == 3
    assert mirrored.count_expected(88) is None


def test_product_comes_from_our_own_base(mirrored):
    fetched = mirrored.fetch_product(mirrored.fetch_script(87).files[0].url)
    assert (fetched.body, fetched.n_try) == (BODY, 1)


def test_product_that_the_archive_lacks_is_missing(mirrored):
    with pytest.raises(MissingAtSource, match="404"):
        mirrored.fetch_product(URL)


def test_client_says_who_it_is(scripted):
    server, archive = scripted(Answer(body=BODY))
    archive.fetch_product(URL)
    assert server.asked[0]["User-Agent"] == "calnet-ops/0.1.0 (ops@example.org)"
    assert server.asked[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_archive_is_asked_again(scripted, status):
    server, archive = scripted(Answer(status), Answer(status), Answer(body=BODY))
    assert archive.fetch_product(URL).n_try == 3
    assert len(server.asked) == 3


def test_archive_that_stays_busy_is_unavailable(scripted):
    _, archive = scripted(*[Answer(503)] * 3)
    with pytest.raises(ArchiveUnavailable, match="status 503"):
        archive.fetch_product(URL)


def test_archive_that_is_off_is_unavailable():
    with open_client(["http://127.0.0.1:1"], "") as client:
        archive = MastArchive(client, "http://127.0.0.1:1", "http://127.0.0.1:1", Patience(1))
        with pytest.raises(ArchiveUnavailable):
            archive.list_sectors()


def test_cut_download_is_resumed_at_the_same_version(scripted):
    server, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000),
        Answer(206, BODY[4000:], TAGGED | {"Content-Range": f"bytes 4000-10239/{len(BODY)}"}),
    )
    fetched = archive.fetch_product(URL)
    assert sha256_hex(fetched.body) == sha256_hex(BODY)
    assert fetched.n_try == 2
    assert server.asked[1]["Range"] == "bytes=4000-"
    assert server.asked[1]["If-Range"] == '"one"'


def test_cut_download_without_a_tag_starts_again(scripted):
    server, archive = scripted(Answer(body=BODY, cut=4000), Answer(body=BODY))
    assert archive.fetch_product(URL).body == BODY
    assert "Range" not in server.asked[1]


def test_new_version_in_the_middle_starts_again(scripted):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000), Answer(body=b"new", headers={"ETag": '"two"'})
    )
    assert archive.fetch_product(URL).body == b"new"


def test_part_of_another_version_is_thrown_away(scripted):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000),
        Answer(206, b"new", {"ETag": '"two"', "Content-Range": "bytes 4000-4002/4003"}),
        Answer(body=b"new"),
    )
    assert archive.fetch_product(URL).body == b"new"


def test_nothing_left_to_resume_is_the_end(scripted):
    whole = len(BODY)
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED | {"Content-Length": str(whole + 5)}, cut=whole),
        Answer(416, headers={"Content-Range": f"bytes */{whole}"}),
    )
    assert archive.fetch_product(URL).body == BODY


def test_range_that_cannot_be_starts_again(scripted):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000),
        Answer(416, headers={"Content-Range": "bytes */3000"}),
        Answer(body=BODY),
    )
    assert archive.fetch_product(URL).body == BODY


def test_download_that_never_completes_is_not_passed_on(scripted):
    _, archive = scripted(*[Answer(body=BODY, cut=100)] * 3)
    with pytest.raises((ArchiveUnavailable, IncompleteDownload)):
        archive.fetch_product(URL)


def test_absurd_length_is_refused_before_it_is_read(scripted):
    _, archive = scripted(Answer(body=b"x", headers={"Content-Length": str(10**10)}))
    with pytest.raises(ForeignProduct, match="10000000000 bytes announced"):
        archive.fetch_product(URL)


def test_endless_body_is_refused(scripted, monkeypatch):
    monkeypatch.setattr(mast, "MAX_BYTES", 1000)
    _, archive = scripted(Answer(body=BODY, headers={"Content-Length": "900"}))
    assert len(archive.fetch_product(URL).body) == 900
    partial = mast.Partial()
    with pytest.raises(ForeignProduct):
        partial.add(URL, BODY)


def test_waits_grow_keep_to_the_cap_and_honour_the_server():
    patience = Patience(first_s=1, cap_s=30)
    assert 0.5 <= patience.wait_s(1) <= 1
    assert 2 <= patience.wait_s(3) <= 4
    assert patience.wait_s(10) <= 30
    assert patience.wait_s(1, asked_s=20) == 20
    assert patience.wait_s(1, asked_s=3600) == 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), ("", 0), ("soon", 0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0), ("-5", 0)],
)
def test_retry_after_is_a_number_or_a_date(text, expected):
    assert retry_after_s(httpx.Response(429, headers={"Retry-After": text})) == expected


def test_open_archive_gives_the_client_of_mast():
    archive = open_archive("http://a.example", "http://b.example", "http://c.example")
    assert isinstance(archive, MastArchive)
    archive._client.close()
