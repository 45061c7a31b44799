"""Train the same network on the same stars through features of each version, and compare.

``python -m tests.bench.features_versions`` simulates whole sectors, trains the published network
by the recipe "demo" once for each version and seed, and lets it judge unseen stars, and real ones
if `../shared/data` is there. Half an hour of CPU, most of it training, so it is no part of
``make bench``. What is done stays in `var/bench/features_versions/` and is not done again: remove
the folder to begin anew. ``--only v2`` and ``--seeds 1`` share the work among processes.
"""

import argparse
import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import RejectedInput, WrongConfiguration
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.evaluation.metrics import average_precision
from calnet_ops.science.features import VERSIONS
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import DEFAULT_MIX, Kind, allot_kinds
from calnet_ops.simulator.stars import own_tic

OUT = Path("var/bench/features_versions")
REAL = Path("../shared/data")


class Sky(NamedTuple):
    """Stars of one simulated sector, of the simulator's own mix."""

    sector: int
    n_star: int
    seed: int


SETS = {
    "train": (Sky(14, 450, 11), Sky(60, 450, 11)),
    "validation": (Sky(20, 100, 12), Sky(66, 100, 12)),
    "test": (Sky(26, 1250, 13), Sky(72, 1250, 13)),
}
"""Whole sectors: in the first of each pair a gap halves the segments, in the second it need not.
No star is in two of them, and cameras drift and scatter in each sector anew."""

SEEDS = (1, 2, 3)
"""Of the first weights, the order of segments and the dropout; both versions have the same."""

FALSE_ALARMS = 0.01
"""Share of the stars that are no binaries at which recall is stated."""

N_RESAMPLE = 1000
"""Draws of stars, with replacement, behind each interval."""

Floats = npt.NDArray[np.float64]
Metric = Callable[[npt.NDArray[np.bool_], Floats], float]
"""Of truth and probability."""


@dataclass(frozen=True)
class Judged:
    """Stars that each seed's network has judged."""

    tic: npt.NDArray[np.int64]
    """(n_star,)"""
    kind: npt.NDArray[np.str_]
    """(n_star,) What each is."""
    probability: Floats
    """(n_seed, n_star) P(EB)."""

    @property
    def is_eb(self) -> npt.NDArray[np.bool_]:
        """(n_star,) Whether the target itself is a binary."""
        return np.isin(self.kind, [kind.value for kind in Kind if kind.is_eb] + ["real EB"])


def main() -> None:
    """Do what is asked for, and report on what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=VERSIONS, nargs="+", default=list(VERSIONS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for version in asked.only:
        make_features(version, asked.out)
    for version, seed in product(asked.only, asked.seeds):
        if not scores_file(version, seed, asked.out).exists():
            train_and_judge(version, seed, asked.out)
    report(asked.out)


def make_features(version: str, out: Path) -> None:
    """Features of all sets by one version."""
    for name, skies in SETS.items():
        file = features_file(version, name, out)
        if not file.exists():
            save_features(file, version, (star for sky in skies for star in simulated(sky)))
    if REAL.exists() and not features_file(version, "real", out).exists():
        save_features(features_file(version, "real", out), version, real())


def simulated(sky: Sky) -> Iterator[tuple[LightCurve, str]]:
    """Light curves and kinds of the stars of a sector."""
    for number, kind in enumerate(allot_kinds(DEFAULT_MIX, sky.n_star, sky.seed)):
        tic = own_tic(sky.sector, number)
        body = light_curve(Job(Path(), sky.sector, tic, kind, sky.seed, compact=False))[1]
        yield spoc.read(body), kind.value


def real() -> Iterator[tuple[LightCurve, str]]:
    """Real two-minute light curves with their labels."""
    with (REAL / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    for row in rows:
        if row["path"].startswith("tess/"):
            yield spoc.read((REAL / row["path"]).read_bytes()), f"real {row['label']}"


def save_features(file: Path, version: str, stars: Iterator[tuple[LightCurve, str]]) -> None:
    """One row a segment; light curves that give none are left out."""
    rows = []
    for curve, kind in stars:
        try:
            segments = VERSIONS[version](curve)
        except RejectedInput:
            continue
        rows += [(item.flux, item.power, curve.tic, kind) for item in segments]
    flux, power, tic, kinds = zip(*rows, strict=True)
    np.savez(file, flux=np.array(flux), power=np.array(power), tic=np.array(tic), kind=kinds)


def train_and_judge(version: str, seed: int, out: Path) -> None:
    """Train one network and keep its scores of all segments that it has not seen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.samples import Samples
    from calnet_ops.science.network.saved import scoring
    from calnet_ops.science.network.settings import DEMO

    def samples(name: str) -> Samples:
        rows = np.load(features_file(version, name, out))
        is_eb = np.isin(rows["kind"], [kind.value for kind in Kind if kind.is_eb])
        return Samples(rows["flux"], rows["power"], is_eb)

    settings = replace(DEMO, seed=seed)
    model, _ = train_fresh(samples("train"), samples("validation"), settings, print)
    score = scoring(model)
    scores = {}
    for name in ("test", "real"):
        if features_file(version, name, out).exists():
            rows = np.load(features_file(version, name, out))
            scores[name] = score(rows["flux"], rows["power"])
    np.savez(scores_file(version, seed, out), allow_pickle=False, **scores)


