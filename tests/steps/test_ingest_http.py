"""The real clients before servers that do as they are told."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from calnet_ops.adapters.archive import open_second_source
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.lineage import sha256_hex
from calnet_ops.steps.ingest_file import Puller
from calnet_ops.steps.ingest_outcome import Held
from tests.support.memory_store import MemoryStore
from tests.support.mirrors import Answer, ScriptedServer, mirror_of, serving
from tests.support.sources import URL, FakeArchive
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

NAME = spoc_name()
BODY = spoc_bytes(spoc_arrays(300, gap=None))
PAGE = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"
LISTED = {"file_name": NAME, "tic": 900_000_000_001, "url": URL + NAME, "duplicate_of": ""}
N_TRY = 2

UNSAID = {"Content-Length": None, "Connection": "close"}
SPLICED = BODY[:20_000] + b"upstream request timeout" + BODY[20_000:]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _puller(archive, second=None):
    return Puller(87, 1, "plan", archive, second, MemoryStore(), Held({}, {}), frozenset(), {})


def _archive(stack, answers):
    url = stack.enter_context(serving(ScriptedServer(answers)))
    client = stack.enter_context(open_client([url], "", read_s=2, attempt_s=5))
    return MastArchive(client, url, url, Patience(n_try=N_TRY, first_s=0.001))


@pytest.mark.parametrize(
    ("answer", "reason", "trust", "n_answer"),
    [
        (Answer(body=BODY, cut=30_000), "truncated", "suspect", 2 * N_TRY),
        (Answer(body=BODY[:30_000], headers=UNSAID), "truncated", "bad", 2),
        (Answer(body=BODY[:-2880]), "truncated", "bad", 2),
        (Answer(body=BODY[:-1]), "truncated", "bad", 2),
        (Answer(body=PAGE, headers={"Content-Type": "text/html"}), "not a FITS file", "bad", 2),
        (Answer(body=SPLICED), "unexpected layout", "bad", 2),
        (Answer(), "empty file", "bad", 2),
        (Answer(body=b"", headers=UNSAID), "empty file", "bad", 2),
        (Answer(404, PAGE), "missing at source", "bad", 2),
        (Answer(410, PAGE), "missing at source", "bad", 2),
        (Answer(headers={"Content-Length": "10000000000"}), "foreign product", "bad", 2),
    ],
)
def test_body_that_is_not_all_there_is_known_for_what_it_is(stack, answer, reason, trust, n_answer):
    puller = _puller(_archive(stack, [answer] * n_answer))
    outcome = puller.pull(LISTED)
    row = outcome.row
    assert (row["status"], row["reason"], row["trust"]) == ("quarantined", reason, trust)
    assert row["n_look"] == 2
    assert [*puller.store.objects] == ([row["key"]] if row["key"] else [])


def test_cut_body_is_continued_and_counts_its_tries(stack):
    headers = {"ETag": '"1"'}
    rest = {
        "Content-Range": f"bytes 30000-{len(BODY) - 1}/{len(BODY)}",
        "ETag": '"1"',
    }
    answers = [
        Answer(body=BODY, headers=headers, cut=30_000),
        Answer(206, BODY[30_000:], headers=rest),
    ]
    puller = _puller(_archive(stack, answers))
    row = puller.pull(LISTED).row
    assert (row["trust"], row["n_try"], row["etag"]) == ("sound", 2, '"1"')
    assert row["sha256"] == sha256_hex(BODY)
    assert puller.store.load_facts(row["key"])["sha256"] == sha256_hex(BODY)


def test_public_bucket_recovers_what_the_archive_damages(stack, tmp_path):
    (tmp_path / "s087").mkdir()
    (tmp_path / "s087" / NAME).write_bytes(BODY)
    url = stack.enter_context(mirror_of(tmp_path))
    second = open_second_source(url, "stpubdata")
    stack.callback(second.close)
    puller = _puller(FakeArchive({NAME: [SPLICED]}), second)
    row = puller.pull(LISTED).row
    assert (row["trust"], row["source"], row["n_look"]) == ("recovered", "stpubdata", 3)
    assert puller.store.load(row["key"]) == BODY
    other = LISTED | {"file_name": spoc_name(2), "url": URL + spoc_name(2), "tic": 2}
    row = puller.pull(other).row
    assert (row["trust"], row["reason"]) == ("bad", "missing at source")
    assert row["evidence"] == ("archive: missing at source; archive: the same; stpubdata: the same")
