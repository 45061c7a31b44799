"""What a stored model says of rows of a data set: segments, light curves, stars."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calnet_ops.adapters.store import Store
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import logit, sigmoid
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.steps.dataset import load_segments
from calnet_ops.steps.stored_model import Scorer

AT_ONCE = 4000
"""Segments held in memory at a time: 80 MB of features."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]


def score_rows(scorer: Scorer, rows: pa.Table, store: Store) -> Floats:
    """P(EB) of segments by the network, not calibrated.

    Parameters
    ----------
    rows
        Rows of a data set.

    Returns
    -------
    score
        (n_row,) in their order.

    Notes
    -----
    3 ms a segment on one core.
    """
    scores = np.empty(len(rows), np.float32)
    for places in _portions(rows):
        flux, power = load_segments(rows.take(pa.array(places)), store)
        scores[places] = scorer.score(flux, power)
    return scores


def _portions(rows: pa.Table) -> Iterator[Integers]:
    """Places of rows, table of features by table of features, so that each is read once."""
    names = np.asarray(rows["features_key"].to_pylist(), dtype=str)
    order = np.argsort(names, kind="stable")
    for start in range(0, len(order), AT_ONCE):
        yield order[start : start + AT_ONCE]


def segment_cases(rows: pa.Table, score: Floats, calibration: Calibration) -> Cases:
    """Each segment by itself, with a calibrated probability."""
    return _cases(rows, np.arange(len(rows)), calibration.apply(score))


def light_curve_cases(rows: pa.Table, score: Floats, calibration: Calibration) -> Cases:
    """The sectors of each star: the mean of the logits of its segments, calibrated."""
    names = np.stack([_numbers(rows, "tic"), _numbers(rows, "sector")], axis=1)
    first, mean = _means(names, logit(score))
    return _cases(rows, first, calibration.apply(sigmoid(mean)))


def star_cases(light_curves: Cases) -> Cases:
    """Each star once: the mean of the logits of its sectors, as the catalog has it."""
    # The newest sector comes first, so that it is the one a star is described by.
    newest = light_curves.take(np.argsort(-light_curves.sector, kind="stable"))
    first, mean = _means(newest.tic[:, None], logit(newest.probability))
    stars = newest.take(first)
    stars.probability[:] = sigmoid(mean)
    return stars


def _means(
    names: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[Integers, npt.NDArray[np.float64]]:
    """First place and mean of the values of each name, by name; a name is a row of numbers."""
    _, first, member = np.unique(names, axis=0, return_index=True, return_inverse=True)
    member = member.ravel()
    return first, np.bincount(member, values) / np.bincount(member)


def _cases(rows: pa.Table, first: Integers, probability: npt.NDArray[np.float64]) -> Cases:
    """Facts of some rows beside probabilities."""
    chosen = rows.take(pa.array(first))

    def words(name: str) -> npt.NDArray[np.str_]:
        return np.asarray(chosen[name].to_pylist(), dtype=str)

    def floats(name: str) -> npt.NDArray[np.float64]:
        return np.asarray(chosen[name].to_numpy(), np.float64)

    return Cases(
        tic=_numbers(chosen, "tic"),
        sector=_numbers(chosen, "sector"),
        group=words("group"),
        is_eb=words("verdict") == "EB",
        eb_type=words("eb_type"),
        tmag=floats("tmag"),
        period_d=floats("period_d"),
        depth=floats("depth"),
        camera=_numbers(chosen, "camera"),
        probability=np.array(probability, np.float64),
    )


def _numbers(rows: pa.Table, name: str) -> npt.NDArray[np.int64]:
    return np.asarray(rows[name].to_numpy(), np.int64)
