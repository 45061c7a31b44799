"""Hold a model against labelled light curves of one's own, star by star; no server needed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from calnet_ops.science.evaluation.at_false_positives import MadeStars, recalls
from calnet_ops.science.evaluation.metrics import Rate, wilson
from calnet_ops.steps.chosen_model import ChosenModel
from calnet_ops.steps.classify import ScoredFile, probability_of
from calnet_ops.steps.labelled_folder import TRUTH, LabelledFile

LearnedFrom = Callable[[int, float, float], bool]
"""Whether a model has learned from the star of this TIC number, or from one that lies within three
pixels of this place (right ascension, declination [deg])."""


class JudgedFile(TypedDict):
    """A light curve of a star."""

    path: str
    product: str
    sector: int | None
    n_segment: int
    reason: str
    """Why it was not used; empty if it was."""


class JudgedStar(TypedDict):
    """What a model says of a star, and whether it is right. None: not known, or not judged."""

    tic: int
    sectors: list[int]
    label: str
    clean: bool | None
    """None if the manifest does not say."""
    products: list[str]
    n_segment: int
    probability: float | None
    """Calibrated, from all of its files."""
    threshold: float
    called: bool | None
    """Whether it is a candidate at that threshold."""
    right: bool | None
    counted: bool
    """Whether it is in the shares: its label is sure, and it was judged."""
    learned_from: bool | None
    """Whether the model has learned from it; None if that is not known."""
    reason: str
    files: list[JudgedFile]


class Share(TypedDict):
    """Stars that a model is right about, with the 95% interval (Wilson); of no stars None."""

    n_right: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    n_not_judged: int
    """Besides these."""


class Evaluation(TypedDict):
    """What a model is worth on a folder."""

    model: str
    folder: str
    features: str
    threshold: float
    n_file: int
    n_star: int
    summary: dict[str, Share]
    """Binaries found (all, clean, hard), planet hosts and quiet stars not called binaries."""
    by_product: dict[str, dict[str, Share]]
    """The same, of each product by itself."""
    mistakes: list[int]
    """TIC numbers, the most certain mistake first."""
    not_judged: list[str]
    """Files that were not used, and why."""
    left_out: list[str]
    """Files of the manifest that have no label, and so are in nothing else."""
    learned_from: int | None
    """Stars of the folder that the model has learned from; None if that is not known."""
    injected: dict[str, Any] | None
    """Of a folder of injections: recall at shares of false positives."""
    stars: list[JudgedStar]


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of one star that were looked at, with what was found."""

    rows: Sequence[LabelledFile]
    scored: Sequence[ScoredFile | None]

    def of_product(self, product: str) -> "_Files":
        kept = [k for k, row in enumerate(self.rows) if row.product == product]
        return _Files([self.rows[k] for k in kept], [self.scored[k] for k in kept])


def evaluate(
    name: str,
    folder: Path,
    model: ChosenModel,
    rows: Sequence[LabelledFile],
    scored: Iterable[ScoredFile],
    learned_from: LearnedFrom | None = None,
) -> Evaluation:
    """Compare what a model says of each star with its label.

    Parameters
    ----------
    name, folder
        For the report.
    model
        What the files were scored with.
    rows
        Files of the folder, see `read_folder`.
    scored
        Of those without a problem, see `score_files`.
    learned_from
        If it is known what the model has learned from.
    """
    left_out = [row.name for row in rows if not row.label]
    rows = [row for row in rows if row.label]
    found = {file.path: file for file in scored}
    stars = [
        _Files(group, [found.get(row.path) for row in group]) for group in _by_star(rows).values()
    ]
    judged = [_judge(star, model, learned_from) for star in stars]
    products = sorted({row.product for row in rows})
    return Evaluation(
        model=name,
        folder=str(folder),
        features=model.features,
        threshold=model.threshold,
        n_file=len(rows),
        n_star=len(judged),
        summary=_summary(judged),
        by_product={
            product or "not told": _summary(
                [
                    _judge(part, model, learned_from)
                    for star in stars
                    if (part := star.of_product(product)).rows
                ]
            )
            for product in products
        },
        mistakes=[star["tic"] for star in sorted(judged, key=_off) if star["right"] is False],
        not_judged=[
            f"{file['path']}: {file['reason']}"
            for star in judged
            for file in star["files"]
            if file["reason"]
        ],
        left_out=left_out,
        learned_from=sum(bool(star["learned_from"]) for star in judged) if learned_from else None,
        injected=_injected(rows, judged),
        stars=judged,
    )


def _by_star(rows: Sequence[LabelledFile]) -> dict[int | str, list[LabelledFile]]:
    """Files of the same star together; one without a number stays alone."""
    stars: dict[int | str, list[LabelledFile]] = {}
    for row in rows:
        stars.setdefault(row.tic or row.name, []).append(row)
    return stars


