"""The object store: write-once objects, and one pointer."""

from calnet_ops.adapters.store.s3 import Store, open_store
from calnet_ops.adapters.store.tables import from_parquet, to_parquet

__all__ = ["Store", "from_parquet", "open_store", "to_parquet"]
