import json

import pytest
from typer.testing import CliRunner

from calnet_ops.cli.archive import app, parse_mix
from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator.truth import load_truth


def test_simulate_writes_sectors_and_says_so_in_json(tmp_path):
    options = ["--sector", "61", "--sector", "62", "--stars", "3", "--compact", "--workers", "1"]
    truth = tmp_path / "truth.csv"
    said = CliRunner().invoke(
        app,
        ["simulate", str(tmp_path / "sky"), *options, "--truth", str(truth), "--json"],
        catch_exceptions=False,
    )
    rows = json.loads(said.stdout)
    assert [(row["sector"], row["files"]) for row in rows] == [(61, 3), (62, 3)]
    assert len(list((tmp_path / "sky" / "s062").glob("*_lc.fits"))) == 3
    assert len(load_truth(truth)) == 6


def test_simulate_shows_examples_in_its_help():
    said = CliRunner().invoke(app, ["simulate", "--help"]).stdout
    assert "archive simulate var/sky" in said


def test_a_mix_is_read_from_the_command_line():
    assert parse_mix("ea=0.2, EW=0.1") == {"EA": 0.2, "EW": 0.1}
    with pytest.raises(WrongConfiguration, match="KIND=SHARE"):
        parse_mix("EA:0.2")
