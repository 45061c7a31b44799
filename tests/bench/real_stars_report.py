"""What `real_stars` has found: recalls with intervals, the gap to simulation, every real star."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calnet_ops.science.candidates.calibration import fit_calibration
from calnet_ops.science.candidates.combine import logit, sigmoid
from calnet_ops.science.evaluation.at_false_positives import (
    SHARES,
    MadeStars,
    draws,
    recall_at,
    recalls,
    threshold_at,
)
from calnet_ops.science.evaluation.metrics import wilson
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.simulator.injection import side_of
from tests.bench.real_stars import CONTESTANTS, OUT, SEED, features, folder_of, is_eb, manifest

FIGURE = Path("docs/images/real_stars.png")

PAIRS = (
    ("best", "published"),
    ("best", "published, last epoch"),
    ("best", "published, stars of the best"),
    ("best, stars of the published", "published, last epoch"),
    ("demo v2", "demo v1"),
    ("best", "remade simulation"),
    ("real noise", "real noise, no transits"),
    ("lifelike simulation", "simulation"),
)
"""Contestants that are compared on the same stars, the better one first."""

MEASURED = ("test simulated", "test lifelike", "test injected on simulated", "test injected")
"""Sets of the gap."""

DRAWN = ("published, last epoch", "demo v2", "real noise", "best")
GAP = ("simulation", "lifelike simulation", "remade simulation", "best")
"""Contestants in the two panels of the figure."""

CEILING = OUT / "ceiling.npz"
"""What `noise_ceiling` leaves."""

Floats = npt.NDArray[np.float64]


def report() -> None:
    """Print what is there, write it to `report.json`, and draw the figure."""
    there = [name for name in CONTESTANTS if _seeds(name)]
    test = {name: stars(name, "test injected") for name in there}
    found: dict[str, Any] = {"contestants": {}, "pairs": {}, "gap": {}, "real": {}}
    for name, one in test.items():
        table = recalls(one)
        found["contestants"][name] = {
            share: {by: {k: _rounded(v) for k, v in bins.items()} for by, bins in parts.items()}
            for share, parts in table.items()
        } | {"seeds": {seed: _each_seed(name, seed) for seed in _seeds(name)}}
        found["gap"][name] = gap(name)
        found["real"][name] = real(name)
    for after, before in PAIRS:
        if after in test and before in test:
            found["pairs"][f"{after} - {before}"] = paired(test[after], test[before])
    if CEILING.exists():
        rows = np.load(CEILING)
        found["ceiling"] = {
            known: {
                share: {by: {k: _rounded(v) for k, v in bins.items()} for by, bins in parts.items()}
                for share, parts in recalls(oracle(rows, known)).items()
            }
            for known in ("known", "searched")
        }
    (OUT / "report.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))  # noqa: T201 - a command
    draw(found)


def stars(name: str, part: str, seed: int | None = None) -> MadeStars:
    """Stars of a set with what a contestant says of them, its seeds together or one of them."""
    files = [folder_of(name, one) / "scores.npz" for one in ([seed] if seed else _seeds(name))]
    return judged(CONTESTANTS[name].features, part, [np.load(file)[part] for file in files])


def judged(version: str, part: str, scores: Sequence[Floats]) -> MadeStars:
    """Stars of a set with the probability that networks together give them.

    Stars made of one that lists call a planet's host are left out: it has dips of its own.

    Parameters
    ----------
    version
        Of the features.
    scores
        Of the segments of the set, (n,) of each network.
    """
    rows = features(version, part)
    star, first, of = np.unique(rows["star"], return_index=True, return_inverse=True)
    each = [np.bincount(of, logit(one)) / np.bincount(of) for one in scores]
    hosts = [int(row["tic"]) for row in manifest() if row["toi"]]
    hosted = np.isin(rows["base"][first], hosts)
    kept = ~hosted if part == "test injected" else np.full(len(star), fill_value=True)
    facts = {n: rows[n][first][kept] for n in ("base", "kind", "period", "depth", "tmag")}
    probability = sigmoid(np.mean(each, axis=0))[kept]
    return MadeStars(is_eb=is_eb(facts["kind"]), probability=probability, **facts)


def paired(after: MadeStars, before: MadeStars) -> dict[str, list[float]]:
    """Difference of two contestants' recalls, with the interval when base stars are drawn."""

    def difference(draw: npt.NDArray[np.intp], share: float) -> float:
        later, earlier = (
            recall_at(one.is_eb[draw], one.probability[draw], share) for one in (after, before)
        )
        return later - earlier

    answer = {}
    for share in SHARES:
        drawn = [difference(draw, share) for draw in draws(after.base)]
        value = difference(np.arange(len(after.base)), share)
        bounds = (value, *np.quantile(drawn, [0.025, 0.975]))
        answer[f"{100 * share:g}%"] = [round(float(bound), 3) for bound in bounds]
    return answer


