"""Local files and a model give one row a star, or the reason why not."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer, WrongConfiguration
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.features import extract
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps import classify
from calnet_ops.steps.chosen_model import ChosenModel
from tests.support.graphs import TINY, tiny_graph, tiny_score
from tests.support.skies import SimulatedSector


@pytest.fixture(scope="module")
def files(simulated_sector: SimulatedSector) -> list[tuple[str, bytes]]:
    """An EW and a constant star."""
    chosen = [simulated_sector.file_of(Kind.EW), simulated_sector.file_of(Kind.CONSTANT)]
    return [(file.name, file.read_bytes()) for file in chosen]


def test_a_candidate_is_measured(files, simulated_sector):
    model = classify.open_model(str(TINY), threshold=0.0)
    row, _ = classify.classify_files(files, model)
    truth = next(row for row in simulated_sector.truth if row.kind == Kind.EW)
    assert (row["tic"], row["sector"], row["candidate"]) == (truth.tic, 87, True)
    assert row["period"] == pytest.approx(truth.period, rel=0.01)
    assert row["epoch_bjd_tdb"] == pytest.approx(truth.epoch_btjd + classify.BTJD_ZERO, abs=5)
    assert row["reason"] == ""


def test_the_probability_is_that_of_its_segments(files):
    name, body = files[0]
    model = classify.open_model(str(TINY))
    (row,) = classify.classify_files([(name, body)], model)
    segments = extract(read_any(name, body))
    scores = [float(tiny_score(one.flux[None])[0]) for one in segments]
    assert row["n_segment"] == len(segments)
    assert row["probability"] == pytest.approx(combine_segments(scores), abs=1e-6)


def test_below_the_threshold_nothing_is_measured(files):
    model = classify.open_model(str(TINY), threshold=1.0)
    for row in classify.classify_files(files, model):
        assert not row["candidate"]
        assert (row["period"], row["epoch_bjd_tdb"], row["eb_type"]) == (None, None, None)


def test_a_bad_file_says_why_and_the_others_go_on(files):
    mixed = [("page.fits", b"<html>not here</html>"), *files, ("empty.fits", b"")]
    rows = list(classify.classify_files(mixed, classify.open_model(str(TINY))))
    assert [row["file"] for row in rows] == [name for name, _ in mixed]
    assert rows[0]["probability"] is None
    assert "expected" in rows[0]["reason"]
    assert "empty file" in rows[3]["reason"]
    assert rows[1]["probability"] is not None


def test_files_are_read_a_few_at_a_time(files, monkeypatch):
    monkeypatch.setattr(classify, "N_TOGETHER", 1)
    read = []

    def reading():
        for file in files:
            read.append(file[0])
            yield file

    rows = classify.classify_files(reading(), classify.open_model(str(TINY)))
    next(rows)
    assert len(read) == 1


def test_a_model_json_beside_the_graph_is_heeded(tmp_path):
    file = tmp_path / "calnet.tflite"
    file.write_bytes(tiny_graph())
    facts = tmp_path / "model.json"
    facts.write_text(json.dumps({"threshold": 0.31, "features": "v1"}))
    assert classify.open_model(str(file)).threshold == 0.31
    assert classify.open_model(str(file), 0.8).threshold == 0.8
    facts.write_text(json.dumps({"threshold": 0.31, "features": "v99"}))
    with pytest.raises(FeaturesDiffer, match="v99"):
        classify.open_model(str(file))


def test_the_model_in_production_can_be_named(platform):
    platform.store.save_new(keys.model("aaaa", "calnet.tflite"), tiny_graph())
    platform.store.save_new(keys.model("aaaa", "model.json"), b'{"threshold": 0.4}')
    platform.ledger.add_promotion(
        model_version=1, model_id="aaaa", action="promoted", reason="", threshold=0.4,
        simulated=True,
    )  # fmt: skip
    model = classify.open_model("models:/calnet@champion", installation=lambda: platform)
    assert isinstance(model, ChosenModel)
    assert model.threshold == 0.4


@pytest.mark.parametrize("name", ["nothing.tflite", "models:/other@champion", "README.md"])
def test_anything_else_is_refused(name):
    with pytest.raises(WrongConfiguration, match=r"a \.keras or \.tflite file"):
        classify.open_model(name)
