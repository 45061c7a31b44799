"""The promises of the store, by an S3 client that is told its answers, and in memory."""

import io
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from calnet_ops.adapters.store import Store
from calnet_ops.adapters.store.facts import from_metadata, to_metadata
from calnet_ops.errors import KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import sha256_hex
from tests.support.memory_store import MemoryStore

BODY, OTHER = b'{"version":"v2"}', b'{"version":"v3"}'
DIGEST = sha256_hex(BODY)
PUT = {
    "Bucket": "bucket",
    "Key": "k",
    "Body": BODY,
    "IfNoneMatch": "*",
    "ContentType": "application/octet-stream",
    "ChecksumSHA256": b64encode(bytes.fromhex(DIGEST)).decode(),
}


def client() -> Any:
    return boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Answers of the client, in order; all have to be asked for."""
    with Stubber(client()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def store(stub: Stubber) -> Store:
    return Store(lambda: stub.client, "bucket")  # type: ignore[arg-type,return-value]


ASK = {
    "make_bucket": lambda store: store.make_bucket(),
    "save_new": lambda store: store.save_new("k", BODY),
    "load_facts": lambda store: store.load_facts("k"),
    "load_with_facts": lambda store: store.load_with_facts("k"),
    "load": lambda store: store.load("k"),
    "exists": lambda store: store.exists("k"),
    "iter_keys": lambda store: list(store.iter_keys("k")),
    "iter_written": lambda store: list(store.iter_written("k")),
    "load_pointer": lambda store: store.load_pointer("k"),
    "move_pointer": lambda store: store.move_pointer("k", BODY, ""),
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_a_server_that_is_away_may_be_back_later(ask):
    with pytest.raises(ServiceUnavailable, match="s3://bucket/"):
        ask(Store(client, "bucket"))


def test_a_server_in_trouble_may_be_better_later(stub, store):
    for method in ("head_object", "list_objects_v2", "get_object"):
        stub.add_client_error(method, "InternalError", http_status_code=500)
    for ask in ("exists", "iter_keys", "load_pointer"):
        with pytest.raises(ServiceUnavailable, match="InternalError"):
            ASK[ask](store)


def test_times_of_writing_are_told_in_utc_whatever_the_zone(stub, store):
    local = datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=9)))
    stub.add_response("list_objects_v2", {"Contents": [{"Key": "k", "LastModified": local}]})
    assert list(store.iter_written("k")) == [("k", datetime(2026, 2, 28, 17))]  # noqa: DTZ001


def test_a_server_that_fails_after_a_refusal_may_be_better_later(stub, store):
    _refuse(stub)
    stub.add_client_error("head_object", "InternalError", http_status_code=500)
    with pytest.raises(ServiceUnavailable):
        store.save_new("k", BODY)


def test_what_is_not_there_is_told_from_trouble(stub, store):
    for method in ("head_object", "get_object", "get_object"):
        stub.add_client_error(method, "NoSuchKey", http_status_code=404)
    assert not store.exists("k")
    assert store.load_pointer("k") == (None, "")
    with pytest.raises(MissingInput):
        store.load("k")


def test_a_bucket_that_is_missing_is_made(stub, store):
    stub.add_client_error("head_bucket", "404", http_status_code=404)
    stub.add_response("create_bucket", {})
    store.make_bucket()


def test_the_same_bytes_are_free_and_others_are_refused(stub, store):
    for body in (BODY, OTHER):
        _refuse(stub)
        stub.add_response("head_object", {"Metadata": {"sha256": sha256_hex(body)}})
    assert store.save_new("k", BODY) is False
    with pytest.raises(KeyTaken):
        store.save_new("k", BODY)


def test_a_write_names_its_bytes_and_what_is_known_of_them(stub, store):
    stub.add_response("put_object", {}, {"Metadata": {"sha256": DIGEST, "etag": '"1-a"'}} | PUT)
    assert store.save_new("k", BODY, facts={"etag": '"1-a"', "source": ""})


def test_a_digest_that_is_known_is_not_computed_again(stub, store):
    stub.add_response("put_object", {}, {"Metadata": {"sha256": DIGEST}} | PUT | {"Body": OTHER})
    assert store.save_new("k", OTHER, digest=DIGEST)


def test_bytes_that_arrive_damaged_are_worth_another_try(stub, store):
    stub.add_client_error("put_object", "BadDigest", http_status_code=400)
    with pytest.raises(ServiceUnavailable, match="BadDigest"):
        store.save_new("k", BODY)


def test_facts_are_read_with_the_bytes_or_without(stub, store):
    metadata = to_metadata({"sha256": DIGEST, "evidence": "archive: größer, 100%"})
    held = StreamingBody(io.BytesIO(BODY), len(BODY))
    stub.add_response("head_object", {"Metadata": metadata})
    stub.add_response("get_object", {"Body": held, "Metadata": metadata})
    facts = store.load_facts("k")
    assert facts == {"sha256": DIGEST, "evidence": "archive: größer, 100%"}
    assert store.load_with_facts("k") == (BODY, facts)


def test_the_store_in_memory_keeps_facts_alike():
    store = MemoryStore()
    assert store.save_new("k", BODY, facts={"source": "archive", "etag": ""}, digest=DIGEST)
    assert not store.save_new("k", bytes(bytearray(BODY)), facts={"source": "elsewhere"})
    assert store.load_with_facts("k") == (BODY, {"source": "archive", "sha256": DIGEST})
    with pytest.raises(ServiceUnavailable):
        store.save_new("other", OTHER, digest=DIGEST)
    with pytest.raises(MissingInput):
        store.load_facts("other")


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=20), max_size=9))
def test_facts_come_back_as_they_were(facts):
    metadata = to_metadata(facts)
    assert all(re.fullmatch(r"[!-~]+", value) for value in metadata.values())
    assert from_metadata(metadata) == {name: text for name, text in facts.items() if text}


def test_facts_that_are_too_long_are_refused_before_they_are_sent(store):
    with pytest.raises(ValueError, match="evidence"):
        store.save_new("k", BODY, facts={"evidence": "x" * 2048})


def test_a_write_that_was_repeated_after_it_had_worked_has_moved_the_pointer(stub, store):
    for body in (BODY, OTHER):
        _refuse(stub)
        held = StreamingBody(io.BytesIO(body), len(body))
        stub.add_response("get_object", {"Body": held, "ETag": '"x"'})
    assert store.move_pointer("k", BODY, '"old"') is True
    assert store.move_pointer("k", BODY, '"old"') is False


def test_the_store_in_memory_moves_pointers_alike():
    store = MemoryStore()
    assert store.move_pointer("k", BODY, "")
    assert store.move_pointer("k", BODY, "")
    assert not store.move_pointer("k", OTHER, "")
    assert store.move_pointer("k", OTHER, store.load_pointer("k")[1])


def _refuse(stub: Stubber) -> None:
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
