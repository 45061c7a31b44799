"""A handful of stars whose truth is known: what any sane model gets right, however it was made."""

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from calnet_ops.science.evaluation.metrics import Floats, Mask
from calnet_ops.science.features.segment import N_FLUX, N_POWER

STEPS = 255
"""Steps from 0 to 1 of the stored samples."""

STORED = pa.schema(
    [
        ("kind", pa.string()),
        ("is_eb", pa.bool_()),
        ("flux", pa.list_(pa.uint8(), N_FLUX)),
        ("power", pa.list_(pa.uint8(), N_POWER)),
    ]
)
"""Columns of the file, one row a star."""

Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Canary:
    """Simulated stars of every kind, one segment each, as features of one version."""

    kind: tuple[str, ...]
    """``EA``, ``EB``, ``EW``, or what else the star is."""
    is_eb: Mask
    flux: Inputs
    """(n_star, 4000) in 0..1."""
    power: Inputs
    """(n_star, 1000) in 0..1."""


@dataclass(frozen=True, slots=True)
class Song:
    """What a model says of the canary."""

    recall: float
    specificity: float
    order: float
    """Share of pairs of a binary and another star in which the binary has the higher probability;
    below a half the outputs are taken for each other."""
    spread: float
    """Standard deviation of the probabilities; 0 if they are all the same."""
    order_of: dict[str, float]
    """The same share for the binaries of each type alone."""


@cache
def load_canary(version: str) -> Canary | None:
    """The canary of a version of the features; None if it has none.

    Notes
    -----
    Made by ``python -m tests.support.canary``; a new version of the features needs one.
    """
    file = files("calnet_ops.science.evaluation").joinpath(f"canary_{version}.parquet")
    if not file.is_file():
        return None
    table = pq.ParquetFile(io.BytesIO(file.read_bytes())).read(use_threads=False)
    return Canary(
        kind=tuple(table["kind"].to_pylist()),
        is_eb=np.asarray(table["is_eb"].to_pylist(), bool),
        flux=_samples(table, "flux"),
        power=_samples(table, "power"),
    )


def listen(canary: Canary, probability: Floats, threshold: float) -> Song:
    """Sum up what a model says of the canary.

    Parameters
    ----------
    probability
        (n_star,) calibrated P(EB).
    threshold
        The model's own.
    """
    called = probability >= threshold
    kinds = np.asarray(canary.kind)
    others = probability[~canary.is_eb]

    def order(binaries: Floats) -> float:
        above = (binaries[:, None] > others) + 0.5 * (binaries[:, None] == others)
        return float(above.mean())

    return Song(
        recall=float(called[canary.is_eb].mean()),
        specificity=float(1 - called[~canary.is_eb].mean()),
        order=order(probability[canary.is_eb]),
        spread=float(probability.std()),
        order_of={
            str(kind): order(probability[kinds == kind]) for kind in np.unique(kinds[canary.is_eb])
        },
    )


def _samples(table: pa.Table, name: str) -> Inputs:
    rows = table[name].combine_chunks().values.to_numpy()
    return np.asarray(rows.reshape(len(table), -1), np.float32) / np.float32(STEPS)