def report(out: Path) -> None:
    """Print what the versions are worth, and write it to `report.json`."""
    test = {version: judged(version, "test", out) for version in VERSIONS}
    found: dict[str, object] = {}
    for name, without in (("all stars", []), ("without blends", [Kind.BLEND.value])):
        found[name] = compare({v: leave_out(one, without) for v, one in test.items()})
    found["called EB at 0.5, share by kind"] = {v: by_kind(one) for v, one in test.items()}
    if all(features_file(version, "real", out).exists() for version in VERSIONS):
        real_stars = {version: judged(version, "real", out) for version in VERSIONS}
        found["called EB at 0.5, real stars"] = {v: counts(one) for v, one in real_stars.items()}
    text = json.dumps(found, indent=1)
    (out / "report.json").write_text(text)
    print(text)  # noqa: T201 - a command


def compare(test: dict[str, Judged]) -> dict[str, object]:
    """Metrics of each version, and what the later is better by, with 95% intervals.

    Intervals are those of the mean over seeds when other stars are drawn; the same stars are
    drawn for all, of binaries and others as many as there are.
    """
    first = next(iter(test.values()))
    if any(not np.array_equal(one.tic, first.tic) for one in test.values()):
        raise WrongConfiguration("test stars", found="others by version", expected="the same")
    rng = np.random.default_rng(1)
    sides = [np.flatnonzero(first.is_eb), np.flatnonzero(~first.is_eb)]
    draws = [np.concatenate([rng.choice(s, len(s)) for s in sides]) for _ in range(N_RESAMPLE)]
    answer: dict[str, object] = {"n_binary": len(sides[0]), "n_other": len(sides[1])}
    metrics: dict[str, Metric] = {
        "recall at 1%": recall,
        "average precision": average_precision,
        "log-loss": log_loss,
    }
    for name, metric in metrics.items():
        value: dict[str, float] = {}
        drawn: dict[str, Floats] = {}
        for version, one in test.items():
            each = over_seeds(metric, one, np.arange(len(one.kind)))
            value[version] = each.mean()
            drawn[version] = np.array([over_seeds(metric, one, draw).mean() for draw in draws])
            answer[f"{name}, {version}"] = interval(value[version], drawn[version])
            answer[f"{name}, {version}, each seed"] = each.round(4).tolist()
        before, after = tuple(test)[-2:]
        answer[f"{name}, {after} - {before}"] = interval(
            value[after] - value[before], drawn[after] - drawn[before]
        )
    return answer


def recall(is_eb: npt.NDArray[np.bool_], probability: Floats) -> float:
    """Share of the binaries above all but `FALSE_ALARMS` of the other stars."""
    others = np.sort(probability[~is_eb])[::-1]
    return float(np.mean(probability[is_eb] > others[int(FALSE_ALARMS * len(others))]))


def log_loss(is_eb: npt.NDArray[np.bool_], probability: Floats) -> float:
    """Mean cross-entropy: how wrong, and how sure of it."""
    right = np.where(is_eb, probability, 1 - probability)
    return float(-np.log(np.maximum(right, 1e-6)).mean())


def over_seeds(metric: Metric, one: Judged, draw: npt.NDArray[np.intp]) -> Floats:
    """(n_seed,) A metric of the networks for some of the stars."""
    truth = one.is_eb[draw]
    return np.array([metric(truth, row[draw]) for row in one.probability])


def interval(value: float, drawn: Floats) -> list[float]:
    """Value, lower and upper bound."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [round(float(number), 4) for number in (value, low, high)]


def by_kind(one: Judged) -> dict[str, float]:
    """Share of the stars of each kind that are called binaries at 0.5, over all seeds."""
    called = (one.probability >= 0.5).mean(axis=0)
    return {str(k): round(float(called[one.kind == k].mean()), 3) for k in np.unique(one.kind)}


def counts(one: Judged) -> dict[str, str]:
    """Stars of each label that are called binaries by the mean logit of all seeds."""
    called = np.array([combine_segments(column) for column in one.probability.T]) >= 0.5
    kinds = {str(kind): one.kind == kind for kind in np.unique(one.kind)}
    return {kind: f"{called[here].sum()} of {here.sum()}" for kind, here in kinds.items()}


def judged(version: str, name: str, out: Path) -> Judged:
    """Stars of a set with the probabilities that the trained networks give them."""
    rows = np.load(features_file(version, name, out))
    star, first, of = np.unique(rows["tic"], return_index=True, return_inverse=True)
    files = sorted(out.glob(f"scores-{version}-*.npz"))
    scores = np.array([np.load(file)[name] for file in files])
    probability = [
        [combine_segments(score[of == number]) for number in range(len(star))] for score in scores
    ]
    return Judged(star, rows["kind"][first], np.array(probability))


def leave_out(one: Judged, kinds: list[str]) -> Judged:
    """The same without stars of some kinds."""
    kept = ~np.isin(one.kind, kinds)
    return Judged(one.tic[kept], one.kind[kept], one.probability[:, kept])


def features_file(version: str, name: str, out: Path) -> Path:
    """Features of a set."""
    return out / f"features-{version}-{name}.npz"


def scores_file(version: str, seed: int, out: Path) -> Path:
    """Scores of one network."""
    return out / f"scores-{version}-{seed}.npz"


if __name__ == "__main__":
    main()