def _judge(star: _Files, model: ChosenModel, learned_from: LearnedFrom | None) -> JudgedStar:
    first = star.rows[0]
    files = [_file(row, one) for row, one in zip(star.rows, star.scored, strict=True)]
    used = [one for one, file in zip(star.scored, files, strict=True) if one and not file["reason"]]
    labels = sorted({row.label for row in star.rows})
    probability = probability_of(used, model.calibration) if used else None
    called = None if probability is None else probability >= model.threshold
    truth = TRUTH.get(first.label) if len(labels) == 1 else None
    counted = truth is not None and called is not None
    reasons = [file["reason"] for file in files if file["reason"]]
    if truth is None:
        reasons.append(
            f"not counted: found label {'/'.join(labels)}, expected {' or '.join(TRUTH)}"
        )
    clean = {row.clean for row in star.rows}
    return JudgedStar(
        tic=first.tic,
        sectors=sorted({one.sector for one in used if one.sector}),
        label="/".join(labels),
        clean=None if None in clean else all(clean),
        products=sorted({row.product for row in star.rows if row.product}),
        n_segment=sum(one.scores.size for one in used),
        probability=probability,
        threshold=model.threshold,
        called=called,
        right=called == truth if counted else None,
        counted=counted,
        learned_from=_learned(first, learned_from),
        reason="; ".join(dict.fromkeys(reasons)),
        files=files,
    )


def _file(row: LabelledFile, scored: ScoredFile | None) -> JudgedFile:
    reason = row.problem or ("not read" if scored is None else scored.reason)
    if scored and not reason and scored.tic and scored.tic != row.tic:
        reason = f"{row.path.name}: found TIC {scored.tic}, expected {row.tic} (manifest)"
    return JudgedFile(
        path=row.name,
        product=row.product,
        sector=(scored.sector or None) if scored else None,
        n_segment=0 if reason or scored is None else scored.scores.size,
        reason=reason,
    )


def _learned(row: LabelledFile, learned_from: LearnedFrom | None) -> bool | None:
    return None if learned_from is None else learned_from(row.base_tic, row.ra, row.dec)


def _summary(stars: Sequence[JudgedStar]) -> dict[str, Share]:
    """Right and all, by label."""
    binaries = [star for star in stars if star["label"] == "EB"]
    parts = {
        "eb_found": binaries,
        "eb_found_clean": [star for star in binaries if star["clean"] is True],
        "eb_found_hard": [star for star in binaries if star["clean"] is False],
        "planet_not_called": [star for star in stars if star["label"] == "PLANET"],
        "quiet_not_called": [star for star in stars if star["label"] == "NONEB"],
    }
    return {name: _share(part) for name, part in parts.items()}


def _share(stars: Sequence[JudgedStar]) -> Share:
    counted = [star for star in stars if star["counted"]]
    n_right = sum(bool(star["right"]) for star in counted)
    rate = wilson(n_right, len(counted))
    return Share(
        n_right=n_right,
        n=len(counted),
        share=rate.value if counted else None,
        low=rate.low if counted else None,
        high=rate.high if counted else None,
        n_not_judged=len(stars) - len(counted),
    )


def _off(star: JudgedStar) -> float:
    """The surer a model was, the smaller, so that the worst mistake comes first."""
    return -abs((star["probability"] or 0.0) - star["threshold"])


def _injected(rows: Sequence[LabelledFile], judged: Sequence[JudgedStar]) -> dict[str, Any] | None:
    """Recall at shares of false positives, of stars that were made of others."""
    of = {row.tic: row for row in rows}
    known = [(star, of[star["tic"]]) for star in judged if star["counted"]]
    known = [(star, row) for star, row in known if row.kind and row.label != "PLANET"]
    if not known:
        return None
    made = MadeStars(
        base=np.array([row.base_tic for _, row in known]),
        kind=np.array([row.kind for _, row in known]),
        is_eb=np.array([row.label == "EB" for _, row in known]),
        period=np.array([row.period for _, row in known]),
        depth=np.array([row.depth for _, row in known]),
        tmag=np.array([row.tmag for _, row in known]),
        probability=np.array([star["probability"] for star, _ in known]),
    )
    return {
        "n_base_star": len(np.unique(made.base)),
        "n_binary": int(made.is_eb.sum()),
        "n_other": int((~made.is_eb).sum()),
        "recall_at_false_positives": _as_json(recalls(made)),
    }


def _as_json(found: Mapping[str, Mapping[str, Mapping[str, Rate]]]) -> dict[str, Any]:
    return {
        share: {by: _rates(bins) for by, bins in parts.items()} for share, parts in found.items()
    }


def _rates(bins: Mapping[str, Rate]) -> dict[str, Any]:
    return {name: asdict(rate) for name, rate in bins.items()}
