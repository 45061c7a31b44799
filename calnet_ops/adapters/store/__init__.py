"""The object store: write-once objects, and one pointer."""

from calnet_ops.adapters.store.s3 import Store, open_store

__all__ = ["Store", "open_store"]
