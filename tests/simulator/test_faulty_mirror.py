from contextlib import ExitStack
from http import HTTPStatus

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from calnet_ops import keys
from calnet_ops.errors import CalnetError
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator import archive_forms as forms
from calnet_ops.simulator.fault_bytes import earlier
from calnet_ops.simulator.faults import Faults
from calnet_ops.simulator.faulty_mirror import FaultyMirror
from tests.support.mirrors import serving
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

NAMES = [spoc_name(tic) for tic in range(900_000_000_001, 900_000_000_011)]
NAME = NAMES[0]
BODY = spoc_bytes(spoc_arrays(60, gap=None))
PRODUCT = forms.product_path(NAME)
DOWNLOAD = f"{forms.DOWNLOAD_PATH}/?uri={forms.PRODUCT_URI}{NAME}"
SCRIPT = "/missions/tess/download_scripts/sector/tesscurl_sector_87_lc.sh"


@pytest.fixture
def serve(tmp_path):
    """A function that starts a mirror with faults, and gives it with a client."""
    folder = tmp_path / "s087"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(BODY)
    with ExitStack() as stack:

        def start(**faults) -> tuple[FaultyMirror, httpx.Client]:
            mirror = FaultyMirror(tmp_path, Faults(max_per_url=1, **faults), takes_notes=True)
            url = stack.enter_context(serving(mirror))
            return mirror, stack.enter_context(httpx.Client(base_url=url, timeout=2))

        yield start


def test_without_faults_it_is_a_mirror_that_takes_notes(serve):
    mirror, client = serve()
    assert client.get(DOWNLOAD, follow_redirects=True).content == BODY
    assert [(asked.url.text, asked.k, asked.fault) for asked in mirror.asked] == [
        (DOWNLOAD, 0, ""),
        (PRODUCT, 0, ""),
    ]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_trouble_with_a_status_passes_away(serve, status):
    _, client = serve(trouble={str(status): 1})
    for path in (DOWNLOAD, PRODUCT, SCRIPT, forms.PAGE_PATH):
        answer = client.get(path)
        assert answer.status_code == status
        assert ("Retry-After" in answer.headers) is (status == 429)
        assert client.get(path).status_code in {200, 302}


def test_retry_after_is_a_number_or_a_date(serve):
    _, client = serve(trouble={"429": 1}, retry_after_s=5)
    paths = [f"/{n}" for n in range(20)]
    forms_seen = {client.get(path).headers["Retry-After"].isdigit() for path in paths}
    assert forms_seen == {True, False}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_every_kind(serve, status):
    _, client = serve(redirect_status=status)
    assert client.get(DOWNLOAD).status_code == status
    assert client.get(DOWNLOAD, follow_redirects=True).content == BODY


@pytest.mark.parametrize("kind", ["reset", "short body", "broken chunks", "stall"])
def test_bodies_that_do_not_come_to_their_end(serve, kind):
    _, client = serve(trouble={kind: 1}, stall_s=0.1)
    with pytest.raises(httpx.RequestError):
        client.get(PRODUCT)
    assert client.get(PRODUCT).content == BODY


@pytest.mark.parametrize("kind", ["reset", "stall"])
def test_redirects_that_do_not_come(serve, kind):
    _, client = serve(trouble={kind: 1}, stall_s=0.1)
    with pytest.raises(httpx.RequestError):
        client.get(DOWNLOAD)
    assert client.get(DOWNLOAD).status_code == 302


def test_a_stall_ends_when_the_client_gives_up(serve):
    _, client = serve(trouble={"stall": 1}, stall_s=60)
    with pytest.raises(httpx.ReadTimeout):
        client.get(PRODUCT, timeout=0.1)


def test_dripping_is_slow_and_right(serve):
    _, client = serve(trouble={"drip": 1}, drip_s=0.2)
    answer = client.get(PRODUCT)
    assert answer.content == BODY
    assert answer.elapsed.total_seconds() > 0.15


def test_parts_may_be_ignored_refused_or_wrong(serve):
    asked = {"headers": {"Range": "bytes=1000-"}}
    for kind, status in (("ignored", 200), ("416", 416), ("wrong part", 206)):
        _, client = serve(ranged={kind: 1})
        answer = client.get(PRODUCT, **asked)
        assert answer.status_code == status
        if kind == "wrong part":
            assert answer.headers["Content-Range"] == f"bytes 0-99/{len(BODY)}"
        assert client.get(PRODUCT, **asked).content == BODY[1000:]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "lie", ["404", "silent cut", "flipped bit", "html", "spliced error", "empty", "gzip"]
)
def test_lies_look_like_answers_and_are_told_once(serve, lie, seed):
    _, client = serve(lies={lie: 1}, seed=seed)
    for paths in ((DOWNLOAD, PRODUCT), (SCRIPT,)):
        told = [client.get(path, follow_redirects=False) for _ in range(3) for path in paths]
        wrong = [answer for answer in told if not _is_true(answer)]
        assert len(wrong) == 1
        assert wrong[0].status_code == (404 if lie == "404" else 200)


def _is_true(answer):
    if "gzip" in answer.headers.get("Content-Encoding", ""):
        return False
    if answer.has_redirect_location:
        return answer.headers["Location"].endswith(PRODUCT)
    return answer.content == (forms.script(NAMES) if SCRIPT in str(answer.url) else BODY)


