"""How fast files get from the archive into the store, beside copying them without a look."""

import json
import multiprocessing
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

from calnet_ops.cli.embedded import set_up_state
from calnet_ops.orchestration.policy import PULLS_AT_ONCE
from calnet_ops.platform import open_platform
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps.ingest_pull import THREADS
from tests.bench import work
from tests.bench.measure import Figure, cpu_s, family_cpu_s
from tests.support.plans import plan_now
from tests.support.s3_servers import S3Server, s3_server

SECTOR = 68
N_FILE = 400
"""Two shards of 100 for each of two workers: 0.8 GB."""

ROUNDS = 3

LAYOUTS = ((1, 8), (PULLS_AT_ONCE, THREADS))
"""Processes and threads of each that copy: the faster one is the peer."""

Jobs = Iterable[Callable[[], int]]
Way = Callable[[Path], Jobs]
"""Given the `paths.json` of an empty bucket: what the workers have to do."""


@dataclass(frozen=True)
class Run:
    """What a run cost."""

    mb_per_s: float
    cpu_ms: float
    """Of all processes, for each file."""
    server_cpu_ms: float
    """Of that, the S3 server's."""


def measure(folder: Path, _known: object) -> list[Figure]:
    """Throughput and CPU time: medians of rounds in which each way has its turn."""
    sky = folder / "sky"
    simulate_sector(sky, SECTOR, n_star=N_FILE, seed=1)
    files = sorted((sky / f"s{SECTOR:03d}").glob("*.fits"))
    runs: dict[str, list[Run]] = defaultdict(list)
    with s3_server(folder / "s3", sky) as server, _workers(server) as pool:
        ways = _ways(server, files)
        names = list(ways)
        for turn in range(ROUNDS):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                runs[name].append(_run(name, turn, ways[name], server, pool))
    middle = {name: _median(found) for name, found in runs.items()}
    copies = [middle[name] for name in middle if name.startswith("copy")]
    copy, pulled = max(copies, key=lambda run: run.mb_per_s), middle["ingest"]
    return [
        Figure("ingest_vs_copy", pulled.mb_per_s, "MB/s", copy.mb_per_s, more_is_better=True),
        Figure(
            "ingest_vs_mirrored_copy",
            pulled.mb_per_s,
            "MB/s",
            middle["mirrored"].mb_per_s,
            more_is_better=True,
        ),
        Figure("ingest_cpu_ms", pulled.cpu_ms, "ms", copy.cpu_ms),
        Figure("ingest_server_cpu_ms", pulled.server_cpu_ms, "ms", copy.server_cpu_ms),
    ]


def _ways(server: S3Server, files: list[Path]) -> dict[str, Way]:
    """Every way to get the files into a bucket."""
    base = server.platform.paths.archive.products
    urls = [f"{base}/api/v0.1/Download/file?uri=mast:TESS/product/{file.name}" for file in files]

    def copying(n: int, threads: int) -> Way:
        return lambda paths: [partial(work.copy, paths, files[i::n], threads) for i in range(n)]

    def mirrored(paths: Path) -> Jobs:
        parts = [urls[first::PULLS_AT_ONCE] for first in range(PULLS_AT_ONCE)]
        return [partial(work.copy_from_mirror, paths, part, THREADS) for part in parts]

    def ingest(paths: Path) -> Jobs:
        # once a sector, whatever its size: `plan_s` tells what it takes
        shards = plan_now(SECTOR, open_platform(paths))
        return [partial(work.pull, paths, [shard]) for shard in shards]

    copies = {f"copy {n} x {threads}": copying(n, threads) for n, threads in LAYOUTS}
    return {**copies, "ingest": ingest, "mirrored": mirrored}


def _run(name: str, turn: int, way: Way, server: S3Server, pool: ProcessPoolExecutor) -> Run:
    """Time one way into a bucket of its own, which is removed afterwards."""
    with _bucket(server, f"{name.replace(' ', '-')}-{turn}") as paths:
        jobs = way(paths)
        cpu, server_cpu, start = family_cpu_s(), cpu_s(server.pid), time.perf_counter()
        n_bytes = sum(future.result() for future in [pool.submit(job) for job in jobs])
        seconds = time.perf_counter() - start
        cpu, server_cpu = family_cpu_s() - cpu, cpu_s(server.pid) - server_cpu
    return Run(n_bytes / 1e6 / seconds, 1000 * cpu / N_FILE, 1000 * server_cpu / N_FILE)


@contextmanager
def _bucket(server: S3Server, name: str) -> Iterator[Path]:
    """`paths.json` of a platform with a bucket and a ledger of its own."""
    here = server.platform.root
    content = json.loads((here / "paths.json").read_text())
    content["store"]["bucket"] = name
    content["database"] = f"sqlite:///{name}.db"
    paths = here / f"{name}.json"
    paths.write_text(json.dumps(content))
    set_up_state(open_platform(paths))
    yield paths
    client = server.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        found = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        client.delete_objects(Bucket=name, Delete={"Objects": found})  # type: ignore[typeddict-item]
    client.delete_bucket(Bucket=name)


@contextmanager
def _workers(server: S3Server) -> Iterator[ProcessPoolExecutor]:
    """Processes that pull, as many as in an installation; this one may look as well."""
    work.enter(server.environment)
    with ProcessPoolExecutor(
        PULLS_AT_ONCE,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=work.enter,
        initargs=(server.environment,),
    ) as pool:
        yield pool


def _median(runs: list[Run]) -> Run:
    return Run(*(statistics.median(values) for values in zip(*map(astuple, runs), strict=True)))
