import time

import pytest

from calnet_ops.adapters.archive.body import SMALL, Bound, read_small
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.errors import ArchiveUnavailable
from tests.support.mirrors import Answer, ScriptedServer, serving


@pytest.mark.parametrize(("length", "n_held"), [("5000", 0), (None, 0), ("5000", 1)])
def test_body_is_read_to_the_bound_and_no_further(length, n_held):
    answer = Answer(body=bytes(5000), headers={"Content-Length": length}, cut=5000)
    with (
        serving(ScriptedServer([answer])) as url,
        open_client([url], "") as client,
        client.stream("GET", url) as said,
        pytest.raises(ArchiveUnavailable, match=f"{5000 + n_held} bytes, expected at most 4999"),
    ):
        list(client.read(said, Bound(4999, ArchiveUnavailable), n_held=n_held))


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (Answer(), True),
        (Answer(body=bytes(SMALL)), True),
        (Answer(body=bytes(SMALL + 1)), False),
        (Answer(headers={"Content-Length": None}, cut=0), False),
        (Answer(body=bytes(500), drip_s=0.05), False),
    ],
    ids=["none", "small", "large", "unknown", "slow"],
)
def test_unwanted_body_is_read_to_its_end_only_if_that_is_near(answer, ends):
    with (
        serving(ScriptedServer([answer])) as url,
        open_client([url], "") as client,
        client.stream("GET", url) as said,
    ):
        started = time.monotonic()
        assert read_small(said, limit_s=0.1) is ends
        assert time.monotonic() - started < 10
