"""What trained networks say of simulated stars: kept, as training takes minutes.

`python -m tests.support.simulated_scores` makes the table anew: sectors 61 and 62 are learned from
with the recipe "demo", two networks by two seeds; validation and test stars are theirs, by the
platform's own split. The other sectors are unseen, and 68, 69 and 70 observe the same stars.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calnet_ops.errors import RejectedInput
from calnet_ops.science.candidates.combine import combine_segments
from calnet_ops.science.features import Segment, extract
from calnet_ops.science.labels.split import split_of
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import DEFAULT_MIX, allot_kinds
from calnet_ops.simulator.stars import own_tic

TABLE = Path(__file__).parents[1] / "data" / "simulated_scores.parquet"

LEARNED = ((61, 61, 360, 1), (62, 62, 360, 1))
"""Sector, sector to which the stars belong, number of stars, seed."""

UNSEEN = (
    (20, 20, 300, 2), (35, 35, 300, 3), (68, 68, 300, 1), (69, 68, 300, 1), (70, 68, 300, 1),
    (70, 70, 300, 1), (87, 87, 300, 1),
)  # fmt: skip

NETWORKS = (1, 2)
"""Seeds of the training."""


class Stars(NamedTuple):
    """Stars of the table."""

    tic: NDArray[np.int64]
    is_eb: NDArray[np.bool_]
    raw: NDArray[np.float64]
    """Combined probability, not calibrated."""


def stars(network: int, sector: int = 0, home: int = 0, split: str = "unseen") -> Stars:
    """Stars of a sector (0 for all), of those that belong to a sector, of a side of the split."""
    rows = [
        row
        for row in _rows()
        if row["network"] == network
        and row["split"] == split
        and sector in {0, row["sector"]}
        and home in {0, row["home"]}
    ]
    return Stars(*(np.array([row[name] for row in rows]) for name in Stars._fields))


def unseen(network: int) -> Stars:
    """Every unseen star once."""
    parts = [stars(network, sector, home) for sector, home, *_ in UNSEEN if sector == home]
    return Stars(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(TABLE).to_pylist()
    return rows


def _segments(sector: int, home: int, n_star: int, seed: int) -> Iterator[tuple[Any, Segment]]:
    """Segments of a simulated sector, each with its star's truth."""
    for number, kind in enumerate(allot_kinds(DEFAULT_MIX, n_star, seed)):
        job = Job(Path(), sector, own_tic(home, number), kind, seed, compact=False)
        _, body, star, _, _ = light_curve(job)
        try:
            found = extract(spoc.read(body))
        except RejectedInput:
            continue
        split = split_of(star.tic, star.ra, star.dec) if sector in {61, 62} else "unseen"
        truth = {"sector": sector, "home": home, "tic": star.tic, "split": split}
        for segment in found:
            yield truth | {"is_eb": kind.is_eb}, segment


def make() -> pa.Table:
    """Simulate, train, score: about half an hour."""
    from calnet_ops.science.network.export import to_litert
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.litert import Scorer
    from calnet_ops.science.network.samples import Samples
    from calnet_ops.science.network.settings import DEMO

    found = [item for sector in (*LEARNED, *UNSEEN) for item in _segments(*sector)]
    flux = np.stack([segment.flux for _, segment in found])
    power = np.stack([segment.power for _, segment in found])
    side = np.array([truth["split"] for truth, _ in found])
    samples = Samples(flux, power, np.array([truth["is_eb"] for truth, _ in found], bool))
    train, validation = (samples.take(np.flatnonzero(side == n)) for n in ("train", "validation"))
    rows = []
    for network in NETWORKS:
        model, _ = train_fresh(train, validation, replace(DEMO, seed=network))
        score = Scorer(to_litert(model)).score(flux, power)
        by_star: dict[tuple[Any, ...], list[float]] = {}
        for (truth, _), value in zip(found, score, strict=True):
            by_star.setdefault(tuple(truth.items()), []).append(float(value))
        rows += [
            dict(truth) | {"network": network, "raw": combine_segments(scores)}
            for truth, scores in by_star.items()
            if dict(truth)["split"] != "train"
        ]
    return pa.Table.from_pylist(rows)


if __name__ == "__main__":
    pq.write_table(make(), TABLE, compression="zstd")
