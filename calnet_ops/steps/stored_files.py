"""Which files of a delivery are believed, and where they are."""

import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.adapters.store import Store
from calnet_ops.science.checks.sector import STORED


def stored_files(manifest: str, store: Store, columns: list[str]) -> pa.Table:
    """Some columns of a manifest, for the files that are in the store.

    Parameters
    ----------
    manifest
        Its key.
    """
    table = store.load_table(manifest, [*columns, "status"])
    return table.filter(pc.equal(table["status"], STORED)).select(columns)


def stored_keys(manifest: str, store: Store) -> dict[int, str]:
    """Key of the stored file of each star, by TIC number."""
    files = stored_files(manifest, store, ["tic", "key"])
    return dict(zip(files["tic"].to_pylist(), files["key"].to_pylist(), strict=True))
