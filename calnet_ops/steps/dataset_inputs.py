"""What a data set is joined from: segments, places of stars, labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops import keys
from calnet_ops.adapters.store import Store

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SEGMENTS = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("segment", pa.int32()),
        ("flux_noise", pa.float64()),
        ("features_key", pa.dictionary(pa.int32(), pa.string())),
    ]
)
"""Columns of the list of segments; `flux_noise` as in the statistics of features."""


@dataclass(frozen=True)
class Places:
    """Where stars are and how bright, by TIC number; what the earliest sector says stays."""

    tic: Integers
    """(n_star,) Sorted."""
    ra: Floats
    dec: Floats
    """(n_star,) [deg]."""
    tmag: Floats
    camera: Integers
    ccd: Integers

    def of(self, tics: Sequence[int] | Integers) -> "Places":
        """The same of some stars, in their order: NaN and 0 of those that are not known."""
        wanted = np.asarray(tics, np.int64)
        at = np.searchsorted(self.tic, wanted).clip(0, max(len(self.tic) - 1, 0))
        known = self.tic[at] == wanted if len(self.tic) else np.zeros(len(wanted), bool)

        def chosen(column: npt.NDArray[Any], otherwise: float) -> npt.NDArray[Any]:
            result = np.full(len(wanted), otherwise, column.dtype)
            result[known] = column[at[known]]
            return result

        return Places(
            wanted,
            *(chosen(column, np.nan) for column in (self.ra, self.dec, self.tmag)),
            *(chosen(column, 0) for column in (self.camera, self.ccd)),
        )


def load_labels(label_set: str, store: Store) -> dict[int, Mapping[str, Any]]:
    """Rows of a label set by TIC number; sets of earlier versions lack some columns."""
    return {row["tic"]: row for row in store.load_table(label_set).to_pylist()}


def load_places(statistics: Iterable[str], store: Store) -> Places:
    """Places from statistics of files, earliest sector first."""
    names = ["tic", "ra", "dec", "tmag", "camera", "ccd"]
    tables = [store.load_table(key, names) for key in statistics]
    columns = {
        name: np.concatenate([np.empty(0), *(_numbers(table[name]) for table in tables)])
        for name in names[1:]
    }
    tic = np.concatenate([np.empty(0, np.int64), *(_tics(table) for table in tables)])
    tic, first = np.unique(tic, return_index=True)
    ra, dec, tmag, camera, ccd = (columns[name][first] for name in names[1:])
    return Places(tic, ra, dec, tmag, _whole(camera), _whole(ccd))


def list_segments(shards: Iterable[str], store: Store) -> pa.Table:
    """All segments of some shards: columns of `SEGMENTS`.

    Notes
    -----
    Read from the statistics of features, 100 bytes a segment, where these were kept.
    """
    parts = [SEGMENTS.empty_table()]
    for key in shards:
        table = _listed(key, store)
        column = pa.DictionaryArray.from_arrays(np.zeros(len(table), np.int32), pa.array([key]))
        parts.append(table.append_column("features_key", column).cast(SEGMENTS))
    return pa.concat_tables(parts).unify_dictionaries()


def _listed(key: str, store: Store) -> pa.Table:
    statistics = keys.feature_statistics_of(key)
    names = ["tic", "segment", "flux_noise"]
    if store.exists(statistics):
        table = store.load_table(statistics)
        if set(names) <= set(table.column_names):
            sector = pa.array(np.full(len(table), keys.sector_of(key), np.int32))
            return table.select(names).add_column(1, "sector", sector)
    table = store.load_table(key, ["tic", "sector", "segment"]).select(["tic", "sector", "segment"])
    return table.append_column("flux_noise", pa.nulls(len(table), pa.float64()))


def _numbers(column: pa.ChunkedArray) -> Floats:
    values: Floats = pc.cast(column, pa.float64()).to_numpy()
    return values


def _tics(table: pa.Table) -> Integers:
    values: Integers = pc.cast(table["tic"], pa.int64()).to_numpy()
    return values


def _whole(values: Floats) -> Integers:
    return np.nan_to_num(values).astype(np.int64)
