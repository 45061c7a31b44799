import pytest

from calnet_ops.adapters.archive import Validators
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import (
    ArchiveUnavailable,
    ForeignProduct,
    IncompleteDownload,
    MissingAtSource,
)
from calnet_ops.lineage import sha256_hex
from tests.support.mirrors import Answer
from tests.support.spoc_files import spoc_name

URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{spoc_name()}"
BODY = bytes(range(256)) * 40
WHOLE = len(BODY)
OLD = "Thu, 10 Sep 2026 18:08:16 GMT"
TAGGED = {"ETag": '"one"', "Last-Modified": OLD}
DATED = {"Last-Modified": OLD}


def rest(headers: dict[str, str], content_range: str = f"bytes 4000-10239/{WHOLE}") -> Answer:
    return Answer(206, BODY[4000:], headers | {"Content-Range": content_range})


def test_product_comes_with_what_was_said_of_it(scripted):
    _, archive = scripted(Answer(body=BODY, headers=TAGGED))
    fetched = archive.fetch_product(URL)
    assert (fetched.body, fetched.n_try, fetched.source) == (BODY, 1, "archive")
    assert fetched.validators == Validators('"one"', OLD, WHOLE)


def test_empty_body_is_passed_on_as_such(scripted):
    _, archive = scripted(Answer(), Answer(headers={"Content-Length": None}, cut=0))
    assert archive.fetch_product(URL).body == b""
    assert archive.fetch_product(URL).body == b""


@pytest.mark.parametrize("status", [404, 410])
def test_product_that_the_archive_lacks_is_missing(scripted, status):
    _, archive = scripted(Answer(status, b"{}"), Answer(status))
    with pytest.raises(MissingAtSource, match=str(status)):
        archive.fetch_product(URL)
    with pytest.raises(MissingAtSource, match=str(status)):
        archive.probe_product(URL)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_archive_is_asked_again(scripted, status):
    server, archive = scripted(Answer(status), Answer(status), Answer(body=BODY))
    assert archive.fetch_product(URL).n_try == 3
    assert len(server.asked) == 3


def test_archive_that_stays_busy_is_unavailable(scripted):
    _, archive = scripted(*[Answer(503)] * 3)
    with pytest.raises(ArchiveUnavailable, match="status 503"):
        archive.fetch_product(URL)


@pytest.mark.parametrize("status", [403, 451])
def test_file_that_nobody_may_have_is_missing(scripted, status):
    server, archive = scripted(Answer(status))
    with pytest.raises(MissingAtSource, match=f"status {status}"):
        archive.fetch_product(URL)
    assert len(server.asked) == 1


def test_version_that_is_held_is_not_sent_again(scripted):
    server, archive = scripted(Answer(304), Answer(body=BODY, headers=TAGGED))
    assert archive.fetch_product(URL, '"one"') is None
    assert archive.fetch_product(URL, '"older"').body == BODY
    assert [asked["If-None-Match"] for asked in server.asked] == ['"one"', '"older"']


def test_weak_tag_is_not_asked_with(scripted):
    server, archive = scripted(Answer(body=BODY))
    assert archive.fetch_product(URL, 'W/"one"').body == BODY
    assert "If-None-Match" not in server.asked[0]


def test_unasked_not_modified_is_no_product(scripted):
    _, archive = scripted(Answer(304))
    with pytest.raises(ArchiveUnavailable, match="304"):
        archive.fetch_product(URL)


def test_new_version_that_is_cut_is_resumed_as_the_new_one(scripted):
    server, archive = scripted(Answer(body=BODY, headers=TAGGED, cut=4000), rest(TAGGED))
    assert archive.fetch_product(URL, '"older"').body == BODY
    assert "If-None-Match" not in server.asked[1]


def test_probe_asks_for_no_bytes(scripted):
    server, archive = scripted(
        Answer(302, headers={"Location": "/x.fits"}), Answer(body=BODY, headers=TAGGED)
    )
    assert archive.probe_product(URL) == Validators('"one"', OLD, WHOLE)
    assert [asked["method"] for asked in server.asked] == ["HEAD", "HEAD"]


@pytest.mark.parametrize(("headers", "condition"), [(TAGGED, '"one"'), (DATED, OLD)])
def test_cut_download_is_resumed_at_the_same_version(scripted, headers, condition):
    server, archive = scripted(Answer(body=BODY, headers=headers, cut=4000), rest(headers))
    fetched = archive.fetch_product(URL)
    assert sha256_hex(fetched.body) == sha256_hex(BODY)
    assert fetched.n_try == 2
    assert fetched.validators.n_bytes == WHOLE
    assert server.asked[1]["Range"] == "bytes=4000-"
    assert server.asked[1]["If-Range"] == condition


