"""The whole circle of learning: labels, a better model, a moved alias, new scores, and the gate.

The store and MLflow are real servers; the light curves are of simulated sectors.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.network.settings import DEMO, Settings
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps import extract, score, train, trigger
from calnet_ops.steps.dataset import Dataset, freeze_dataset
from calnet_ops.steps.evaluation import evaluate_model
from calnet_ops.steps.freeze import freeze_labels, load_labels, read_labels
from calnet_ops.steps.gate import GateRecord, judge_version
from calnet_ops.steps.promote import follow_champion
from tests.support.installations import learning_platform, mlflow_login
from tests.support.stored_sectors import store_sector

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("default"),  # Keras and MLflow have their own, of each other
]

SECTORS = (61, 62, 63)
FEW = (61,)
"""Sectors whose labels are known at first."""

N_STAR = 260
"""Stars of each sector."""

FIRST_TIC = 900_000_000_000
SETTINGS = replace(DEMO, network="compact", n_epoch=10, n_kept_from=3, learning_rate=1e-3)
"""The network that learns quickest: half a minute a model."""


@dataclass
class Circle:
    """Servers, and what has happened so far."""

    platform: Platform
    mlflow: httpx.Client
    truth: Path

    def learn(self, sectors: tuple[int, ...]) -> None:
        """Add labels and freeze them."""
        for sector in sectors:
            load_labels(read_labels(self.truth / f"s{sector:03d}.csv"), self.platform)
        freeze_labels(self.platform)

    def train(self, settings: Settings = SETTINGS) -> GateRecord:
        """A challenger with its verdict."""
        trained = train.train_model(self.platform, settings)
        return judge_version(trained["version"], self.platform)

    def move_alias(self, version: int) -> None:
        """What the MLflow UI sends when a person moves the alias `champion`."""
        alias = {"name": "calnet", "alias": "champion", "version": str(version)}
        answer = self.mlflow.post("/api/2.0/mlflow/registered-models/alias", json=alias)
        answer.raise_for_status()

    def champion(self) -> int:
        """Where the alias stands."""
        asked = {"name": "calnet", "alias": "champion"}
        answer = self.mlflow.get("/api/2.0/mlflow/registered-models/alias", params=asked)
        return int(answer.raise_for_status().json()["model_version"]["version"])

    def description(self, version: int) -> str:
        """What the UI shows with a version."""
        asked = {"name": "calnet", "version": str(version)}
        answer = self.mlflow.get("/api/2.0/mlflow/model-versions/get", params=asked)
        return str(answer.raise_for_status().json()["model_version"]["description"])

    def score(self, sectors: list[int]) -> list[str]:
        """What `score_sector` does with each once its features are there; all keys it read."""
        store, read = self.platform.store, list[str]()
        load = type(store).load

        def noted(store: Any, key: str) -> bytes:
            read.append(key)
            return load(store, key)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(store), "load", noted)
            for sector in sectors:
                shards = score.plan_shards(sector, self.platform)
                tallies = [score.score_shard(shard, self.platform) for shard in shards]
                score.combine_targets(sector, tallies, self.platform)
        return read

    def probabilities(self, sector: int, model_id: str) -> dict[int, float]:
        """Of the stars of a sector, by TIC, as a model sees them."""
        record = self.platform.ledger.latest(score.STEP, sector, model_id)
        assert record is not None
        table = self.platform.store.load_table(record.key, ["tic", "probability"])
        return dict(zip(*table.to_pydict().values(), strict=True))

    def average_precision(self, model_id: str) -> float:
        """On the test stars of the newest labels."""
        labels = self.platform.ledger.latest("labels", 0)
        assert labels is not None
        dataset = freeze_dataset(labels.key, "v1", self.platform)
        return evaluate_model(model_id, dataset, self.platform)["average_precision"][0]

    def retrains(self) -> bool:
        """Whether the DAG `retrain` would train now."""
        decision = trigger.why_retrain(trigger.EVENT, trigger.read_wish({}), self.platform)
        return decision["start"]


@contextmanager
def _learning_from(change: Callable[[pa.Table], Any]) -> Iterator[None]:
    """Have training learn from other verdicts; those of the test stars stay true.

    `change` gets the rows and answers with their verdicts.
    """

    def freeze(*words: Any) -> Dataset:
        true = freeze_dataset(*words)
        table = true.table
        told = np.where(
            np.equal(table["split"].to_pylist(), "test"),
            table["verdict"].to_pylist(),
            change(table),
        )
        place = table.schema.get_field_index("verdict")
        changed = table.set_column(place, "verdict", pa.array(told.tolist()))
        false = Dataset(lineage_id("sabotage", 1, verdicts=told.tolist()), true.features, changed)
        words[-1].store.save_table(false.key, changed)
        return false

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "freeze_dataset", freeze)
        yield


def shuffled_labels() -> AbstractContextManager[None]:
    """A model that learned from labels of other stars."""
    rng = np.random.default_rng(1)
    return _learning_from(lambda table: rng.permutation(table["verdict"].to_pylist()))


def blind_to_contact_binaries() -> AbstractContextManager[None]:
    """A model that was told that contact binaries are none."""

    def verdicts(table: pa.Table) -> Any:
        is_ew = np.equal(table["eb_type"].to_pylist(), "EW")
        return np.where(is_ew, "NOT_EB", table["verdict"].to_pylist())

    return _learning_from(verdicts)


@contextmanager
def swapped_outputs() -> Iterator[None]:
    """A good model whose outputs are in the other order."""
    from calnet_ops.science.network import fit

    honest = fit.train_fresh

    def swapped(*words: Any, **more: Any) -> Any:
        model, history = honest(*words, **more)
        last = model.get_layer("probability")
        last.set_weights([weight[..., ::-1] for weight in last.get_weights()])
        return model, history

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "train_fresh", swapped)
        yield


@pytest.fixture(scope="module")
def circle(tmp_path_factory) -> Iterator[Circle]:
    folder = tmp_path_factory.mktemp("circle")
    with learning_platform(folder / "installation") as (installation, platform):
        for number, sector in enumerate(SECTORS):
            truth = folder / "truth" / f"s{sector:03d}.csv"
            first = FIRST_TIC + 1000 * number
            simulate_sector(
                folder / "sky", sector, n_star=N_STAR, seed=1, truth=truth, compact=True,
                first_tic=first,
            )  # fmt: skip
            files = sorted((folder / "sky" / f"s{sector:03d}").glob("*.fits"))
            store_sector(platform, {file.name: file.read_bytes() for file in files}, sector)
            shards = extract.plan_shards(sector, "v1", platform)
            tallies = [extract.extract_shard(shard, platform) for shard in shards]
            extract.close_features(sector, "v1", tallies, platform)
        login = mlflow_login(installation)
        with httpx.Client(base_url=installation.url("mlflow"), auth=login) as client:
            yield Circle(platform, client, folder / "truth")


@pytest.fixture(scope="module")
def first(circle) -> GateRecord:
    """The champion of few labels, and its scores."""
    circle.learn(FEW)
    assert circle.retrains()
    trained = circle.train()
    assert trained["verdict"] == "pass", trained["reasons"]
    circle.move_alias(trained["version"])
    assert follow_champion(circle.platform)["action"] == "promoted"
    circle.score(list(SECTORS))
    return trained


@pytest.fixture(scope="module")
def better(circle, first) -> GateRecord:
    """The challenger of more labels."""
    assert not circle.retrains()
    circle.learn(SECTORS)
    assert circle.retrains()
    return circle.train()


def test_more_labels_give_a_better_champion_and_its_scores(circle, first, better):
    assert better["verdict"] == "pass", better["reasons"]
    assert better["champion"] == first["model_id"]
    found = circle.average_precision(better["model_id"])
    assert found > circle.average_precision(first["model_id"])
    assert circle.champion() == first["version"]  # nobody has clicked yet

    circle.move_alias(better["version"])
    followed = follow_champion(circle.platform)
    assert (followed["action"], followed["sectors"]) == ("promoted", sorted(SECTORS, reverse=True))
    read = circle.score(followed["sectors"])
    assert any(key.startswith("features/") for key in read)
    assert not any(key.startswith("tess/") for key in read)
    for sector in SECTORS:
        before = circle.probabilities(sector, first["model_id"])
        now = circle.probabilities(sector, better["model_id"])
        assert before.keys() == now.keys()
        assert before != now


@pytest.mark.parametrize(
    ("sabotage", "rule"),
    [
        (shuffled_labels, "precision against the champion"),
        (swapped_outputs, "canary"),
        (blind_to_contact_binaries, "EW"),
    ],
)
@pytest.mark.usefixtures("better")
def test_the_gate_stops_a_challenger(circle, sabotage, rule):
    before = circle.champion()
    with sabotage():
        bad = circle.train(replace(SETTINGS, seed=2))
    assert bad["verdict"] == "fail"
    assert any(rule in reason for reason in bad["reasons"]), bad["reasons"]
    circle.move_alias(bad["version"])
    assert follow_champion(circle.platform)["action"] == "refused"
    assert circle.champion() == before
    assert "refused" in circle.description(bad["version"])
