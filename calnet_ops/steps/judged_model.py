"""What the gate is told of a stored model: it is scored anew, beside the one in production."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.errors import FeaturesDiffer
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.canary import Canary, Song, listen, load_canary
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.compare import Difference, compare
from calnet_ops.science.evaluation.evidence import NO_EVIDENCE, Evidence, Speed
from calnet_ops.science.evaluation.report import measure_stars
from calnet_ops.steps.dataset import DATASET, Dataset, through_features
from calnet_ops.steps.model_facts import load_model_facts, load_signed
from calnet_ops.steps.scored_cases import light_curve_cases, score_rows, star_cases
from calnet_ops.steps.stored_model import Scorer, open_scorer

EVIDENCE = "evidence.json"
"""Part of a stored model that says what it learned from, and how well its export agrees."""

N_TIMED = 2
"""Times that each model scores the canary, by turns; the quicker time counts."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Opened:
    """A stored model, ready to score."""

    model_id: str
    facts: Mapping[str, Any]
    scorer: Scorer

    @property
    def calibration(self) -> Calibration:
        """Of its probabilities."""
        return Calibration.from_json(self.facts.get("calibration"))

    def judge(self, rows: pa.Table, platform: Platform) -> Cases:
        """Stars of some rows, with what it says of them."""
        score = score_rows(self.scorer, rows, platform.store)
        return star_cases(light_curve_cases(rows, score, self.calibration))


def stored_evidence(model_id: str, platform: Platform) -> dict[str, Any]:
    """Evidence as stored and signed; empty if there is none, so that every check fails."""
    if not platform.store.exists(keys.model(model_id, EVIDENCE)):
        return {}
    return load_signed(model_id, EVIDENCE, platform.store)


def find_evidence(model_id: str, stored: Mapping[str, Any], platform: Platform) -> Evidence:
    """All that the gate looks at, computed with the scorer of production.

    The champion is measured on the very test stars of the new model: stars that it has not learned
    from either, as a star never changes sides. If it learned from features of another version, it
    sees the stars through these.

    Parameters
    ----------
    stored
        Of `stored_evidence`.

    Raises
    ------
    FeaturesDiffer
        If the champion needs features of another version that are not there.
    """
    if "dataset_id" not in stored:
        return NO_EVIDENCE
    model = _open(model_id, platform)
    test = _test_rows(stored, platform)
    stars = model.judge(test, platform)
    champion = _champion(model_id, platform)
    canary = load_canary(str(stored["features"]))
    return Evidence(
        star=measure_stars(stars, model.facts["threshold"]) if len(stars) else None,
        against=_against(model, stars, test, champion, stored, platform),
        champion=champion.model_id if champion else "",
        song=_listen(model, canary) if canary else None,
        speed=_race(model, champion, canary) if canary else None,
        litert_difference=stored.get("litert_difference"),
        features=str(stored["features"]),
        output_index=stored.get("output_index"),
    )


def _open(model_id: str, platform: Platform) -> Opened:
    facts = load_model_facts(model_id, platform.store)
    return Opened(model_id, facts, open_scorer(model_id, platform.store))


def _champion(model_id: str, platform: Platform) -> Opened | None:
    """Model in production, if it is another."""
    champion = platform.ledger.champion()
    if champion is None or champion.model_id == model_id:
        return None
    found = _open(champion.model_id, platform)
    return Opened(found.model_id, {**found.facts, "threshold": champion.threshold}, found.scorer)


def _test_rows(stored: Mapping[str, Any], platform: Platform) -> pa.Table:
    table = platform.store.load_table(keys.dataset(stored["dataset_id"])).cast(DATASET)
    return Dataset(stored["dataset_id"], stored["features"], table).part("test")


def _listen(model: Opened, canary: Canary) -> Song:
    raw = model.scorer.score(canary.flux, canary.power)
    return listen(canary, model.calibration.apply(raw), float(model.facts["threshold"]))


def _race(model: Opened, champion: Opened | None, canary: Canary) -> Speed:
    """Segments a second of CPU, of both by turns: what else runs slows both down alike."""
    racers = [one.scorer for one in (model, champion) if one]
    best = [np.inf] * len(racers)
    for _ in range(N_TIMED):
        for place, scorer in enumerate(racers):
            began = time.process_time()
            scorer.score(canary.flux, canary.power)
            best[place] = min(best[place], time.process_time() - began)
    speeds = [len(canary.is_eb) / max(seconds, 1e-6) for seconds in best]
    return Speed(speeds[0], speeds[1] if champion else None)


def _against(
    model: Opened,
    stars: Cases,
    test: pa.Table,
    champion: Opened | None,
    stored: Mapping[str, Any],
    platform: Platform,
) -> tuple[Difference, ...] | None:
    """Differences from the champion on the same stars; None without one."""
    if champion is None or not len(stars):
        return None
    seen = test
    if champion.facts["features"] != stored["features"]:
        seen = _through_other_features(
            test, str(champion.facts["features"]), model.model_id, platform
        )
    called = stars.probability >= model.facts["threshold"]
    other = champion.judge(seen, platform) if len(seen) else stars.take(np.zeros(0, np.intp))
    # A star that gives no features of that version cannot be found with them.
    chosen = set(other.tic[other.probability >= champion.facts["threshold"]].tolist())
    other_called = np.array([tic in chosen for tic in stars.tic.tolist()], bool)
    return tuple(compare(stars, called, other_called))


def _through_other_features(
    test: pa.Table, version: str, model_id: str, platform: Platform
) -> pa.Table:
    """Segments of the same test stars by another version.

    A whole sector without has not been extracted, and then the comparison would not be fair.
    """
    featured = {item.sector for item in platform.ledger.records(f"features-{version}")}
    missing = set(test["sector"].to_pylist()) - featured
    if missing:
        sectors = [keys.sector_key(sector) for sector in sorted(missing)]
        raise FeaturesDiffer(
            f"comparison of model {model_id} with the champion",
            found=f"no features {version} of {', '.join(sectors)}",
            expected=f"features {version}, which the champion learned from",
            cure=f"For each of these sectors, run: calnet-ops extract SECTOR --features {version}",
        )
    return through_features(test, version, platform)
