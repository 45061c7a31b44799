"""Many local files: the same scores by one process, by several, and by the platform."""

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.science.network.weights import pack
from calnet_ops.steps import classify, extract, score, workers
from calnet_ops.steps.stored_model import WEIGHTS
from tests.steps.test_score import promote
from tests.support.networks import fresh_weights
from tests.support.skies import SimulatedSector
from tests.support.stored_sectors import store_sector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "calnet.npz"
    file.write_bytes(pack(fresh_weights()))
    return classify.open_model(str(file))


@pytest.fixture
def files(simulated_sector: SimulatedSector, tmp_path):
    """All of a sector, and one that cannot be read in their midst."""
    page = tmp_path / "page.fits"
    page.write_bytes(b"<html>not here</html>")
    return [*simulated_sector.files[:5], page, *simulated_sector.files[5:]]


def rows_of(files, model, pool=None):
    scored = list(classify.score_files(files, model, pool))
    targets = classify.by_target(scored)
    return scored, list(classify.describe_targets(targets, 0.6, workers=pool))


def test_any_number_of_workers_gives_the_same_rows_in_the_order_of_the_files(
    files, model, monkeypatch
):
    monkeypatch.setattr(classify, "N_TOGETHER", 2)
    monkeypatch.setattr(workers, "WORTH_SHARING", 1)
    alone, rows = rows_of(files, model)
    with classify.open_workers(model, 2, len(files)) as pool:
        shared, same_rows = rows_of(files, model, pool)
    assert [one.path for one in shared] == files
    assert same_rows == rows
    for one, other in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.reason == other.reason


def test_workers_are_not_started_for_little_or_for_a_model_that_is_slow_to_load(model):
    from dataclasses import replace

    few, slow = (model, 2, workers.WORTH_SHARING - 1), (replace(model, again=None), 2, 1000)
    for case in (few, slow, (model, 1, 1000)):
        with classify.open_workers(*case) as pool:
            assert pool is None


def test_local_files_get_the_very_scores_of_the_platform(platform, simulated_sector, model):
    files = simulated_sector.files
    store_sector(platform, {file.name: file.read_bytes() for file in files})
    platform.store.save_new(keys.model("aaaa", WEIGHTS), pack(fresh_weights()))
    promote(platform)
    features = [
        extract.extract_shard(shard, platform) for shard in extract.plan_shards(87, "v1", platform)
    ]
    extract.close_features(87, "v1", features, platform)
    tallies = [score.score_shard(shard, platform) for shard in score.plan_shards(87, platform)]
    stored = [platform.store.load_table(tally["scores"]) for tally in tallies]
    expected: dict[int, list[np.float32]] = {}
    for table in stored:
        for row in table.to_pylist():
            expected.setdefault(row["tic"], []).append(np.float32(row["score"]))
    found = {one.tic: list(one.scores) for one in classify.score_files(files, model)}
    assert found.keys() == expected.keys()
    for tic, scores in found.items():  # in another place of a batch they may be rounded otherwise
        assert scores == pytest.approx(expected[tic], rel=0, abs=5e-7)
