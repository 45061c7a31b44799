"""A stored model is measured on test stars alone; as others count is told beside, labelled."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer, MissingInput
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import combine_sectors, combine_segments
from calnet_ops.steps import evaluation
from calnet_ops.steps.dataset import freeze_dataset, load_segments
from calnet_ops.steps.evaluation import FIGURES, evaluate_model, load_report, measure_model
from calnet_ops.steps.scored_cases import light_curve_cases, score_rows, star_cases
from calnet_ops.steps.stored_model import open_scorer
from tests.support.graphs import tiny_graph, tiny_score
from tests.support.labelled_sky import fill_platform
from tests.support.platforms import make_platform

N_STAR = 80

THRESHOLD = 0.776
"""Mean flux that parts the binaries of the labelled sky from the other stars, hardly."""

FACTS = {"model_id": "tiny", "features": "v1", "threshold": THRESHOLD, "calibration": {}}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Stars of two sectors, and a model whose score is the mean flux."""
    platform = make_platform(tmp_path_factory.mktemp("labelled"))
    fill_platform(platform, N_STAR)
    fill_platform(platform, N_STAR, sector=62)
    labels = platform.ledger.latest("labels", 0)
    assert labels is not None
    dataset = freeze_dataset(labels.key, "v1", platform)
    platform.store.save_new(keys.model("tiny", "model.json"), json.dumps(FACTS).encode())
    platform.store.save_new(keys.model("tiny", "calnet.tflite"), tiny_graph())
    return platform, dataset


def test_rows_are_scored_in_their_order_however_they_are_cut(labelled, monkeypatch):
    platform, dataset = labelled
    rows = dataset.table
    expected = tiny_score(load_segments(rows, platform.store)[0])
    monkeypatch.setattr("calnet_ops.steps.scored_cases.AT_ONCE", 37)
    found = score_rows(open_scorer("tiny", platform.store), rows, platform.store)
    assert found == pytest.approx(expected, abs=1e-6)


def test_segments_sectors_and_stars_are_combined_as_production_does(labelled):
    platform, dataset = labelled
    rows = dataset.part("test")
    score = tiny_score(load_segments(rows, platform.store)[0])
    line = Calibration(slope=2.0, intercept=-1.0, n_star=1)
    curves = light_curve_cases(rows, score, line)
    stars = star_cases(curves)
    tic = int(stars.tic[3])
    named = list(zip(rows["tic"].to_pylist(), rows["sector"].to_pylist(), strict=True))
    sectors = [
        float(line.apply(combine_segments(score[[name == (tic, n) for name in named]])))
        for n in (61, 62)
    ]
    assert curves.probability[curves.tic == tic] == pytest.approx(sectors)
    assert stars.probability[3] == pytest.approx(combine_sectors(sectors))
    assert (len(curves), stars.sector[3]) == (2 * len(stars), 62)
    assert sorted(stars.tic) == sorted(set(rows["tic"].to_pylist()))


def test_the_report_is_of_test_stars_and_the_rest_is_counted_beside(labelled):
    platform, dataset = labelled
    record = evaluate_model("tiny", dataset, platform)
    report = load_report(record["key"], platform.store)
    n_test = len(set(dataset.part("test")["tic"].to_pylist()))
    segment, curve, star = report["levels"]
    assert (star["n"], curve["n"], segment["n"]) == (n_test, 2 * n_test, 4 * n_test)
    published, leaky, honest = report["counts"]
    assert published["n"] == N_STAR
    assert published["recall"]["value"] == 0  # no mean flux reaches 0.9
    assert leaky["n"] == round(0.2 * len(dataset.table))
    assert leaky["recall"]["value"] == 1
    assert (honest["n"], honest["honest"]) == (n_test, True)
    assert honest["recall"] == star["recall"]
    assert [one["honest"] for one in report["counts"]] == [False, False, True]
    assert "learned from" in published["label"]
    assert [part["name"] for part in report["sectors"]] == ["s061", "s062"]
    for key in record["figures"].values():
        assert platform.store.load(key).startswith(b"\x89PNG")
    assert set(record["figures"]) == set(FIGURES)
    n_key = len(platform.store.objects)
    assert evaluate_model("tiny", dataset, platform) == record
    assert len(platform.store.objects) == n_key


def test_stars_beyond_the_cap_are_left_out_by_chance_and_whole(labelled, monkeypatch):
    platform, dataset = labelled
    monkeypatch.setattr(evaluation, "MOST_OTHERS", 50)
    facts = {**FACTS, "dataset_id": dataset.dataset_id}
    published, leaky, _ = measure_model(facts, dataset, platform.store).counts
    assert (published.n, leaky.n) == (25, 50)


def test_a_model_is_evaluated_again_on_the_data_set_that_is_noted_with_it(labelled):
    platform, dataset = labelled
    with pytest.raises(MissingInput, match="no data set noted"):
        evaluation.evaluate_again("tiny", platform)
    noted = {**FACTS, "model_id": "noted", "dataset_id": dataset.dataset_id}
    platform.store.save_new(keys.model("noted", "model.json"), json.dumps(noted).encode())
    platform.store.save_new(keys.model("noted", "calnet.tflite"), tiny_graph())
    record = evaluation.evaluate_again("noted", platform)
    assert record["dataset_id"] == dataset.dataset_id
    assert record["n_star"] == len(set(dataset.part("test")["tic"].to_pylist()))


def test_a_model_of_other_features_is_refused(labelled):
    platform, dataset = labelled
    facts = {"model_id": "other", "features": "v2", "threshold": 0.5}
    platform.store.save_new(keys.model("other", "model.json"), json.dumps(facts).encode())
    with pytest.raises(FeaturesDiffer, match="features v2, which it learned from"):
        evaluate_model("other", dataset, platform)


def test_the_label_of_a_star_learned_from_cannot_move_the_honest_number(labelled):
    platform, dataset = labelled
    table = dataset.table
    verdicts = np.array(table["verdict"].to_pylist())
    seen = np.array(table["split"].to_pylist()) == "train"
    verdicts[seen] = np.where(verdicts[seen] == "EB", "NOT_EB", "EB")
    place = table.column_names.index("verdict")
    other = replace(dataset, table=table.set_column(place, "verdict", [verdicts.tolist()]))
    facts = {**FACTS, "dataset_id": dataset.dataset_id}
    one, two = (measure_model(facts, data, platform.store) for data in (dataset, other))
    assert one.levels == two.levels
    assert one.counts[2] == two.counts[2] != one.counts[0]
    assert one.counts[1] != two.counts[1]
