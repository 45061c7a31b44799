"""Statistics of the segments of a sector, as `extract` stored them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from calnet_ops.adapters.store import Store
from calnet_ops.science.checks.products import SEGMENTS, segment_statistics


def load_statistics(shards: Iterable[Mapping[str, Any]], store: Store) -> pa.Table:
    """Statistics of all segments of a sector; columns of `SEGMENTS`.

    Parameters
    ----------
    shards
        Those of a record of features. Of one that an older version has made without statistics, or
        with fewer numbers, they are computed now.
    """
    parts = [_of_shard(shard, store) for shard in shards]
    return pa.concat_tables([SEGMENTS.empty_table(), *parts])


def _of_shard(shard: Mapping[str, Any], store: Store) -> pa.Table:
    key = shard.get("statistics", "")
    if key and store.exists(key):
        stored = store.load_table(key)
        if set(SEGMENTS.names) <= set(stored.column_names):
            return stored.select(SEGMENTS.names).cast(SEGMENTS)
    return segment_statistics(store.load_table(shard["features"]))