def gap(name: str) -> dict[str, Any]:
    """Recall of simulated and of real stars, each at 1% of its own, and at 1% of simulated ones."""
    sets = {part: stars(name, part) for part in MEASURED}
    answer: dict[str, Any] = {
        part: _rounded(recalls(one)["1%"]["all"]["all"]) for part, one in sets.items()
    }
    plain = sets["test simulated"]
    limit = threshold_at(plain.probability[~plain.is_eb], SHARES[0])
    for part in ("test injected on simulated", "test injected"):
        one = sets[part]
        above = one.probability > limit
        natural = np.isin(one.kind, ["quiet", "inverted"])
        answer[f"{part}, threshold of simulated stars"] = {
            "recall": round(float(above[one.is_eb].mean()), 3),
            "false, of quiet and inverted": round(float(above[natural].mean()), 3),
            "false, of all others": round(float(above[~one.is_eb].mean()), 3),
        }
    return answer


def real(name: str) -> dict[str, Any]:
    """Every labelled star, at the threshold that validation injections choose (largest F1)."""
    known = stars(name, "validation injected")
    calibration = fit_calibration(known.is_eb, known.probability)
    threshold = choose_threshold(known.is_eb, calibration.apply(known.probability))
    one = stars(name, "real")
    probability = calibration.apply(one.probability)
    for seed in _seeds(name):
        file = folder_of(name, seed) / "model.json"
        facts = json.loads(file.read_text())
        facts |= {"threshold": threshold, "calibration": calibration.as_json()}
        file.write_text(json.dumps(facts))
    called = probability >= threshold
    unseen = np.array([side_of(int(tic), SEED) == "test" for tic in one.base])
    quiet = one.kind == "real NONEB"
    counts = {
        "EB found": called[one.kind == "real EB"],
        "planet hosts not called": ~called[one.kind == "real PLANET"],
        "quiet not called, of test stars": ~called[quiet & unseen],
        "quiet not called, learned from": ~called[quiet & ~unseen],
    }
    return {
        "threshold": round(threshold, 3),
        **{label: _share(right) for label, right in counts.items()},
        "stars": {
            f"{kind[5:]} {tic}": round(float(p), 3)
            for kind, tic, p in zip(one.kind, one.base, probability, strict=True)
        },
    }


def oracle(rows: Mapping[str, Any], known: str) -> MadeStars:
    """What an oracle says: all is known of each eclipse, or it has to search for one."""
    value = rows["T" if known == "known" else "Tmax"]
    kept = np.isfinite(value)
    facts = {n: rows[n][kept] for n in ("base", "kind", "period", "depth", "tmag")}
    return MadeStars(is_eb=rows["eb"][kept], probability=value[kept], **facts)


def draw(found: Mapping[str, Any]) -> None:
    """Recall by depth, and recall of simulated and of real stars."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    curves = {name: found["contestants"].get(name) for name in DRAWN}
    curves |= {f"oracle, {how}": one for how, one in found.get("ceiling", {}).items()}
    bins: list[str] = []
    for k, (name, one) in enumerate((name, one) for name, one in curves.items() if one):
        bins = list(one["1%"]["depth"])
        value, low, high, _ = np.array(list(one["1%"]["depth"].values())).T
        error, at = np.maximum([value - low, high - value], 0), np.arange(len(value))
        left.errorbar(at + 0.06 * (k - 2), value, error, fmt="o-", ms=4, capsize=2, label=name)
    left.set_xticks(range(len(bins)), bins, fontsize=8)
    left.set(xlabel="depth", ylabel="recall at 1% false positives", ylim=(0, 1.02))
    left.legend(frameon=False, fontsize=8)
    names = [name for name in GAP if name in found["gap"]]
    for k, part in enumerate(MEASURED):
        value, low, high, _ = np.array([found["gap"][name][part] for name in names]).T
        error, at = np.maximum([value - low, high - value], 0), np.arange(len(names))
        right.bar(at + 0.2 * (k - 1.5), value, 0.18, yerr=error, capsize=2, label=part[5:])
    right.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
    right.set(ylabel="recall at 1% false positives", ylim=(0, 1.3))
    right.legend(frameon=False, fontsize=8, ncols=2)
    figure.savefig(FIGURE, dpi=100, metadata={"Software": None})


def _seeds(name: str) -> list[int]:
    return [s for s in CONTESTANTS[name].seeds if (folder_of(name, s) / "scores.npz").exists()]


def _each_seed(name: str, seed: int) -> list[float]:
    one = stars(name, "test injected", seed)
    return [round(recall_at(one.is_eb, one.probability, share), 3) for share in SHARES]


def _share(right: npt.NDArray[np.bool_]) -> str:
    rate = wilson(int(right.sum()), len(right))
    return f"{right.sum()} of {len(right)} ({rate.low:.2f} to {rate.high:.2f})"


def _rounded(rate: Any) -> list[float]:
    value, low, high, n = asdict(rate).values()
    return [round(value, 3), round(low, 3), round(high, 3), n]
