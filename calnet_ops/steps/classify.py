"""Classify light curves with a model of one's choice; no server needed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypedDict

import numpy as np
import pyarrow as pa

from calnet_ops.errors import RejectedInput
from calnet_ops.science.candidates.calibration import IDENTITY, Calibration
from calnet_ops.science.candidates.combine import combine_sectors, combine_segments
from calnet_ops.science.candidates.ephemeris import UNKNOWN, Ephemeris, characterise
from calnet_ops.science.candidates.morphology import TYPES
from calnet_ops.science.features import Segment, extract
from calnet_ops.science.features.tables import as_stored
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.steps.chosen_model import ChosenModel, Floats, open_model
from calnet_ops.steps.measured import MOST_SECTORS, measured
from calnet_ops.steps.workers import Workers, open_workers, worker_score

__all__ = [
    "CLASSIFIED",
    "ChosenModel",
    "Classified",
    "ScoredFile",
    "by_target",
    "describe_target",
    "describe_targets",
    "open_model",
    "open_workers",
    "probability_of",
    "score_files",
]

N_TOGETHER = 64
"""Files scored together: nearly full batches, and 3 MB of features in memory."""


class Measured(TypedDict):
    """What is said of the eclipses of a candidate, in the units of the catalog."""

    period: float | None
    period_err: float | None
    epoch_bjd_tdb: float | None
    epoch_err: float | None
    depth_1: float | None
    depth_1_err: float | None
    depth_2: float | None
    depth_2_err: float | None
    duration_1: float | None
    duration_2: float | None
    eb_type: str
    type_probability: float | None
    morphology: float | None
    n_eclipse: int | None


class Classified(Measured):
    """What is said of one target. What is not known is None, or empty if it is text."""

    tic: int | None
    sectors: str
    n_file: int
    probability: float | None
    n_segment: int
    candidate: bool
    files: str
    reason: str


def _field(name: str, kind: pa.DataType, description: str, unit: str = "") -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, metadata=metadata)


CLASSIFIED = pa.schema(
    [
        _field("tic", pa.int64(), "TESS Input Catalog number"),
        _field("sectors", pa.string(), "sectors of the files, such as 61,87"),
        _field("n_file", pa.int32(), "light curves of the target"),
        _field("probability", pa.float64(), "of being an eclipsing binary, from all sectors"),
        _field("n_segment", pa.int32(), "segments scored"),
        _field("candidate", pa.bool_(), "whether the probability reaches the threshold"),
        _field("period", pa.float64(), "orbital period of a candidate", "d"),
        _field("period_err", pa.float64(), "one-sigma error of the period", "d"),
        _field("epoch_bjd_tdb", pa.float64(), "middle of a primary minimum, BJD (TDB)", "d"),
        _field("epoch_err", pa.float64(), "one-sigma error of the epoch", "d"),
        _field("depth_1", pa.float64(), "primary depth, relative to the flux outside eclipse"),
        _field("depth_1_err", pa.float64(), "one-sigma error of the primary depth"),
        _field("depth_2", pa.float64(), "secondary depth, relative to the flux outside eclipse"),
        _field("depth_2_err", pa.float64(), "one-sigma error of the secondary depth"),
        _field("duration_1", pa.float64(), "width of the primary at a tenth of its depth", "h"),
        _field("duration_2", pa.float64(), "width of the secondary at a tenth of its depth", "h"),
        _field("eb_type", pa.string(), "EA, EB or EW, the likeliest"),
        _field("type_probability", pa.float64(), "of that type"),
        _field("morphology", pa.float64(), "0 narrow eclipses to 1 a sine"),
        _field("n_eclipse", pa.int32(), "primary minima seen; 1 without a period: single"),
        _field("files", pa.string(), "names of the files"),
        _field("reason", pa.string(), "why there is no probability or period, or a file not used"),
    ]
)
"""`Classified` as a table: the same types whatever the rows hold."""


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What is kept of a light curve while others are read: no more than a few hundred bytes."""

    path: Path
    tic: int
    """0 when the file does not say, or cannot be read."""
    sector: int
    """0 when the file does not say."""
    n_good: int
    """Good cadences."""
    scores: Floats
    """(n_segment,) P(EB)."""
    reason: str
    """Why there are no scores; else empty."""


def score_files(
    files: Iterable[Path], model: ChosenModel, workers: Workers | None = None
) -> Iterator[ScoredFile]:
    """Score the segments of each file, in their order.

    Parameters
    ----------
    files
        Light curves of any kind that `read_any` knows; read as they are needed, `N_TOGETHER` at
        a time, and not kept.
    model
        See `open_model`.
    workers
        Share the work; the scores are the same whatever their number.

    Yields
    ------
    scored
        A file that cannot be used says why.
    """
    waiting = iter(files)
    some = iter(lambda: list(islice(waiting, N_TOGETHER)), [])
    if workers is None:
        return chain.from_iterable(_score_some(part, model) for part in some)
    work = partial(_score_in_worker, model.features)
    return chain.from_iterable(workers.run(work, some))


