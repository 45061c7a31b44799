"""The commands that tell of drift and of a model's threshold."""

import json

import pytest
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.platform import Platform
from tests.support.platforms import make_platform
from tests.support.scored_sectors import draw_stars, put_champion, put_sector, reference_of


@pytest.fixture
def platform(tmp_path, monkeypatch):
    platform = make_platform(tmp_path)
    put_champion(platform, reference_of(draw_stars(60, 1)), least_recall=0.9)
    put_sector(platform, 60, draw_stars(60, 2))
    monkeypatch.setenv("CALNET_PATHS", str(tmp_path / "paths.json"))
    monkeypatch.setattr(Platform, "store", platform.store)
    return platform


def run(*arguments):
    answer = CliRunner().invoke(app, [*arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_drift_is_told_with_its_comparisons_and_figure(platform, tmp_path):
    figure = tmp_path / "drift.png"
    told = json.loads(run("drift", "60", "--json", "--figure", str(figure)).splitlines()[-1])
    assert (told["sector"], told["state"], told["found"]) == (60, "usual", None)
    assert told["comparisons"][0]["excess"] == told["excess"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    text = run("drift", "s060")
    for part in ("usual", "expected recall", "flux_noise", "s3://memory/drift/"):
        assert part in text


def test_a_model_shows_its_threshold_and_the_recall_it_is_for(platform):
    facts = json.loads(run("model", "show", "--json"))
    assert (facts["threshold"], facts["least_recall"]) == (0.5, 0.9)
    assert facts["calibration"]["n_star"] == 120
