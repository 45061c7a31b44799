"""The promises of the store, by an S3 client that is told its answers, and in memory."""

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from calnet_ops.adapters.store import Store
from calnet_ops.errors import KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import sha256_hex
from tests.support.memory_store import MemoryStore

BODY, OTHER = b'{"version":"v2"}', b'{"version":"v3"}'


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
    return Store(stub.client, "bucket")  # type: ignore[arg-type]


ASK = {
    "make_bucket": lambda store: store.make_bucket(),
    "save_new": lambda store: store.save_new("k", BODY),
    "load": lambda store: store.load("k"),
    "exists": lambda store: store.exists("k"),
    "iter_keys": lambda store: list(store.iter_keys("k")),
    "load_pointer": lambda store: store.load_pointer("k"),
    "move_pointer": lambda store: store.move_pointer("k", BODY, ""),
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_a_server_that_is_away_may_be_back_later(ask):
    with pytest.raises(ServiceUnavailable, match="s3://bucket/"):
        ask(Store(client(), "bucket"))


def test_a_server_in_trouble_may_be_better_later(stub, store):
    for method in ("head_object", "list_objects_v2", "get_object"):
        stub.add_client_error(method, "InternalError", http_status_code=500)
    for ask in ("exists", "iter_keys", "load_pointer"):
        with pytest.raises(ServiceUnavailable, match="InternalError"):
            ASK[ask](store)


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