def by_target(scored: Iterable[ScoredFile]) -> list[list[ScoredFile]]:
    """Files of the same star together, in the order in which the stars came.

    A file that does not say of which star it is stays alone.
    """
    targets: dict[int | Path, list[ScoredFile]] = {}
    for file in scored:
        targets.setdefault(file.tic or file.path, []).append(file)
    return list(targets.values())


def describe_targets(
    targets: Iterable[list[ScoredFile]],
    threshold: float,
    calibration: Calibration = IDENTITY,
    workers: Workers | None = None,
) -> Iterator[Classified]:
    """`describe_target` of each, in their order, whoever does it."""
    describe = partial(describe_target, threshold=threshold, calibration=calibration)
    return map(describe, targets) if workers is None else workers.run(describe, targets)


def describe_target(
    files: Sequence[ScoredFile], threshold: float, calibration: Calibration = IDENTITY
) -> Classified:
    """How likely a star is an eclipsing binary, from all sectors; if likely, its eclipses.

    Parameters
    ----------
    files
        All light curves of the star. For a candidate they are read again, the `MOST_SECTORS` with
        the most good cadences, and measured together.
    threshold
        Probability from which it is a candidate.
    calibration
        Of the model's combined probabilities.
    """
    used = [file for file in files if file.scores.size]
    probability = probability_of(used, calibration) if used else None
    candidate = probability is not None and probability >= threshold
    found = _measure(used) if candidate else UNKNOWN
    reasons = [file.reason for file in files if file.reason]
    if candidate and not np.isfinite(found.period):
        reasons.append("no period found")
    return Classified(
        tic=files[0].tic or None,
        sectors=",".join(map(str, sorted({file.sector for file in files if file.sector}))),
        n_file=len(files),
        probability=probability,
        n_segment=sum(file.scores.size for file in used),
        candidate=candidate,
        **_described(found),
        files=",".join(file.path.name for file in files),
        reason="; ".join(reasons),
    )


def probability_of(files: Sequence[ScoredFile], calibration: Calibration) -> float:
    """Probability from all files of a star, as a catalog has it: by sector, then over sectors.

    A file that does not say its sector counts as one of its own.
    """
    sectors: dict[int | Path, list[Floats]] = {}
    for file in files:
        sectors.setdefault(file.sector or file.path, []).append(file.scores)
    each = [combine_segments(np.concatenate(scores)) for scores in sectors.values()]
    return combine_sectors(calibration.apply(each))


def _score_in_worker(features: str, files: list[Path]) -> list[ScoredFile]:
    return list(_score_some(files, ChosenModel(worker_score(), threshold=0, features=features)))


def _score_some(files: list[Path], model: ChosenModel) -> Iterator[ScoredFile]:
    """Read all, then score all together."""
    read = [_read(file, model.features) for file in files]
    segments = [segment for _, found in read for segment in found]
    scores = np.empty(0, np.float32)
    if segments:
        flux, power = ([getattr(one, part) for one in segments] for part in ("flux", "power"))
        scores = model.score(as_stored(np.stack(flux)), as_stored(np.stack(power)))
    start = 0
    for file, found in read:
        stop = start + len(found)
        its_own = scores[start:stop].copy()
        if np.isfinite(its_own).all():
            yield replace(file, scores=its_own)
        else:
            reason = f"{file.path.name}: found a score that is no number, expected 0 to 1"
            yield replace(file, reason=reason)
        start = stop


def _read(path: Path, version: str) -> tuple[ScoredFile, list[Segment]]:
    """A file, not scored yet, and its segments."""
    file = ScoredFile(path, tic=0, sector=0, n_good=0, scores=np.empty(0, np.float32), reason="")
    try:
        light_curve = read_any(path.name, path.read_bytes())
        n_good = int(light_curve.good.sum())
        file = replace(file, tic=light_curve.tic, sector=light_curve.sector, n_good=n_good)
        return file, extract(light_curve, version)
    except (RejectedInput, OSError) as error:
        return replace(file, reason=str(error)), []


def _measure(files: Sequence[ScoredFile]) -> Ephemeris:
    """Eclipses in all light curves together; see `describe_target`."""
    light_curves = []
    for file in sorted(files, key=lambda file: -file.n_good)[:MOST_SECTORS]:
        with suppress(RejectedInput, OSError):  # gone or changed since it was scored
            light_curves.append(read_any(file.path.name, file.path.read_bytes()))
    return characterise(light_curves)


def _described(found: Ephemeris) -> Measured:
    row = measured(found)
    chances = [row[f"probability_{name.lower()}"] for name in TYPES]
    return Measured(
        period=_known(row["period"]),
        period_err=_known(row["period_err"]),
        epoch_bjd_tdb=_known(row["epoch_bjd_tdb"]),
        epoch_err=_known(row["epoch_err"]),
        depth_1=_known(row["depth_1"]),
        depth_1_err=_known(row["depth_1_err"]),
        depth_2=_known(row["depth_2"]),
        depth_2_err=_known(row["depth_2_err"]),
        duration_1=_known(row["duration_1"]),
        duration_2=_known(row["duration_2"]),
        eb_type=found.eb_type,
        type_probability=_known(max(chances)),
        morphology=_known(row["morphology"]),
        n_eclipse=row["n_eclipse"],
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
