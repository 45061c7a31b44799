"""Memory of a worker that pulls a whole sector, read from outside, for a small and a larger one."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from calnet_ops.simulator.sectors import simulate_sector
from tests.bench import work
from tests.bench.measure import Figure
from tests.support.plans import plan_now
from tests.support.s3_servers import S3Server, s3_server

SIZES = {67: 100, 68: 800}
"""Files of each sector: one shard, and eight shards one after the other."""

BETWEEN_S = 0.02
"""Between two looks [s]; a file takes 20 ms and more."""

MIB = 2**20


def measure(folder: Path, _known: object) -> list[Figure]:
    """Largest resident memory in each sector: it should be the same."""
    sky = folder / "sky"
    for sector, n_star in SIZES.items():
        simulate_sector(sky, sector, n_star=n_star, seed=1)
    with s3_server(folder / "s3", sky) as server:
        small, large = (_peak_mib(server, sector) for sector in SIZES)
    return [Figure("ingest_rss_mib", large, "MiB", small)]


def _peak_mib(server: S3Server, sector: int) -> float:
    """Largest memory of a new process that pulls all shards of a sector."""
    shards = plan_now(sector, server.platform)
    return peak_mib(
        work.enter_and_pull, server.environment, server.platform.root / "paths.json", shards
    )


def peak_mib(target: Callable[..., object], *arguments: Any) -> float:
    """Largest memory of a new process that does some work, read from outside."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    seen, peak = psutil.Process(process.pid), 0
    while process.is_alive():
        try:
            peak = max(peak, seen.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        process.join(BETWEEN_S)
    process.join()
    if process.exitcode:
        raise ChildProcessError(f"exit code {process.exitcode}")
    return peak / MIB