def test_part_need_not_repeat_the_date(scripted):
    _, archive = scripted(Answer(body=BODY, headers=TAGGED, cut=4000), rest({"ETag": '"one"'}))
    assert archive.fetch_product(URL).body == BODY


@pytest.mark.parametrize(
    "headers",
    [{}, {"ETag": 'W/"one"', "Last-Modified": OLD}, {"Last-Modified": OLD, "Date": OLD}],
    ids=["nothing", "weak", "young"],
)
def test_cut_download_of_an_uncertain_version_starts_again(scripted, headers):
    server, archive = scripted(Answer(body=BODY, headers=headers, cut=4000), Answer(body=BODY))
    assert archive.fetch_product(URL).body == BODY
    assert "Range" not in server.asked[1]


def test_ignored_range_starts_again(scripted):
    server, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000), Answer(body=BODY, headers=TAGGED)
    )
    assert archive.fetch_product(URL).body == BODY
    assert "Range" in server.asked[1]


def test_new_version_in_the_middle_starts_again(scripted):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000), Answer(body=b"new", headers={"ETag": '"two"'})
    )
    fetched = archive.fetch_product(URL)
    assert (fetched.body, fetched.validators.etag) == (b"new", '"two"')


@pytest.mark.parametrize(
    "part",
    [
        rest({"ETag": '"two"'}),
        rest({}),
        rest(TAGGED | {"Last-Modified": "Fri, 11 Sep 2026 18:08:16 GMT"}),
        rest(TAGGED, f"bytes 4000-10239/{WHOLE + 1}"),
        rest(TAGGED, "bytes 4000-10239/*"),
        rest(TAGGED, "bytes 3999-10239/10240"),
        rest(TAGGED, "bytes 4000-9999/10240"),
        rest(TAGGED, ""),
    ],
    ids=["tag", "no tag", "date", "length", "any length", "start", "end", "no range"],
)
def test_part_that_does_not_fit_is_thrown_away(scripted, part):
    server, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000), part, Answer(body=b"new")
    )
    assert archive.fetch_product(URL).body == b"new"
    assert "Range" not in server.asked[2]


def test_part_that_nobody_asked_for_is_thrown_away(scripted):
    _, archive = scripted(rest(TAGGED, f"bytes 0-6239/{WHOLE}"), Answer(body=BODY))
    assert archive.fetch_product(URL).body == BODY


def test_nothing_left_to_resume_is_the_end(scripted):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED | {"Content-Length": str(WHOLE + 5)}, cut=WHOLE),
        Answer(416, b"<html>", headers={"Content-Range": f"bytes */{WHOLE}"}),
    )
    assert archive.fetch_product(URL).body == BODY


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes */3000"},
        {},
        {"Content-Range": "bytes */4000", "ETag": '"two"'},
    ],
)
def test_range_that_cannot_be_starts_again(scripted, headers):
    _, archive = scripted(
        Answer(body=BODY, headers=TAGGED, cut=4000),
        Answer(416, headers=headers),
        Answer(body=BODY),
    )
    assert archive.fetch_product(URL).body == BODY


def test_download_that_never_completes_is_not_passed_on(scripted):
    _, archive = scripted(*[Answer(body=BODY, cut=100)] * 3)
    with pytest.raises((ArchiveUnavailable, IncompleteDownload)):
        archive.fetch_product(URL)


def test_download_without_a_length_is_passed_on_to_be_judged(scripted):
    _, archive = scripted(Answer(body=BODY, headers={"Content-Length": None}, cut=4000))
    fetched = archive.fetch_product(URL)
    assert (fetched.body, fetched.validators.n_bytes) == (BODY[:4000], None)


@pytest.mark.parametrize("length", [10**10, 2**24 + 1])
def test_absurd_length_is_refused_before_it_is_read(scripted, length):
    _, archive = scripted(Answer(body=b"x", headers={"Content-Length": str(length)}))
    with pytest.raises(ForeignProduct, match=f"{length} bytes, expected at most 16777216"):
        archive.fetch_product(URL)


def test_bytes_pass_through_the_throttle(scripted):
    slept: list[float] = []
    throttle = Throttle(WHOLE / 2, lambda: 0.0, slept.append)
    _, archive = scripted(*[Answer(body=BODY)] * 3, throttle=throttle)
    for _ in range(3):
        archive.fetch_product(URL)
    assert 4 <= max(slept) < 6


@pytest.mark.parametrize("tag", ['"\u00e9"', '"' + "x" * 5000 + '"', '"a b"', '"a'])
def test_tag_that_cannot_be_sent_back_is_not_asked_with(scripted, tag):
    server, archive = scripted(Answer(body=BODY, headers={"ETag": tag}, cut=100), Answer(body=BODY))
    assert archive.fetch_product(URL, tag).body == BODY
    assert not {"If-None-Match", "If-Range"} & set(server.asked[1])
