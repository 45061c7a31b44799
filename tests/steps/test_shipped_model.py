"""The model that the software comes with."""

import json

from typer.testing import CliRunner

from calnet_ops.cli.commands import app
from calnet_ops.science.evaluation.canary import listen, load_canary
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps.chosen_model import SHIPPED, model_named, open_model
from tests.support.signing_keys import private_pem


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_it_knows_binaries_of_each_type_from_other_stars():
    model = open_model(model_named(SHIPPED))
    canary = load_canary(model.features)
    assert canary is not None
    score = model.score(canary.flux, canary.power).astype(float)
    song = listen(canary, model.calibration.apply(score), model.threshold)
    assert min(song.order_of.values()) > 0.9
    assert song.recall > 0.8
    assert song.specificity > 0.8


def test_it_is_trusted_like_the_code_whatever_keys_there_are(monkeypatch):
    monkeypatch.setenv("CALNET_SIGNING_KEY", private_pem())
    assert open_model(model_named(SHIPPED)).threshold < 1


def test_stars_are_classified_with_it_unless_another_model_is_named(simulated_sector):
    files = {kind: simulated_sector.file_of(kind) for kind in (Kind.EA, Kind.EW, Kind.CONSTANT)}
    rows = run("classify", *files.values())
    assert [row["candidate"] for row in rows] == [True, True, False]


def test_labelled_real_stars_are_judged_by_it(shared_data):
    report = run("model", "evaluate", "--on", shared_data)
    right = {name: (one["n_right"], one["n"]) for name, one in report["summary"].items()}
    assert right["eb_found"] == (4, 6)
    assert right["planet_not_called"] == (6, 6)
    assert right["quiet_not_called"] == (31, 32)
