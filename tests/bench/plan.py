"""What a task costs that plans or closes a sector of 20,000 files in 200 shards."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from calnet_ops import keys
from calnet_ops.adapters.archive import ListedFile, Script
from calnet_ops.platform import Platform
from calnet_ops.steps.ingest import (
    IngestShard,
    close_sector,
    ingest_shard,
)
from calnet_ops.steps.ingest_tables import MANIFEST, STATISTICS, make_table, statistics_key
from tests.bench.measure import Figure
from tests.support.plans import plan_now
from tests.support.s3_servers import s3_server

SECTOR = 68
N_FILE = 20_000
LIMIT_S = 60.0
"""A task should not take longer than one that pulls 100 files over the network."""


def measure(folder: Path, _known: object) -> list[Figure]:
    """Seconds of the two tasks, with manifests that no file is behind."""
    with s3_server(folder) as server:
        platform = server.platform
        platform.__dict__["archive"] = _Listing()
        plan_s, shards = _timed(lambda: plan_now(SECTOR, platform))
        for shard in shards:
            _pretend(shard, platform)
        tallies = [ingest_shard(shard, platform) for shard in shards]
        close_s, record = _timed(lambda: close_sector(SECTOR, tallies, platform))
    if (len(shards), record["n_stored"]) != (200, N_FILE):
        raise AssertionError(f"{len(shards)} shards, {record['n_stored']} files")
    return [
        Figure("plan_s", plan_s, "s", LIMIT_S),
        Figure("close_s", close_s, "s", LIMIT_S),
    ]


class _Listing:
    """An archive that has a script and nothing else."""

    def fetch_script(self, sector: int, *, anew: bool = False) -> Script:
        """A script of 20,000 stars."""
        names = (f"tess2023209231226-s{sector:04d}-{tic:016d}-0262-s_lc.fits" for tic in _tics())
        base = "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product"
        files = tuple(ListedFile(name, f"{base}/{name}") for name in names)
        return Script(sector, files, "0" * 64, "")


def _tics() -> range:
    return range(10**8, 10**8 + N_FILE)


def _pretend(shard: IngestShard, platform: Platform) -> None:
    """Write what a task would have written that pulled this shard."""
    first, stop = shard["first"], shard["stop"]
    listed = platform.store.load_table(shard["plan"]).slice(first, stop - first).to_pylist()
    manifest = make_table([_row(MANIFEST, file) for file in listed], MANIFEST)
    statistics = make_table([_row(STATISTICS, file) for file in listed], STATISTICS)
    platform.store.save_table(statistics_key(SECTOR, manifest), statistics)
    platform.store.save_table(keys.manifest(SECTOR, shard["lineage"]), manifest)


def _row(schema: pa.Schema, file: dict[str, Any]) -> dict[str, Any]:
    """A sound file, as long as real ones are in text and number."""
    sound = {"status": "stored", "reason": "", "trust": "sound", "compared": "", "delivery": 1}
    known = {"file_name": file["file_name"], "tic": file["tic"], "url": file["url"]}
    blank = {field.name: _blank(field.type, file["tic"]) for field in schema}
    return blank | {k: v for k, v in (sound | known).items() if k in blank}


def _blank(kind: pa.DataType, tic: int) -> object:
    if pa.types.is_string(kind):
        return f"{tic * 7919:064d}"
    if pa.types.is_boolean(kind):
        return False
    return math.sin(tic) if pa.types.is_floating(kind) else 1


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
