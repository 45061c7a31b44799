"""A version of the table is kept whenever its content changes, and nothing loaded is lost."""

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.checks.known_issues import issue_table, issues_of, shipped_issues
from calnet_ops.steps.known_issues import keep_known_issues
from calnet_ops.steps.stored_issues import STEP, stored_issues

HEADER = "issue_id,sector,camera,time_start,time_stop,kind,source\n"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "issues.csv"
    file.write_text(f"{HEADER}mine,87,2,3670.5,3671.5,scattered light,me\n")
    return file


def test_shipped_issues_are_stored_once_and_noted(platform):
    first, again = keep_known_issues(platform), keep_known_issues(platform)
    assert first == again
    assert (first["n_issue"], first["n_loaded"]) == (len(shipped_issues()), 0)
    assert [record.key for record in platform.ledger.records(STEP)] == [first["key"]]
    table = platform.store.load_table(first["key"])
    assert issues_of(table) == stored_issues(platform).issues


def test_loaded_issues_make_a_new_version_beside_the_old_one(platform, file):
    first = keep_known_issues(platform)
    second = keep_known_issues(platform, file)
    assert second["n_issue"] == first["n_issue"] + 1
    assert second["table_id"] != first["table_id"]
    assert platform.store.exists(first["key"])
    assert keep_known_issues(platform, file) == second == keep_known_issues(platform)
    assert "mine" in [issue.issue_id for issue in stored_issues(platform).issues]


def test_loaded_issue_stands_for_the_shipped_one_of_its_id(platform, file):
    file.write_text(f"{HEADER}s0004-instrument-off,4,0,1418.5,1421.3,instrument off,me\n")
    record = keep_known_issues(platform, file)
    assert record["n_issue"] == len(shipped_issues())
    (issue,) = [i for i in stored_issues(platform).issues if i.issue_id == "s0004-instrument-off"]
    assert (issue.source, issue.shipped) == ("me", False)
    assert keep_known_issues(platform) == record


def test_newer_package_brings_its_issues_and_keeps_the_loaded_ones(platform, file):
    keep_known_issues(platform, file)
    old = [issue for issue in stored_issues(platform).issues if issue.sector in {4, 87}]
    platform.store.save_table("known-issues/old.parquet", issue_table(old))
    platform.ledger.record(STEP, 0, "known-issues/old.parquet", facts={"table_id": "old"})
    record = keep_known_issues(platform)
    assert (record["n_issue"], record["n_loaded"]) == (len(shipped_issues()) + 1, 1)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"a,b\n", b"issue_id\n\0"])
def test_file_that_makes_no_sense_changes_nothing(platform, file, body):
    before = keep_known_issues(platform)
    file.write_bytes(body)
    with pytest.raises(WrongConfiguration):
        keep_known_issues(platform, file)
    assert keep_known_issues(platform) == before


def test_missing_and_endless_files_are_refused(platform, tmp_path):
    for name in ("none.csv", "."):
        with pytest.raises(WrongConfiguration):
            keep_known_issues(platform, tmp_path / name)
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(10**10)
    with pytest.raises(WrongConfiguration, match="more than"):
        keep_known_issues(platform, tmp_path / "large.csv")