def test_no_lie_about_a_light_curve_is_believable(serve):
    for lie in ("silent cut", "flipped bit", "spliced error"):
        for seed in range(10):
            _, client = serve(lies={lie: 1}, seed=seed)
            for _ in range(2):
                body = client.get(PRODUCT).content
                if body != BODY:
                    with pytest.raises(CalnetError):
                        spoc.verify(NAME, body)


def test_whoever_follows_a_foreign_redirect_is_seen(serve):
    mirror, client = serve(lies={"foreign redirect": 1}, seed=1)
    answers = [client.get(DOWNLOAD) for _ in range(3)]
    hosts = [httpx.URL(answer.headers["Location"]).host for answer in answers]
    assert sorted(hosts) == ["127.0.0.1", "127.0.0.1", "localhost"]
    client.get(next(a.headers["Location"] for a in answers if "localhost" in str(a.headers)))
    assert mirror.asked[-1].host.startswith("localhost")


def test_scripts_grow_and_pages_get_their_links(serve):
    _, client = serve(growing_for=2, no_links_for=1)
    answers = [client.get(SCRIPT) for _ in range(3)]
    assert [answer.text.count("curl") for answer in answers] == [3, 6, 10]
    assert len({answer.headers["ETag"] for answer in answers}) == 3
    assert [client.get(forms.PAGE_PATH).text.count("href=") for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("seed", range(8))
def test_lasting_damage_has_the_reason_it_says(serve, seed):
    mirror, client = serve(files={"bad at both": 1}, seed=seed)
    bodies = {client.get(path).content for path in (PRODUCT, f"/stpubdata{PRODUCT}", PRODUCT)}
    assert len(bodies) == 1
    with pytest.raises(CalnetError) as caught:
        spoc.verify(NAME, bodies.pop())
    assert caught.value.reason == mirror.faults.truth([NAME])[NAME].reason


def test_fates_differ_between_the_sources(serve):
    for fate, first, second in (
        ("bad at first", False, True),
        ("missing at first", False, True),
        ("missing at both", False, False),
        ("bad differently", False, False),
    ):
        _, client = serve(files={fate: 1})
        assert (client.get(PRODUCT).content == BODY) is first
        assert (client.get(f"/stpubdata{PRODUCT}").content == BODY) is second


@pytest.mark.parametrize("fate", ["always 500", "always reset", "always cut"])
def test_some_files_never_come_whole(serve, fate):
    mirror, client = serve(files={fate: 1})
    for path in 3 * (PRODUCT, f"/stpubdata{PRODUCT}"):
        try:
            assert client.get(path).status_code == 500
        except httpx.RequestError:
            assert fate != "always 500"
    truth = mirror.faults.truth([NAME])[NAME]
    assert (truth.stored, truth.trust) == (False, {"suspect"})


def test_a_mirror_that_serves_for_long_takes_no_notes(tmp_path):
    mirror = FaultyMirror(tmp_path, Faults())
    with serving(mirror) as url:
        httpx.get(url)
    assert mirror.asked == []


def test_late_files_come_after_a_day(serve):
    mirror, client = serve(files={"late": 1})
    assert {client.get(path).status_code for path in (PRODUCT, f"/stpubdata{PRODUCT}")} == {404}
    mirror.clock = lambda: 90_000.0
    assert client.get(PRODUCT).content == BODY


def test_a_redelivery_in_the_middle_is_another_sound_file(serve):
    _, client = serve(files={"redelivered": 1}, redelivered_after=2)
    answers = [client.get(PRODUCT) for _ in range(3)]
    assert [answer.content for answer in answers] == [earlier(BODY), earlier(BODY), BODY]
    assert spoc.verify(NAME, earlier(BODY)) == spoc.verify(NAME, BODY)
    assert answers[1].headers["ETag"] != answers[2].headers["ETag"]
    rest = {"Range": "bytes=9-", "If-Range": answers[1].headers["ETag"]}
    assert client.get(PRODUCT, headers=rest).status_code == 200


def test_the_public_bucket_can_be_read_without_credentials(serve):
    mirror, _ = serve()
    bucket = _bucket(mirror)
    answer = bucket.get_object(Bucket="stpubdata", Key=keys.public_key(NAME))
    assert answer["Body"].read() == BODY
    head = bucket.head_object(Bucket="stpubdata", Key=keys.public_key(NAME))
    assert (head["ContentLength"], head["ETag"]) == (len(BODY), answer["ETag"])


def test_the_public_bucket_says_what_it_does_not_have(serve):
    mirror, client = serve(files={"missing at both": 1})
    for key in (keys.public_key(NAME), "nothing/at/all<&"):
        with pytest.raises(ClientError) as caught:
            _bucket(mirror).get_object(Bucket="stpubdata", Key=key)
        assert caught.value.response["Error"]["Code"] == "NoSuchKey"
    assert client.get("/stpubdata/").status_code == 404


def test_the_public_bucket_may_be_down(serve):
    mirror, client = serve(second_is_down=True)
    with pytest.raises(ClientError) as caught:
        _bucket(mirror).get_object(Bucket="stpubdata", Key=keys.public_key(NAME))
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert client.get(PRODUCT).content == BODY


def _bucket(mirror):
    config = Config(
        signature_version=UNSIGNED,
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
    )
    return boto3.client("s3", endpoint_url=mirror.url, region_name="us-east-1", config=config)
