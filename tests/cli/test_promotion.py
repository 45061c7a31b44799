"""The keeper's commands: promote, follow, history."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.errors import PromotionRefused, WorkUnderWay
from calnet_ops.platform import Platform
from calnet_ops.steps import trigger
from tests.steps.test_promote import WHY, add_version
from tests.support.memory_registry import MemoryRegistry


@pytest.fixture
def platform(platform, tmp_path, monkeypatch):
    platform.__dict__["registry"] = MemoryRegistry()
    monkeypatch.setenv("CALNET_PATHS", str(tmp_path / "paths.json"))
    for name in ("store", "registry"):
        monkeypatch.setattr(Platform, name, getattr(platform, name))
    monkeypatch.setattr(Platform, "scheduler", Silent())
    return platform


class Silent:
    """An Airflow that takes every event."""

    def emit_asset_event(self, *words):
        pass


def run(*arguments):
    answer = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout.splitlines()[-1])


def test_history_tells_what_was_promoted_and_by_whom(platform):
    good, better = add_version(platform, "good", "pass"), add_version(platform, "better", "pass")
    platform.registry.keepers = ["keeper"]
    assert run("model", "promote", str(good))["moved"]
    platform.registry.set_champion(better)
    assert run("model", "follow")["version"] == better
    first, second = run("model", "history")
    assert (first["version"], first["seen_by"]) == (good, "command")
    assert first["actor"] == "one of: keeper"
    assert (second["version"], second["previous_version"], second["until"]) == (better, good, "")
    assert run("model", "history", "--on", "2020-01-01") == []
    today = f"{platform.today():%Y-%m-%d}"
    assert len(run("model", "history", "--on", today)) == 2
    text = CliRunner().invoke(app, ["model", "history", "--on", today]).stdout
    assert "better" in text


def test_against_the_gate_it_takes_a_reason(platform):
    bad = add_version(platform, "bad", "fail")
    with pytest.raises(PromotionRefused, match="recall: low"):
        run("model", "promote", str(bad))
    assert run("model", "history") == []
    record = run("model", "promote", str(bad), "--override", WHY)
    assert (record["action"], record["override"]) == ("promoted", WHY)
    assert run("model", "history")[0]["override"] == WHY


def test_a_training_beside_another_is_refused(platform):
    now, lasts = platform.now(), timedelta(minutes=3)
    platform.ledger.leases.take(trigger.TRAINING, "retrain run 7", now, lasts)
    with pytest.raises(WorkUnderWay, match="retrain run 7"):
        run("train")
