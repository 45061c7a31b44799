"""The command that tells of sectors."""

import json

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.cli.sector_rows import whole_delivery
from calnet_ops.errors import MissingInput
from tests.support.platforms import make_platform

APPEARING = {"n_target": 12_345, "n_expected": None, "n_planned": 20_000, "why": "first seen"}
RAW = {
    "delivery": 1, "manifest": "manifest/s086/a.parquet", "n_stored": 499,
    "n_quarantined": {"truncated": 1}, "n_recovered": 1, "n_suspect": 0,
}  # fmt: skip


@pytest.fixture
def platform(tmp_path, monkeypatch):
    platform = make_platform(tmp_path)
    monkeypatch.setenv("CALNET_PATHS", str(tmp_path / "paths.json"))
    ledger = platform.ledger
    ledger.add_delivery(86, 1, state="raw", n_listed=500, listing_sha256="0" * 64, facts=RAW)
    again = RAW | {"why": "files changed: a.fits", "sample": {"a.fits": '"2"'}}
    ledger.add_delivery(
        86, 2, state="appearing", n_listed=500, listing_sha256="0" * 64, facts=again
    )
    ledger.add_delivery(
        87, 1, state="appearing", n_listed=12_345, listing_sha256="1" * 64, facts=APPEARING
    )
    return platform


def run(*arguments):
    return CliRunner().invoke(app, ["sectors", *arguments])


def test_a_sector_that_appears_shows_how_much_of_it_is_there(platform):
    assert "appearing, 12,345 of about 20,000" in run().stdout
    rows = {row["sector"]: row for row in json.loads(run("--json").stdout)}
    row = rows["s087"]
    assert (row["n_target"], row["n_expected"], row["n_planned"]) == (12_345, None, 20_000)


def test_one_sector_is_shown_with_all_its_deliveries(platform):
    shown = json.loads(run("86", "--json").stdout)
    first, second = shown["deliveries"]
    assert (first["n_stored"], first["n_quarantined"]) == (499, {"truncated": 1})
    assert second["why"] == "files changed: a.fits"
    assert "n_stored" not in second  # that is of the delivery before
    assert "files changed: a.fits" in run("s086").stdout


def test_trust_is_counted_from_the_manifest_if_it_has_that_column(platform):
    delivery = platform.ledger.history(86)[0]
    assert whole_delivery(delivery, platform)["trust"] is None
    table = pa.table({"trust": ["sound", "sound", "recovered"]})
    platform.store.save_table(RAW["manifest"], table)
    assert whole_delivery(delivery, platform)["trust"] == {"recovered": 1, "sound": 2}


def test_a_sector_that_was_never_seen_is_an_error_with_a_cure(platform):
    error = run("1751").exception
    assert isinstance(error, MissingInput)
    assert "--poll" in error.cure


def test_the_help_has_examples():
    text = run("--help").stdout
    assert "calnet-ops sectors --poll" in text
    assert "--all" in text


def test_sector_that_no_poll_can_read_shows(platform):
    since = {"since": "2026-11-01T10:00:00", "why": "line 2: found ../../etc/passwd"}
    platform.ledger.record("script", 98, "unreadable", facts=since)
    rows = {row["sector"]: row for row in json.loads(run("--json").stdout)}
    assert rows["s098"]["state"] == "unreadable"
    assert "s098 cannot be read: line 2" in run().stderr
    with pytest.raises(MissingInput, match="etc/passwd"):
        raise run("98").exception
    platform.ledger.record("script", 98, "readable")
    assert "s098" not in run().stdout
