"""All that is measured of a model on stars that it has not learned from, as plain numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calnet_ops.science.evaluation.bootstrap import (
    N_DRAW,
    Draws,
    Reliability,
    area_under_curve,
    curve_band,
    draw_groups,
    f1,
    reliability,
    share,
)
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.metrics import Floats, Mask, Rate
from calnet_ops.science.evaluation.parts import Part, parts, sectors

SEED = 42
"""Of the draws: the same stars and probabilities give the same intervals."""

LEVELS = ("segment", "light curve", "star")
"""What is judged: each gap-free piece; each sector of a star; each star by all of its sectors."""

CURVE_AT = np.linspace(0.01, 1, 100)
"""Recalls at which the precision is told."""

PUBLISHED_SCORE = 0.9
"""From this score of the network on, the published Keras code calls a star a binary."""

HALF = 0.5
"""The same of the published PyTorch port, which takes the larger of the two outputs."""

N_MISTAKE = 24
"""Mistakes kept of either kind: as many as fit on one sheet."""


@dataclass(frozen=True, slots=True)
class Level:
    """How a model does on segments, light curves, or stars."""

    name: str
    n: int
    n_eb: int
    n_group: int
    """Groups of stars that the intervals are drawn from."""
    recall: Rate
    precision: Rate
    f1: Rate
    specificity: Rate
    average_precision: Rate
    """Area under the precision-recall curve."""
    reliability: Reliability


@dataclass(frozen=True, slots=True)
class Count:
    """Recall and precision as somebody counts them."""

    name: str
    label: str
    """What was counted, in words: no number here goes without."""
    honest: bool
    """Whether it says what to expect of stars that the model has not seen."""
    n: int
    n_eb: int
    recall: Rate
    precision: Rate


@dataclass(frozen=True, slots=True)
class Mistake:
    """A star that the model is wrong about."""

    tic: int
    sector: int
    is_eb: bool
    eb_type: str
    tmag: float
    period_d: float
    depth: float
    probability: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall of test stars, with its band."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation."""

    model_id: str
    dataset_id: str
    features: str
    threshold: float
    simulated: bool
    levels: tuple[Level, ...]
    parts: tuple[Part, ...]
    """Of stars, by type, magnitude, period, depth and camera."""
    sectors: tuple[Part, ...]
    """Of light curves."""
    counts: tuple[Count, ...]
    """Three, side by side."""
    curve: Curve
    """Of stars."""
    missed: tuple[Mistake, ...]
    """Binaries of which the model is surest that they are none."""
    false_alarms: tuple[Mistake, ...]
    """Other stars of which it is surest that they are binaries."""
    n_draw: int = N_DRAW

    @property
    def star(self) -> Level:
        """The level that is talked about."""
        return self.levels[LEVELS.index("star")]

    def as_json(self) -> dict[str, Any]:
        """Numbers, words, lists and dictionaries; what is not known is null."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def evaluate(
    facts: Mapping[str, Any],
    levels: Mapping[str, Cases],
    sector_names: Mapping[int, str],
    counts: Sequence[Count],
) -> Report:
    """Measure a model.

    Parameters
    ----------
    facts
        ``model_id``, ``dataset_id``, ``features``, ``threshold``, ``simulated``.
    levels
        Test cases of each of `LEVELS`.
    sector_names
        Of the sectors of the light curves.
    counts
        As others count, see `count`.

    Notes
    -----
    3,000 stars with 10,000 segments take about 2 s, most of it for the areas under the curves.
    """
    threshold = float(facts["threshold"])
    stars = levels["star"]
    rng = np.random.default_rng(SEED)
    draws = {name: draw_groups(list(cases.group), rng) for name, cases in levels.items()}
    band = curve_band(stars.is_eb, stars.probability, CURVE_AT, draws["star"])
    return Report(
        model_id=facts["model_id"],
        dataset_id=facts["dataset_id"],
        features=facts["features"],
        threshold=threshold,
        simulated=bool(facts["simulated"]),
        levels=tuple(_level(name, levels[name], threshold, draws[name], rng) for name in LEVELS),
        parts=tuple(parts(stars, threshold, draws["star"])),
        sectors=tuple(
            sectors(levels["light curve"], sector_names, threshold, draws["light curve"])
        ),
        counts=tuple(counts),
        curve=Curve(tuple(CURVE_AT.tolist()), *(tuple(line.tolist()) for line in band)),
        missed=worst(stars, threshold, missed=True),
        false_alarms=worst(stars, threshold, missed=False),
    )


def measure_stars(stars: Cases, threshold: float) -> Level:
    """The level of stars alone, as the gate looks at it."""
    rng = np.random.default_rng(SEED)
    draws = draw_groups(list(stars.group), rng)
    return _level("star", stars, float(threshold), draws, rng)


def count(name: str, label: str, cases: Cases, called: Mask, *, honest: bool = False) -> Count:
    """Recall and precision of some cases, as somebody calls them.

    Parameters
    ----------
    called
        (n_case,)
    """
    draws = draw_groups(list(cases.group), np.random.default_rng(SEED))
    return Count(
        name=name,
        label=label,
        honest=honest,
        n=len(cases),
        n_eb=int(cases.is_eb.sum()),
        recall=share(called, cases.is_eb, draws),
        precision=share(cases.is_eb, called, draws),
    )


def worst(cases: Cases, threshold: float, *, missed: bool) -> tuple[Mistake, ...]:
    """The worst mistakes, worst first: binaries that were missed, or false alarms."""
    called = cases.probability >= threshold
    wrong = np.flatnonzero(cases.is_eb & ~called if missed else ~cases.is_eb & called)
    how_sure = cases.probability[wrong] * (1 if missed else -1)
    chosen = wrong[np.argsort(how_sure, kind="stable")][:N_MISTAKE]
    return tuple(
        Mistake(
            tic=int(cases.tic[row]),
            sector=int(cases.sector[row]),
            is_eb=bool(cases.is_eb[row]),
            eb_type=str(cases.eb_type[row]),
            tmag=float(cases.tmag[row]),
            period_d=float(cases.period_d[row]),
            depth=float(cases.depth[row]),
            probability=float(cases.probability[row]),
        )
        for row in chosen
    )


def _level(
    name: str, cases: Cases, threshold: float, draws: Draws, rng: np.random.Generator
) -> Level:
    called = cases.probability >= threshold
    probability: Floats = np.asarray(cases.probability, np.float64)
    return Level(
        name=name,
        n=len(cases),
        n_eb=int(cases.is_eb.sum()),
        n_group=draws.n_group,
        recall=share(called, cases.is_eb, draws),
        precision=share(cases.is_eb, called, draws),
        f1=f1(cases.is_eb, called, draws),
        specificity=share(~called, ~cases.is_eb, draws),
        average_precision=area_under_curve(cases.is_eb, probability, draws),
        reliability=reliability(cases.is_eb, probability, draws, rng),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
