import json

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.platform import PUBLIC_BUCKET_HOST, Platform, open_platform
from tests.support.platforms import make_platform


def platform_with(folder, **archive) -> Platform:
    """A platform whose `archive` block of `paths.json` has more keys."""
    make_platform(folder)
    file = folder / "paths.json"
    paths = json.loads(file.read_text())
    paths["archive"] |= archive
    file.write_text(json.dumps(paths))
    return open_platform(file)


def test_paths_without_the_newer_keys_are_understood(platform):
    assert platform.paths.archive.redirects == (PUBLIC_BUCKET_HOST,)
    assert platform.second_source is None


def test_second_source_is_the_bucket_that_is_named(tmp_path):
    platform = platform_with(tmp_path, second={"endpoint": "http://127.0.0.1:1", "bucket": "b"})
    second = platform.second_source
    assert second is not None
    assert second.name == "b"
    assert platform.second_source is second
    platform.close()


def test_defaults_of_the_second_source_are_the_public_bucket(tmp_path):
    platform = platform_with(tmp_path, second={})
    second = platform.second_source
    assert second is not None
    assert second.name == "stpubdata"
    platform.close()


def test_unknown_keys_are_refused(tmp_path):
    with pytest.raises(WrongConfiguration, match="redirect"):
        platform_with(tmp_path, redirect=["a.example"])


def test_rates_come_from_the_environment(platform, monkeypatch):
    monkeypatch.delenv("CALNET_MAX_BYTES_PER_S", raising=False)
    assert platform.max_bytes_per_s is None
    monkeypatch.setenv("CALNET_MAX_BYTES_PER_S", "2e7")
    assert platform.max_bytes_per_s == 20_000_000


@pytest.mark.parametrize("text", ["fast", "0", "-1", "inf", "nan", "20MB"])
def test_rate_that_is_no_rate_is_refused(platform, monkeypatch, text):
    monkeypatch.setenv("CALNET_REQUESTS_PER_S", text)
    with pytest.raises(WrongConfiguration, match="CALNET_REQUESTS_PER_S"):
        _ = platform.archive


def test_closed_platform_opens_anew(platform):
    first = platform.archive
    platform.close()
    platform.close()
    assert platform.archive is not first
    platform.close()
