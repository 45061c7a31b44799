"""Classify light curves with a model of one's choice; no server needed."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypedDict

import numpy as np

from calnet_ops.errors import RejectedInput
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.candidates.ephemeris import UNKNOWN, characterise
from calnet_ops.science.features import Segment, extract
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.steps.chosen_model import ChosenModel, Floats, open_model

__all__ = ["ChosenModel", "Classified", "classify_files", "open_model"]

N_TOGETHER = 32
"""Files held in memory and scored together: 60 MB of two-minute light curves, and full batches."""

BTJD_ZERO = 2457000.0
"""BJD at BTJD 0 [d] (TESS Science Data Products Description Document, section 5)."""


class Classified(TypedDict):
    """What is said of one file. What is not known is None."""

    file: str
    tic: int | None
    sector: int | None
    probability: float | None
    """Of being an eclipsing binary."""
    n_segment: int
    candidate: bool
    """Whether the probability is at or above the threshold."""
    period: float | None
    """[d]"""
    epoch_bjd_tdb: float | None
    """[d]"""
    depth_1: float | None
    """Relative to the flux outside eclipse."""
    eb_type: str | None
    """EA, EB or EW."""
    reason: str
    """Why there is no probability, or no period; else empty."""


def classify_files(files: Iterable[tuple[str, bytes]], model: ChosenModel) -> Iterator[Classified]:
    """Say of each file how likely its star is an eclipsing binary, and measure those that are.

    Parameters
    ----------
    files
        Names and contents; read as they are needed, `N_TOGETHER` at a time.
    model
        See `open_model`.

    Yields
    ------
    row
        One a file, in their order; a file that cannot be used says why.
    """
    waiting = iter(files)
    while some := list(islice(waiting, N_TOGETHER)):
        yield from _classify_some(some, model)


def _classify_some(files: list[tuple[str, bytes]], model: ChosenModel) -> Iterator[Classified]:
    """Read all, score all together, then measure one by one."""
    read = [_read(name, body, model.features) for name, body in files]
    segments = [segment for _, found, _ in read for segment in found]
    scores = np.empty(0, np.float32)
    if segments:
        flux, power = ([getattr(one, part) for one in segments] for part in ("flux", "power"))
        scores = model.score(np.stack(flux), np.stack(power))
    start = 0
    for (name, _), (light_curve, found, reason) in zip(files, read, strict=True):
        own = scores[start : start + len(found)]
        start += len(found)
        yield _row(name, light_curve, own, reason, model.threshold)


def _read(name: str, body: bytes, version: str) -> tuple[LightCurve | None, list[Segment], str]:
    """Light curve, its segments, and why there are none."""
    light_curve = None
    try:
        light_curve = read_any(name, body)
        return light_curve, extract(light_curve, version), ""
    except RejectedInput as error:
        return light_curve, [], str(error)


def _row(
    name: str, light_curve: LightCurve | None, scores: Floats, reason: str, threshold: float
) -> Classified:
    probability = combine_segments(scores) if len(scores) else None
    candidate = light_curve is not None and probability is not None and probability >= threshold
    found = characterise(light_curve) if candidate and light_curve else UNKNOWN
    if candidate and not np.isfinite(found.period):
        reason = "no period found"
    return Classified(
        file=name,
        tic=light_curve.tic if light_curve else None,
        sector=light_curve.sector if light_curve else None,
        probability=probability,
        n_segment=len(scores),
        candidate=candidate,
        period=_known(found.period),
        epoch_bjd_tdb=_known(found.epoch + BTJD_ZERO),
        depth_1=_known(found.depth_1),
        eb_type=found.eb_type or None,
        reason=reason,
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
