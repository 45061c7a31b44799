"""How fast the network scores on two cores, beside a plain call of it in Keras."""

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench.measure import Figure

Floats = npt.NDArray[np.float32]

N_STAR = 60
"""Simulated stars whose segments are learned from and scored: 10 s of work."""

N_EPOCH = 3
"""Enough for scores near 0 and 1: those of random weights are all alike, and flatter any error."""

BATCH = 128
"""Segments of a call of Keras, as published; ours scores them in two."""

CORES = 2
ROUNDS = 5
MOST_DIFFERENT = 1e-5
MOST_READY_S = 1.0

READY = """
import sys, time
from calnet_ops.platform import open_platform
from calnet_ops.adapters.store import open_store
from calnet_ops.steps import score
from calnet_ops.steps.stored_model import make_scorer
make_scorer("calnet.npz", open(sys.argv[1], "rb").read())
print(time.process_time())
"""
"""All that a shard does before its first batch, but for fetching the 35 MB."""

_here: dict[str, Any] = {}
"""What a worker of these benchmarks has made ready."""


def measure(folder: Path, _known: object) -> list[Figure]:
    """Rates on two cores and CPU times, in turn; the scores are those of a trained network."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as keras:
        expected = keras.submit(_train, folder).result()
        ours = ProcessPoolExecutor(CORES, context, initializer=_open, initargs=(folder,))
        ready = [_ready_cpu_s(folder) for _ in range(3)]
        runs: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            for name, pool, n in (
                ("published", keras, 1),
                ("pooled", keras, 1),
                ("litert", keras, 1),
                ("numpy", ours, CORES),
            ):
                runs.setdefault(name, []).append(_run(pool, name, n))
        found = ours.submit(_scores, folder).result()
        ours.shutdown()
    rate, cpu_ms = ({k: statistics.median(v[i] for v in runs[k]) for k in runs} for i in (0, 1))
    difference = float(np.abs(found - expected).max())
    more = {"more_is_better": True}
    return [
        Figure("score_segments_per_s", rate["numpy"], "1/s", rate["published"], **more),
        Figure("score_cpu_ms", cpu_ms["numpy"], "ms", cpu_ms["published"]),
        Figure("score_pooled_keras_cpu_ms", cpu_ms["pooled"], "ms", cpu_ms["published"]),
        Figure("score_litert_cpu_ms", cpu_ms["litert"], "ms", cpu_ms["published"]),
        Figure("score_difference", difference, "", MOST_DIFFERENT),
        Figure("score_ready_s", statistics.median(ready), "s", MOST_READY_S),
    ]


def _run(pool: Executor, name: str, n_process: int) -> tuple[float, float]:
    """Segments a second, by the clock, and CPU time of one [ms], of a batch in each process."""
    start = time.perf_counter()
    jobs = [pool.submit(_score_batch, name) for _ in range(n_process)]
    cpu_s = sum(job.result() for job in jobs)
    n_segment = n_process * BATCH
    return n_segment / (time.perf_counter() - start), 1000 * cpu_s / n_segment


def _score_batch(name: str) -> float:
    """CPU time of a batch [s]."""
    flux, power = (part[:BATCH] for part in _here["segments"])
    start = time.process_time()
    _here[name](flux, power)
    return time.process_time() - start


def _train(folder: Path) -> Floats:
    """Train a little, keep the weights, and get three ways to score ready; P(EB) of all."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    for set_threads in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        set_threads(CORES)
    from calnet_ops.science.network.calnet import rebuild
    from calnet_ops.science.network.export import to_litert, to_weights
    from calnet_ops.science.network.litert import Scorer
    from calnet_ops.science.network.weights import pack

    flux, power, is_eb = _segments(folder)
    model = _trained(flux, power, is_eb)
    folder.joinpath("calnet.npz").write_bytes(pack(to_weights(model)))
    np.savez(folder / "segments.npz", flux=flux, power=power)
    _here["segments"] = _repeated(flux), _repeated(power)
    for variant in ("published", "pooled"):
        _here[variant] = _graph_call(rebuild(model, variant))
    _here["litert"] = Scorer(to_litert(model), CORES).score
    parts = range(0, len(flux), BATCH)
    published = _here["published"]
    return np.concatenate([published(flux[i : i + BATCH], power[i : i + BATCH]) for i in parts])


def _trained(flux: Floats, power: Floats, is_eb: npt.NDArray[np.bool_]) -> Any:
    from dataclasses import replace

    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.samples import Samples
    from calnet_ops.science.network.settings import DEMO

    samples = Samples(flux, power, is_eb)
    return train_fresh(samples, samples, replace(DEMO, n_epoch=N_EPOCH, batch=16))[0]


def _graph_call(model: Any) -> Callable[[Floats, Floats], Floats]:
    import tensorflow as tf

    call = tf.function(lambda flux, power: model([flux, power], training=False))

    def score(flux: Floats, power: Floats) -> Floats:
        output: Floats = call(tf.constant(flux[..., None]), tf.constant(power[..., None])).numpy()
        return output[:, 0]

    score(*(part[:BATCH] for part in _here["segments"]))
    return score


def _segments(folder: Path) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Features of simulated stars, and which are binaries."""
    from calnet_ops.science.features.tables import matrix
    from calnet_ops.simulator.sectors import simulate_sector
    from calnet_ops.simulator.signals import Kind
    from calnet_ops.steps.extract import extract_files

    report = simulate_sector(
        folder / "sky", 68, n_star=N_STAR, seed=1, truth=folder / "truth.csv", workers=1
    )
    files = sorted((folder / "sky" / "s068").glob("*.fits"))
    table, _ = extract_files((file.name, file.read_bytes()) for file in files)
    binaries = {row.tic for row in report.truth if Kind(row.kind).is_eb}
    is_eb = np.array([tic in binaries for tic in table["tic"].to_pylist()])
    return matrix(table, "flux"), matrix(table, "power"), is_eb


def _repeated(rows: Floats) -> Floats:
    """A full batch."""
    return np.resize(rows, (BATCH, rows.shape[1]))


def _open(folder: Path) -> None:
    """Get our own way ready in a worker."""
    from calnet_ops.steps.stored_model import make_scorer

    with np.load(folder / "segments.npz") as stored:
        _here["segments"] = _repeated(stored["flux"]), _repeated(stored["power"])
    _here["numpy"] = make_scorer("calnet.npz", (folder / "calnet.npz").read_bytes()).score
    _score_batch("numpy")


def _scores(folder: Path) -> Floats:
    with np.load(folder / "segments.npz") as stored:
        scores: Floats = _here["numpy"](stored["flux"], stored["power"])
        return scores


def _ready_cpu_s(folder: Path) -> float:
    """CPU time of a new process until it could score [s]."""
    command = [sys.executable, "-c", READY, str(folder / "calnet.npz")]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
