from collections.abc import Iterator
from contextlib import suppress

import pytest

from calnet_ops.adapters.archive import open_archive
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import ArchiveUnavailable
from tests.support.mirrors import Answer, mirror_of
from tests.support.spoc_files import spoc_name

BODY = bytes(range(256)) * 40


@pytest.fixture
def mirrored(tmp_path) -> Iterator[MastArchive]:
    for sector, tics in ((87, (1, 2, 3)), (1751, (4,))):
        folder = tmp_path / "tess" / f"s{sector:03d}"
        folder.mkdir(parents=True)
        for tic in tics:
            (folder / spoc_name(tic, sector)).write_bytes(BODY)
    with mirror_of(tmp_path / "tess") as url, open_client([url], "") as client:
        yield MastArchive(
            client, url, url, Patience(n_try=1), pace=Throttle(), folder=tmp_path / "pages"
        )


def test_sectors_of_the_page_are_listed(mirrored):
    assert mirrored.list_sectors() == [87, 1751]


def test_page_without_links_is_not_an_empty_archive(scripted):
    _, archive = scripted(Answer(body=b"<html>We will be back soon</html>"))
    with pytest.raises(ArchiveUnavailable, match="without a link"):
        archive.list_sectors()


@pytest.mark.parametrize("ask", ["list_sectors", "fetch_script", "count_expected"])
def test_page_that_makes_no_sense_is_not_kept_whatever_its_version(scripted, tmp_path, ask):
    answer = Answer(body=b"<html>We will be back soon</html>", headers={"ETag": '"one"'})
    server, archive = scripted(answer, answer, folder=tmp_path)
    for _ in range(2):
        with suppress(ArchiveUnavailable):
            getattr(archive, ask)(*(() if ask == "list_sectors" else (87,)))
    assert "If-None-Match" not in server.asked[1]


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


def test_cdpp_table_tells_how_many_targets_to_expect(mirrored):
    assert mirrored.count_expected(87) == 3
    assert mirrored.count_expected(88) is None


def test_page_without_any_cdpp_table_does_not_say_that_there_is_none(scripted):
    _, archive = scripted(Answer(body=b"<html>We will be back soon</html>"))
    with pytest.raises(ArchiveUnavailable, match="any CDPP table"):
        archive.count_expected(87)


def test_product_comes_from_our_own_base(mirrored):
    fetched = mirrored.fetch_product(mirrored.fetch_script(87).files[0].url)
    assert (fetched.body, fetched.n_try) == (BODY, 1)


def test_cdpp_link_is_followed_on_our_own_base_only(scripted):
    link = "https://evil.example/x/tess2024353092137-s0087-s0087-00411_rms-cdpp.csv"
    table = b"# comment\nticid,tmag\n1,10\n2,11\n2,11\n"
    server, archive = scripted(Answer(body=f'<a href="{link}">'.encode()), Answer(body=table))
    assert archive.count_expected(87) == 2
    assert server.asked[1]["path"] == "/x/tess2024353092137-s0087-s0087-00411_rms-cdpp.csv"


def test_hostile_page_links_nothing(scripted):
    page = f"<a href='/x/tesscurl_sector_{'9' * 5000}_lc.sh'><a href='/tesscurl_sector_0_lc.sh'>"
    _, archive = scripted(Answer(body=page.encode()))
    with pytest.raises(ArchiveUnavailable, match="without a link"):
        archive.list_sectors()


@pytest.mark.parametrize(
    "body",
    [b"<html>We will be back soon</html>", b"#!/bin/sh\ncurl -C - -L -o tess", b""],
    ids=["page", "cut", "empty"],
)
def test_what_is_no_script_is_not_believed(scripted, body):
    _, archive = scripted(Answer(body=body))
    with pytest.raises(ArchiveUnavailable):
        archive.fetch_script(87)


def test_target_list_tells_how_many_are_planned(mirrored):
    assert mirrored.count_planned(87) == 3
    assert mirrored.count_planned(1751) == 1


@pytest.mark.parametrize(
    "answer", [Answer(404), Answer(503), Answer(body=b"<html>"), Answer(body=b"1,2", cut=1)]
)
def test_target_list_that_is_not_to_be_had_is_no_error(scripted, answer):
    server, archive = scripted(answer)
    assert archive.count_planned(87) is None
    assert server.asked[0]["path"] == "/public/target_lists/2m/all_targets_S087_v1.csv"


def test_product_is_asked_for_conditionally_and_probed(mirrored):
    url = mirrored.fetch_script(87).files[0].url
    said = mirrored.fetch_product(url).validators
    assert said == mirrored.probe_product(url)
    assert mirrored.fetch_product(url, said.etag) is None


def test_open_archive_gives_the_client_of_mast():
    archive = open_archive("http://a.example", "http://b.example", "http://c.example")
    assert isinstance(archive, MastArchive)
    archive.close()


def test_products_come_by_their_keys_from_the_public_bucket(tmp_path):
    folder = tmp_path / "tess" / "s087"
    folder.mkdir(parents=True)
    (folder / spoc_name(1)).write_bytes(BODY)
    with mirror_of(tmp_path / "tess") as url, open_client([url], "") as client:
        archive = MastArchive(client, url, f"{url}/stpubdata", Patience(n_try=1), pace=Throttle())
        (listed,) = archive.fetch_script(87).files
        fetched = archive.fetch_product(listed.url)
        assert fetched is not None
        assert fetched.body == BODY
        assert archive.probe_product(listed.url).n_bytes == len(BODY)


def test_script_is_read_anew_when_a_sector_is_to_be_listed(scripted, tmp_path):
    name = spoc_name(1)
    url = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{name}"
    body = f"#!/bin/sh\ncurl -C - -L -o {name} {url}\n".encode()
    server, archive = scripted(*[Answer(body=body, headers={"ETag": '"one"'})] * 2, folder=tmp_path)
    assert archive.fetch_script(87) == archive.fetch_script(87, anew=True)
    assert "If-None-Match" not in server.asked[1]
