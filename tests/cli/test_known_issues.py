"""The command that tells what is known of sectors, over a real store."""

import json

import pytest
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.errors import WrongConfiguration
from tests.support.s3_servers import s3_server

pytestmark = pytest.mark.system

CSV = "issue_id,sector,camera,kind,source,time_start\nmine,87,2,dust,[/me] of 2026,3670.5\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("server")) as server:
        yield server.environment


def run(environment, *arguments):
    return CliRunner().invoke(app, ["known-issues", *arguments], env=environment)


def answer(result):
    """JSON on the last line; events may stand before it, which `main` sends elsewhere."""
    return json.loads(result.stdout.splitlines()[-1])


def test_issues_are_listed_and_added_to(environment, tmp_path):
    shown = run(environment, "--sector", "4")
    assert shown.exit_code == 0
    assert "1418.5400" in shown.stdout
    rows = answer(run(environment, "--sector", "s004", "--json"))
    assert {row["sector"] for row in rows} == {4}
    assert all(row["source"] and row["shipped"] for row in rows)
    (tmp_path / "mine.csv").write_text(CSV)
    record = answer(run(environment, "--load", f"{tmp_path / 'mine.csv'}", "--json"))
    assert record["n_loaded"] == 1
    (row,) = answer(run(environment, "--sector", "87", "--json"))
    assert (row["issue_id"], row["source"], row["shipped"]) == ("mine", "[/me] of 2026", False)
    assert "mine" in run(environment, "--sector", "87").stdout


def test_file_that_makes_no_sense_is_an_error(environment, tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    error = run(environment, "--load", f"{tmp_path / 'mine.csv'}").exception
    assert isinstance(error, WrongConfiguration)
