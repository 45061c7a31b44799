import pytest

from calnet_ops import keys
from calnet_ops.adapters.archive import Validators, open_second_source
from calnet_ops.adapters.archive.bucket import PublicBucket
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import ArchiveUnavailable, ForeignProduct, MissingAtSource
from tests.support.mirrors import Answer, ScriptedServer, serving

NAME = "tess2018206045859-s0001-0000000261136679-0120-s_lc.fits"
BODY = bytes(range(256)) * 40
NO_KEY = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'


@pytest.fixture
def bucket_of():
    """A function that gives a server with some answers and the bucket on it."""
    opened = []

    def start(*answers: Answer) -> tuple[ScriptedServer, PublicBucket]:
        server = ScriptedServer(list(answers))
        context = serving(server)
        url = context.__enter__()
        patience = Patience(n_try=3, first_s=0.001)
        bucket = PublicBucket(url, "stpubdata", "me", patience=patience)
        opened.append((context, bucket))
        return server, bucket

    yield start
    for context, bucket in opened:
        bucket.close()
        context.__exit__(None, None, None)


def test_light_curve_is_asked_for_by_its_key_without_credentials(bucket_of, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    server, bucket = bucket_of(Answer(body=BODY, headers={"ETag": '"md5"'}))
    fetched = bucket.fetch(NAME)
    assert (fetched.body, fetched.source, fetched.n_try) == (BODY, "stpubdata", 1)
    assert fetched.validators == Validators('"md5"', "", len(BODY))
    assert server.asked[0]["path"] == f"/stpubdata/{keys.public_key(NAME)}"
    assert "Authorization" not in server.asked[0]
    assert server.asked[0]["User-Agent"].endswith("(me)")


@pytest.mark.parametrize("status", [403, 404])
def test_key_that_is_not_there_is_missing(bucket_of, status):
    _, bucket = bucket_of(Answer(status, NO_KEY))
    with pytest.raises(MissingAtSource, match=str(status)):
        bucket.fetch(NAME)


@pytest.mark.parametrize("status", [400, 500, 503, 301])
def test_anything_else_is_an_unavailable_source(bucket_of, status):
    _, bucket = bucket_of(*[Answer(status)] * 3)
    with pytest.raises(ArchiveUnavailable):
        bucket.fetch(NAME)


def test_busy_and_cut_answers_are_asked_for_again(bucket_of):
    _, bucket = bucket_of(Answer(503), Answer(body=BODY, cut=100), Answer(body=BODY))
    fetched = bucket.fetch(NAME)
    assert (fetched.body, fetched.n_try) == (BODY, 3)


def test_foreign_names_are_not_asked_for(bucket_of):
    server, bucket = bucket_of()
    with pytest.raises(ForeignProduct):
        bucket.fetch("../secret.fits")
    assert not server.asked


def test_addresses_are_those_that_mast_redirects_to(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:8333")
    bucket = open_second_source(None, "stpubdata", throttle=Throttle())
    assert isinstance(bucket, PublicBucket)
    expected = f"https://stpubdata.s3.us-east-1.amazonaws.com/{keys.public_key(NAME)}"
    assert bucket._url(keys.public_key(NAME)) == expected
    bucket.close()
