"""What the store relies on, as a real S3 server does it."""

from datetime import timedelta

import pytest

from calnet_ops.adapters.store import Store
from calnet_ops.adapters.store.quick import Quick
from calnet_ops.errors import KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import sha256_hex
from tests.support.s3_servers import s3_server

pytestmark = [pytest.mark.system, pytest.mark.enable_socket]

BODY, OTHER = b"a light curve" * 1000, b"a light curse" * 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(server):
    return server.platform.store


def test_a_key_is_written_once_and_its_facts_stay(store):
    facts = {"etag": '"1f-2a"', "evidence": "archive: größer, 100% + 1", "source": ""}
    assert store.save_new("once", BODY, "application/fits", facts=facts)
    assert not store.save_new("once", BODY, facts={"source": "elsewhere"})
    kept = {name: text for name, text in facts.items() if text} | {"sha256": sha256_hex(BODY)}
    assert store.load_facts("once") == kept
    assert store.load_with_facts("once") == (BODY, kept)
    with pytest.raises(KeyTaken):
        store.save_new("once", OTHER)


def test_it_tells_when_an_object_was_written(store, server):
    began = server.platform.now() - timedelta(seconds=2)  # S3 tells whole seconds
    store.save_new("written/now", b"now")
    ((key, written),) = store.iter_written("written/")
    assert key == "written/now"
    assert began < written <= server.platform.now()


def test_bytes_that_are_not_those_named_are_refused_and_not_kept(store):
    with pytest.raises(ServiceUnavailable, match="BadDigest"):
        store.save_new("swapped", OTHER, digest=sha256_hex(BODY))
    with pytest.raises(MissingInput):
        store.load("swapped")


def test_a_signature_over_other_bytes_protects_nothing_here(server):
    """Why each write names its SHA-256: the signed hash of a body is not compared with it."""
    client = server.client(request_checksum_calculation="when_required")

    def swap(request, **_kwargs):
        request.body = OTHER

    client.meta.events.register("before-send.s3.PutObject", swap)
    client.put_object(Bucket="calnet", Key="signed", Body=BODY)
    assert server.platform.store.load("signed") == OTHER


def test_a_pointer_moves_for_one_of_two(store):
    assert store.move_pointer("pointer", BODY, "")
    _, tag = store.load_pointer("pointer")
    assert store.move_pointer("pointer", OTHER, tag)
    assert not store.move_pointer("pointer", BODY, tag)
    assert store.load_pointer("pointer")[0] == OTHER


@pytest.mark.parametrize("key", ["plain/key.fits", "odd/a b+ü~(1)&%.fits"])
def test_what_the_quick_way_cannot_do_boto_does(server, key):
    boto, (access_key, secret_key) = Store(server.client, "calnet"), server.keys
    away = Quick("http://127.0.0.1:1", "us-east-1", access_key, secret_key, 1)
    refused = Quick(server.url, "us-east-1", access_key, "another secret", 1)
    for number, quick in enumerate((None, away, refused)):
        facts = {"etag": '"1f-2a"'}
        store = Store(server.client, "calnet", quick)
        assert store.save_new(f"{number}/{key}", BODY, facts=facts)
        assert not server.platform.store.save_new(f"{number}/{key}", BODY)
        assert boto.load_facts(f"{number}/{key}") == facts | {"sha256": sha256_hex(BODY)}
        assert store.load_with_facts(f"{number}/{key}") == boto.load_with_facts(f"{number}/{key}")
        assert store.exists(f"{number}/{key}")
        assert not store.exists(f"{number}/nothing")
        with pytest.raises(MissingInput):
            store.load(f"{number}/nothing")
    assert server.platform.store.save_new(key, BODY, facts=facts)
    assert boto.load_with_facts(key) == (BODY, facts | {"sha256": sha256_hex(BODY)})
    assert not boto.save_new(key, BODY)
