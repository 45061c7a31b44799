import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from calnet_ops.cli.archive import app, parse_mix
from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator.faults import Fate, Faults, Lie, Ranged, Trouble
from calnet_ops.simulator.truth import load_truth

MANUAL = Path(__file__).parents[2] / "docs" / "simulator.md"


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


def test_serve_has_a_bad_day_if_told_so(tmp_path):
    faults, port = tmp_path / "faults.json", tmp_path / "port"
    faults.write_text('{"trouble": {"503": 1}, "max_per_url": 1}')
    command = [sys.executable, "-m", "calnet_ops.cli", "archive", "serve", str(tmp_path)]
    options = ["--port-file", str(port), "--faults", str(faults), "--seed", "7"]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            while not port.exists():
                assert server.poll() is None
                time.sleep(0.02)
            url = f"http://127.0.0.1:{port.read_text().strip()}/"
            assert [httpx.get(url).status_code for _ in range(2)] == [503, 200]
        finally:
            server.terminate()


def test_serve_refuses_faults_that_do_not_exist(tmp_path):
    faults = tmp_path / "faults.json"
    faults.write_text('{"trouble": {"meteor": 1}}')
    for options, match in (
        (["--faults", str(faults)], "meteor"),
        (["--seed", "1"], "no --faults"),
    ):
        with pytest.raises(WrongConfiguration, match=match):
            CliRunner().invoke(app, ["serve", str(tmp_path), *options], catch_exceptions=False)


def test_the_example_of_the_manual_works_and_names_every_kind(tmp_path):
    text = MANUAL.read_text()
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / "faults.json").write_text(example)
    faults = Faults.load(tmp_path / "faults.json")
    assert faults.redirect_status == 307
    told = {*Faults.model_fields, *Trouble, *Ranged, *Lie, *Fate} - {"seed", Fate.SOUND}
    assert not {name for name in told if f"`{name}`" not in text}
