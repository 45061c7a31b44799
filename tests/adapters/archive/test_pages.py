import pytest

from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import ArchiveUnavailable
from tests.support.mirrors import Answer
from tests.support.spoc_files import spoc_name

URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{spoc_name()}"
SCRIPT = f"#!/bin/sh\ncurl -C - -L -o {spoc_name()} {URL}\n".encode()
OLD = "Thu, 10 Sep 2026 18:08:16 GMT"
TAGGED = {"ETag": '"one"', "Last-Modified": OLD}
DATED = {"Last-Modified": OLD}


@pytest.mark.parametrize(
    ("headers", "asked"),
    [(TAGGED, ("If-None-Match", '"one"')), (DATED, ("If-Modified-Since", OLD))],
)
def test_unchanged_page_is_not_sent_again(scripted, tmp_path, headers, asked):
    server, archive = scripted(
        Answer(body=SCRIPT, headers=headers), Answer(304, headers=headers), folder=tmp_path
    )
    first = archive.fetch_script(87)
    assert archive.fetch_script(87) == first
    assert asked[0] not in server.asked[0]
    assert server.asked[1][asked[0]] == asked[1]
    assert (first.etag, first.last_modified) == (headers.get("ETag", ""), OLD)


def test_changed_page_takes_the_place_of_the_old(scripted, tmp_path):
    other = SCRIPT.partition(b"\n")[2].replace(spoc_name().encode(), spoc_name(7).encode())
    longer = SCRIPT + other
    server, archive = scripted(
        Answer(body=SCRIPT, headers=TAGGED),
        Answer(body=longer, headers={"ETag": '"two"'}),
        Answer(304),
        folder=tmp_path,
    )
    assert [len(archive.fetch_script(87).files) for _ in range(3)] == [1, 2, 2]
    assert server.asked[2]["If-None-Match"] == '"two"'


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": 'W/"one"', "Last-Modified": OLD},
        {"Last-Modified": OLD, "Date": OLD},
        {"Last-Modified": OLD, "Date": None},
        {},
        {"ETag": '"one"', "Content-Length": None},
    ],
    ids=["weak", "young", "no clock", "nothing", "unframed"],
)
def test_page_whose_version_is_uncertain_is_asked_for_in_full(scripted, tmp_path, headers):
    answer = Answer(body=SCRIPT, headers=headers, cut=len(SCRIPT))
    server, archive = scripted(answer, answer, folder=tmp_path)
    assert archive.fetch_script(87) == archive.fetch_script(87)
    assert not {"If-None-Match", "If-Modified-Since"} & server.asked[1].keys()


def test_lost_shelf_costs_one_full_answer(scripted, tmp_path):
    server, archive = scripted(*[Answer(body=SCRIPT, headers=TAGGED)] * 2, folder=tmp_path)
    archive.fetch_script(87)
    for file in tmp_path.iterdir():
        file.unlink()
    archive.fetch_script(87)
    assert "If-None-Match" not in server.asked[1]


def test_unasked_not_modified_is_no_page(scripted, tmp_path):
    _, archive = scripted(Answer(304), folder=tmp_path)
    with pytest.raises(ArchiveUnavailable, match="status 304"):
        archive.fetch_script(87)


def test_head_tells_whether_a_script_changed(scripted):
    young = {"Last-Modified": OLD, "Date": OLD}
    server, archive = scripted(Answer(headers=DATED), Answer(headers=DATED), Answer(headers=young))
    assert archive.is_unchanged(87, OLD)
    assert not archive.is_unchanged(87, "Thu, 01 Jan 2026 00:00:00 GMT")
    assert not archive.is_unchanged(87, OLD)
    assert not archive.is_unchanged(87, "")
    assert [asked["method"] for asked in server.asked] == ["HEAD"] * 3


def test_head_uses_what_is_held(scripted, tmp_path):
    server, archive = scripted(
        Answer(body=SCRIPT, headers=TAGGED), Answer(304), Answer(304), folder=tmp_path
    )
    archive.fetch_script(87)
    assert archive.is_unchanged(87, OLD)
    assert not archive.is_unchanged(87, "Thu, 01 Jan 2026 00:00:00 GMT")
    assert server.asked[1]["If-None-Match"] == '"one"'


def test_pages_are_asked_for_at_a_pace(scripted):
    slept: list[float] = []
    answers = [Answer(headers=DATED), Answer(503), Answer(headers=DATED)]
    _, archive = scripted(*answers, pace=Throttle(2, lambda: 0.0, slept.append))
    archive.is_unchanged(1, OLD)
    archive.is_unchanged(2, OLD)
    assert slept == [0.5, 1.0]


def test_page_that_was_cut_is_asked_for_again(scripted):
    server, archive = scripted(Answer(body=SCRIPT, cut=50), Answer(body=SCRIPT))
    assert len(archive.fetch_script(87).files) == 1
    assert len(server.asked) == 2
