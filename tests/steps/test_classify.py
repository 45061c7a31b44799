"""Local files and a model give one row a star, or the reason why not."""

import json
from pathlib import Path

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer, WrongConfiguration
from calnet_ops.science.candidates.combine import combine_sectors, combine_segments
from calnet_ops.science.features import VERSIONS, extract
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.simulator.signals import Kind
from calnet_ops.steps import classify
from calnet_ops.steps.chosen_model import ChosenModel
from tests.support.graphs import TINY, tiny_graph, tiny_score
from tests.support.skies import SimulatedSector


@pytest.fixture(scope="module")
def files(simulated_sector: SimulatedSector) -> list[Path]:
    """An EW and a constant star."""
    return [simulated_sector.file_of(Kind.EW), simulated_sector.file_of(Kind.CONSTANT)]


def classify_all(files, **choices):
    model = classify.open_model(str(TINY), **choices)
    targets = classify.by_target(classify.score_files(files, model))
    return [classify.describe_target(target, model.threshold) for target in targets]


def part_of(file, table, share):
    """The first part of a light curve as a CSV file."""
    curve = read_any(file.name, file.read_bytes())
    rows = np.column_stack([curve.time, curve.flux])[curve.good]
    kept = rows[: int(share * len(rows))]
    np.savetxt(table, kept, delimiter=",", header="time,flux", comments="")
    return table


def test_a_candidate_is_measured(files, simulated_sector):
    row, _ = classify_all(files, threshold=0.0)
    truth = next(row for row in simulated_sector.truth if row.kind == Kind.EW)
    assert (row["tic"], row["sectors"], row["candidate"]) == (truth.tic, "87", True)
    assert row["period"] == pytest.approx(truth.period, rel=0.01)
    assert row["epoch_bjd_tdb"] == pytest.approx(truth.epoch_btjd + BTJD_ZERO, abs=5)
    assert row["reason"] == ""


def test_the_probability_is_that_of_its_segments(files):
    (row,) = classify_all(files[:1])
    segments = extract(read_any(files[0].name, files[0].read_bytes()))
    scores = [float(tiny_score(one.flux[None])[0]) for one in segments]
    assert row["n_segment"] == len(segments)
    assert row["probability"] == pytest.approx(combine_segments(scores), abs=1e-6)


def test_a_score_that_is_no_number_is_none(files):
    """As of a network with damaged weights."""
    model = ChosenModel(lambda flux, _: np.full(len(flux), np.nan, np.float32), threshold=0.5)
    for file in classify.score_files(files, model):
        assert file.scores.size == 0
        assert "found a score that is no number" in file.reason


def test_files_of_one_star_are_one_row(files, tmp_path):
    whole, other = files
    tic = read_any(whole.name, whole.read_bytes()).tic
    part = part_of(whole, tmp_path / f"tic{tic}_s61.csv", 0.6)
    alone = classify_all([whole, part.rename(tmp_path / "nobody.csv")], threshold=0.0)
    part = part_of(whole, part, 0.6)
    row, second = classify_all([part, other, whole], threshold=0.0)
    assert (row["tic"], row["sectors"], row["n_file"]) == (tic, "61,87", 2)
    assert row["files"] == f"{part.name},{whole.name}"
    assert second["n_file"] == 1
    assert row["n_segment"] == sum(one["n_segment"] for one in alone)
    scored = classify.score_files([part, whole], classify.open_model(str(TINY)))
    each = [combine_segments(file.scores) for file in scored]
    assert row["probability"] == pytest.approx(combine_sectors(each), abs=1e-6)
    # Measured in the file with the most good cadences, although it came last.
    assert row["epoch_bjd_tdb"] == alone[0]["epoch_bjd_tdb"]


