"""What an ingest sets out to pull, and how it is cut into tasks."""

import itertools

import pyarrow as pa

from calnet_ops import keys
from calnet_ops.adapters.archive import Script
from calnet_ops.errors import ForeignProduct

SHARD_FILES = 100
"""Fewest files of a shard, if there are as many: a task costs a second or two before its first
file, a file takes 20 to 200 ms."""

MAX_SHARDS = 200
"""Mapped tasks of a sector, for the scheduler's sake: 20,000 files make 200 shards of 100."""

PLAN = pa.schema(
    {
        "file_name": pa.string(),
        "tic": pa.int64(),
        "url": pa.string(),
        "duplicate_of": pa.string(),
    }
)
"""What is to be pulled; `duplicate_of` names the file kept for the same star, if there is one."""


def cut(n_file: int) -> list[tuple[int, int]]:
    """First row and one past the last of each shard, of nearly equal size.

    Examples
    --------
    >>> cut(1), cut(300), len(cut(12_996)), len(cut(20_000)), len(cut(40_000))
    ([(0, 1)], [(0, 100), (100, 200), (200, 300)], 130, 200, 200)
    """
    n_shard = min(MAX_SHARDS, -(-n_file // SHARD_FILES))
    edges = [n_file * shard // n_shard for shard in range(n_shard + 1)] if n_shard else []
    return list(itertools.pairwise(edges))


def plan_table(script: Script) -> pa.Table:
    """List what to pull, by file name; a star's second file of this sector is its duplicate."""
    kept: dict[int, str] = {}
    rows = []
    for file in sorted(script.files, key=lambda file: file.file_name):
        name = _parsed(file.file_name)
        own = name is not None and name.sector == script.sector
        first = kept.setdefault(name.tic, file.file_name) if name and own else file.file_name
        rows.append(
            {
                "file_name": file.file_name,
                "tic": name.tic if name else None,
                "url": file.url,
                "duplicate_of": "" if first == file.file_name else first,
            }
        )
    return pa.Table.from_pylist(rows, schema=PLAN)


def _parsed(file_name: str) -> keys.SpocName | None:
    """What a file name says; None if it is another product's."""
    try:
        return keys.SpocName.parse(file_name)
    except ForeignProduct:
        return None
