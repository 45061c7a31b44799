"""Makes the canary of a version of features: `python -m tests.support.canary [v3]`.

Simulated stars of every kind, with a truth that nobody disputes: binaries are only taken with clear
eclipses. One segment of each, with 8 bits a sample and a dither of one step, so that a file that is
read by every gate stays below 300 kB.
"""

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calnet_ops.errors import RejectedInput
from calnet_ops.science.evaluation import canary
from calnet_ops.science.features import VERSIONS, extract
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.stars import own_tic

SECTOR, SEED = 44, 7

WANTED = {
    Kind.EA: 10, Kind.EB: 8, Kind.EW: 8, Kind.PLANET: 5, Kind.DSCT: 5, Kind.RRLYR: 5,
    Kind.SPOTTED: 5, Kind.CONSTANT: 6,
}  # fmt: skip

INVERTED = "INVERTED"
"""Binaries turned upside down: their light rises where it should fall."""

N_INVERTED = 4

CLEAR_DEPTH = 0.03
"""Least depth of a binary's deeper eclipse; the noise of the stars drawn is below 0.01."""

N_TRIED = 60
"""Stars drawn of a kind at most."""


def stars(version: str) -> Iterator[dict[str, Any]]:
    """Rows of the canary."""
    rng = np.random.default_rng(SEED)
    for place, (kind, n_wanted) in enumerate(WANTED.items()):
        n_upside_down = N_INVERTED if kind is Kind.EA else 0
        found = _of_kind(kind, 1000 * place, n_wanted + n_upside_down, version, n_upside_down)
        for name, segment in found:
            yield {
                "kind": name,
                "is_eb": name in {"EA", "EB", "EW"},
                "flux": _coarse(segment.flux, rng),
                "power": _coarse(segment.power, rng),
            }


def _of_kind(
    kind: Kind, first: int, n_wanted: int, version: str, n_upside_down: int
) -> Iterator[tuple[str, Any]]:
    n_found = 0
    for number in range(first, first + N_TRIED):
        job = Job(Path(), SECTOR, own_tic(SECTOR, number), kind, SEED, compact=False)
        _, body, _, signal, _ = light_curve(job)
        if n_found == n_wanted or (kind.is_eb and signal.depth_1 < CLEAR_DEPTH):
            continue
        curve, name = spoc.read(body), str(kind)
        if n_found < n_upside_down:
            middle = 2 * np.nanmedian(curve.flux)
            curve, name = replace(curve, flux=middle - curve.flux), INVERTED
        try:
            segment = extract(curve, version)[0]
        except RejectedInput:
            continue
        n_found += 1
        yield name, segment


def _coarse(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    dithered = values * canary.STEPS + rng.uniform(-0.5, 0.5, len(values))
    return np.clip(np.round(dithered), 0, canary.STEPS).astype(np.uint8)


def make(version: str) -> bytes:
    """The file."""
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(list(stars(version)), schema=canary.STORED)
    pq.write_table(table, buffer, compression="zstd", compression_level=19)
    return buffer.getvalue()


if __name__ == "__main__":
    for name in sys.argv[1:] or VERSIONS:
        file = Path(canary.__file__).with_name(f"canary_{name}.parquet")
        file.write_bytes(make(name))
        sys.stdout.write(f"{file.name}: {file.stat().st_size} bytes\n")