def test_a_calibration_beside_the_graph_is_applied(files, tmp_path):
    graph = tmp_path / "calnet.tflite"
    graph.write_bytes(tiny_graph())
    line = {"slope": 0.5, "intercept": 1.0, "covariance": [0.1, 0, 0.1], "n_star": 9}
    line |= {"eb_share": 0.5}
    (tmp_path / "model.json").write_text(json.dumps({"calibration": line}))
    model = classify.open_model(str(graph))
    (target,) = classify.by_target(classify.score_files(files[:1], model))
    row = classify.describe_target(target, 1.0, model.calibration)
    raw = classify.describe_target(target, 1.0)["probability"]
    assert raw is not None
    assert row["probability"] == pytest.approx(float(model.calibration.apply(raw)))
    assert float(model.calibration.apply(raw)) > raw


def test_a_file_that_does_not_name_its_star_stays_alone(files, tmp_path):
    named = [part_of(files[0], tmp_path / f"{name}.csv", 1.0) for name in ("one", "two")]
    rows = classify_all(named)
    assert [(row["tic"], row["files"]) for row in rows] == [(None, "one.csv"), (None, "two.csv")]
    assert rows[0]["probability"] is not None


def test_a_sector_without_segments_is_said_and_the_others_count(files, tmp_path):
    tic = read_any(files[0].name, files[0].read_bytes()).tic
    short = part_of(files[0], tmp_path / f"tic{tic}_s61.csv", 0.01)
    (row,) = classify_all([files[0], short])
    assert row["n_file"] == 2
    assert row["probability"] is not None
    assert row["reason"].startswith(f"TIC {tic}, sector 61: too few good cadences")


def test_below_the_threshold_nothing_is_measured(files):
    for row in classify_all(files, threshold=1.0):
        assert not row["candidate"]
        assert (row["period"], row["epoch_bjd_tdb"], row["eb_type"]) == (None, None, "")


def test_a_bad_file_says_why_and_the_others_go_on(files, tmp_path):
    page, empty = tmp_path / "page.fits", tmp_path / "empty.fits"
    page.write_bytes(b"<html>not here</html>")
    empty.write_bytes(b"")
    mixed = [page, *files, empty, tmp_path / "gone.fits"]
    rows = classify_all(mixed)
    assert [row["files"] for row in rows] == [file.name for file in mixed]
    assert rows[0]["probability"] is None
    assert "expected" in rows[0]["reason"]
    assert "empty file" in rows[3]["reason"]
    assert "No such file" in rows[4]["reason"]
    assert rows[1]["probability"] is not None


def test_files_are_read_a_few_at_a_time_and_not_kept(files, monkeypatch):
    monkeypatch.setattr(classify, "N_TOGETHER", 1)
    waiting = iter(files)
    scored = classify.score_files(waiting, classify.open_model(str(TINY)))
    first = next(scored)
    assert list(waiting) == files[1:]
    assert first.scores.base is None


@pytest.mark.parametrize(
    ("name", "body"),
    [("calnet.tflite", b"no graph"), ("calnet.tflite", b""), ("model.json", b"{"),
     ("model.json", b"[]")],
)  # fmt: skip
def test_a_damaged_model_is_named(tmp_path, name, body):
    (tmp_path / "calnet.tflite").write_bytes(tiny_graph())
    (tmp_path / name).write_bytes(body)
    with pytest.raises(WrongConfiguration, match=r"calnet\.tflite.*a sound model"):
        classify.open_model(str(tmp_path / "calnet.tflite"))


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


@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_is_given_the_features_that_it_learned_from(files, tmp_path, version):
    (tmp_path / "calnet.tflite").write_bytes(tiny_graph())
    (tmp_path / "model.json").write_text(json.dumps({"features": version}))
    model = classify.open_model(str(tmp_path / "calnet.tflite"))
    (scored,) = classify.score_files(files[:1], model)
    segments = extract(read_any(files[0].name, files[0].read_bytes()), version)
    expected = tiny_score(np.stack([one.flux for one in segments]))
    np.testing.assert_allclose(scored.scores, expected, atol=1e-6)


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
    with pytest.raises(WrongConfiguration, match=r"a \.keras, \.h5, \.npz or \.tflite file"):
        classify.open_model(name)
