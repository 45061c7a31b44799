"""From light curves in S3 to scores, on two cores that the server shares; memory from outside."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.network.weights import pack
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps import extract, score
from calnet_ops.steps.ingest_tables import MANIFEST
from calnet_ops.steps.signed_model import sign_model
from calnet_ops.steps.stored_model import WEIGHTS
from tests.bench.measure import Figure, cpu_s
from tests.support.networks import fresh_weights
from tests.support.s3_servers import S3Server, s3_server
from tests.support.stored_sectors import manifest_row

SECTOR = 68
N_FILE = 800
"""Two shards of 400 for two workers: 1.6 GB, half a minute."""

N_DISTINCT = 400
"""Light curves that are simulated; the rest are these under other keys."""

WORKERS = 2
"""Tasks at once, as many as there are cores."""

LOWEST_RATE = 50.0
"""Files a second that are asked for."""

MOST_MIB = 1024.0
"""Memory that a worker may take."""

BETWEEN_S = 0.05
"""Between two looks at the memory [s]; a shard takes seconds."""

MODEL = "bench"
SIGNING_KEY = "CALNET_SIGNING_KEY"
PUTS_AT_ONCE = 4


@dataclass
class Cost:
    """What a sector took."""

    n_file: int
    n_segment: int = 0
    wall_s: dict[str, float] = field(default_factory=dict)
    """By stage."""
    worker_cpu_s: dict[str, float] = field(default_factory=dict)
    """Of all workers, their start included, by stage."""
    server_cpu_s: float = 0.0
    peak_mib: float = 0.0
    """Of the largest worker."""

    @property
    def files_per_s(self) -> float:
        """From raw light curves to scores."""
        return self.n_file / sum(self.wall_s.values())

    @property
    def cpu_ms(self) -> float:
        """Of workers and server, for each file."""
        return 1000 * (sum(self.worker_cpu_s.values()) + self.server_cpu_s) / self.n_file


def measure(folder: Path, _known: object) -> list[Figure]:
    """Throughput of a small sector, and the memory of its largest worker."""
    files = simulated_files(folder / "sky", N_DISTINCT)
    with s3_server(folder / "s3") as server:
        believe(server, fill(server, files, N_FILE))
        cost = run_sector(server)
    return [
        Figure("sector_files_per_s", cost.files_per_s, "1/s", LOWEST_RATE, more_is_better=True),
        Figure("sector_cpu_ms", cost.cpu_ms, "ms", 1000 * WORKERS / LOWEST_RATE),
        Figure("worker_rss_mib", cost.peak_mib, "MiB", MOST_MIB),
    ]


def simulated_files(sky: Path, n_star: int) -> list[Path]:
    """Full-size light curves."""
    simulate_sector(sky, SECTOR, n_star=n_star, seed=1)
    return sorted((sky / f"s{SECTOR:03d}").glob("*.fits"))


def fill(server: S3Server, files: Sequence[Path], n_file: int) -> list[dict[str, Any]]:
    """Store `n_file` light curves and a model in production; rows of the manifest.

    A file that is stored more than once has a key of each delivery, as none can be taken twice.
    """
    store, ledger = server.platform.store, server.platform.ledger

    def put(number: int) -> dict[str, Any]:
        file = files[number % len(files)]
        body, delivery = file.read_bytes(), 1 + number // len(files)
        digest = sha256_hex(body)
        key = keys.raw(SECTOR, delivery, file.name)
        store.save_new(key, body, "application/fits", digest=digest)
        return manifest_row(file.name, body, key, SECTOR)

    facts = {"model_id": MODEL, "features": "v1", "threshold": 0.5}
    store.save_new(keys.model(MODEL, "model.json"), json.dumps(facts).encode())
    store.save_new(keys.model(MODEL, WEIGHTS), pack(fresh_weights()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SIGNING_KEY, server.environment[SIGNING_KEY])
        sign_model(MODEL, store)
    ledger.add_promotion(
        model_version=1, model_id=MODEL, action="promoted", reason="", threshold=0.5,
        simulated=True,
    )  # fmt: skip
    ledger.add_delivery(SECTOR, 1, state="listed", n_listed=n_file, listing_sha256="0" * 64)
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        return list(pool.map(put, range(n_file)))


def believe(server: S3Server, rows: Sequence[dict[str, Any]]) -> None:
    """Make some files the sector, as if they had been ingested and checked."""
    manifest, ledger = keys.manifest(SECTOR, f"bench-{len(rows)}"), server.platform.ledger
    server.platform.store.save_table(manifest, pa.Table.from_pylist(rows, schema=MANIFEST))
    if seen := ledger.delivery(SECTOR):
        ledger.move_delivery(seen, state="raw", facts={"manifest": manifest})


def run_sector(server: S3Server) -> Cost:
    """Do what `score_sector` does up to the target scores, but for the check of the features.

    Each shard has a process of its own, two at a time.
    """
    platform, cost, before = server.platform, Cost(0), cpu_s(server.pid)
    with _stage(cost, "extract"):
        shards = extract.plan_shards(SECTOR, "v1", platform)
        tallies = _run("extract", shards, server, cost)
        features = extract.close_features(SECTOR, "v1", tallies, platform)
    with _stage(cost, "score"):
        plans = score.plan_shards(SECTOR, platform)
        scored = _run("score", plans, server, cost)
        record = score.combine_targets(SECTOR, scored, platform)
    cost.n_file, cost.n_segment = features["n_file"], record["n_segment"]
    cost.server_cpu_s = cpu_s(server.pid) - before
    return cost


@contextmanager
def _stage(cost: Cost, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    cost.worker_cpu_s[stage] = 0.0
    yield
    cost.wall_s[stage] = time.perf_counter() - start


def _run(stage: str, shards: Sequence[Any], server: S3Server, cost: Cost) -> list[Any]:
    """Tallies of shards, in their order."""
    with ThreadPoolExecutor(WORKERS) as pool:
        tasks = [pool.submit(_task, stage, shard, server) for shard in shards]
        done = [task.result() for task in tasks]
    cost.worker_cpu_s[stage] = sum(task.cpu_s for task in done)
    cost.peak_mib = max(cost.peak_mib, *(task.peak_mib for task in done))
    return [task.tally for task in done]


@dataclass(frozen=True)
class _Done:
    tally: Any
    cpu_s: float
    peak_mib: float


def _task(stage: str, shard: Any, server: S3Server) -> _Done:
    """Run a task, look at its memory until it ends, and take its CPU time from the kernel."""
    paths = server.platform.root / "paths.json"
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.task", stage, str(paths)],
            env=os.environ | server.environment | {"CALNET_LOG": "error"},
            stdin=subprocess.PIPE,
            stdout=out,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(json.dumps(shard).encode())
        process.stdin.close()
        seen, peak = psutil.Process(process.pid), 0
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, seen.memory_info().rss)
            time.sleep(BETWEEN_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise ChildProcessError(f"{stage}: exit code {process.returncode}")
        out.seek(0)
        tally = json.loads(out.read().splitlines()[-1])
    return _Done(tally, usage.ru_utime + usage.ru_stime, peak / 2**20)
