"""Segments of a data set as training takes them: from the store, a shard at a time."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calnet_ops.adapters.store import Store
from calnet_ops.science.checks.products import SHAPE, segment_shape
from calnet_ops.science.features.tables import as_floats, stored_matrix
from calnet_ops.science.network.samples import Floats, Stored
from calnet_ops.steps.stored_model import Scorer

NAME = ("tic", "sector", "segment")
"""Columns that name a segment."""


class StoredSegments:
    """Some rows of a data set, shard by shard; a shard is what they use of a table of features.

    The first time that a shard is wanted, its rows are taken from the store and put into a local
    file, as the store keeps them: 10 kB a segment. From then on they come from there. Nothing stays
    in memory, so a large set needs no more of it than a small one.

    Parameters
    ----------
    rows
        Of a data set.
    scratch
        Folder for these files; made when needed.
    """

    def __init__(self, rows: pa.Table, store: Store, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch
        encoded = rows["features_key"].combine_chunks().dictionary_encode()
        self._keys: list[str] = encoded.dictionary.to_pylist()
        code = encoded.indices.to_numpy()
        self.order: npt.NDArray[np.intp] = np.argsort(code, kind="stable")
        """(n_row,) Which row each segment is, shard by shard."""
        self.n_in_shard: list[int] = np.bincount(code, minlength=len(self._keys)).tolist()
        """Segments of each shard."""
        verdict = np.asarray(rows["verdict"].to_pylist(), dtype=str)
        self.is_eb: npt.NDArray[np.bool_] = verdict[self.order] == "EB"
        """(n_row,) Shard by shard."""
        self.weight: Floats = rows["weight"].to_numpy().astype(np.float32)[self.order]
        """(n_row,) How much each says in the loss, shard by shard."""
        self._names = np.stack([rows[name].to_numpy() for name in NAME], axis=1)[self.order]
        self._starts = np.cumsum([0, *self.n_in_shard])

    def load(self, shard: int) -> tuple[Stored, Stored]:
        """Flux (n, 4000) and power (n, 1000) of a shard, as the store keeps them."""
        file = self._scratch / f"{shard:05d}.npy"
        try:
            with file.open("rb") as opened:
                return np.load(opened), np.load(opened)
        except FileNotFoundError:
            parts = self._fetch(shard)
            self._scratch.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as opened:
                for part in parts:
                    np.save(opened, part)
            return parts

    def score(self, scorer: Scorer) -> Floats:
        """P(EB) of each segment by a network, (n_row,) in the order of the rows."""
        scores = np.empty(len(self.order), np.float32)
        for shard in range(len(self.n_in_shard)):
            flux, power = self.load(shard)
            place = slice(self._starts[shard], self._starts[shard + 1])
            scores[self.order[place]] = scorer.score(as_floats(flux), as_floats(power))
        return scores

    def shapes(self) -> dict[str, npt.NDArray[np.float64]]:
        """Numbers of `products.SHAPE`, (n_row,) each in the order of the rows."""
        found = {name: np.empty(len(self.order)) for name in SHAPE}
        for shard in range(len(self.n_in_shard)):
            flux, power = self.load(shard)
            place = slice(self._starts[shard], self._starts[shard + 1])
            for name, values in segment_shape(as_floats(flux), as_floats(power)).items():
                found[name][self.order[place]] = values
        return found

    def _fetch(self, shard: int) -> tuple[Stored, Stored]:
        table = self._store.load_table(self._keys[shard], [*NAME, "flux", "power"])
        names = np.stack([table[name].to_numpy() for name in NAME], axis=1).tolist()
        places = {tuple(name): place for place, name in enumerate(names)}
        wanted = self._names[self._starts[shard] : self._starts[shard + 1]].tolist()
        taken = [places[tuple(name)] for name in wanted]
        return stored_matrix(table, "flux")[taken], stored_matrix(table, "power")[taken]
