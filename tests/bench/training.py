"""How fast the network learns on two cores, beside the published graph, and in how much memory."""

import multiprocessing
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.bench.measure import Figure
from tests.bench.memory import peak_mib

N_SEGMENT = 512
"""Segments of a round: four steps of the published batch."""

CORES = 2
ROUNDS = 5

SIZES = (10_000, 200_000)
"""Segments of a small and a large training; 2 GB of disk."""

N_IN_SHARD = 1000
"""Segments of 500 files."""

MOST_MIB = 2048
"""What a training of 200,000 segments may take."""

_here: dict[str, Any] = {}
"""What the worker of these benchmarks has made ready."""


def measure(folder: Path, _known: object) -> list[Figure]:
    """Rates and CPU times in turn, with the same first weights; memory for two sizes."""
    names = ("published", "published_in_pieces", "pooled", "compact")
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), initializer=_open, initargs=(names,)
    ) as worker:
        for _ in range(ROUNDS):
            for name in names:
                runs[name].append(worker.submit(_run, name).result())
    rate, cpu_ms = ({k: statistics.median(v[i] for v in runs[k]) for k in runs} for i in (0, 1))
    small, large = (peak_mib(_learn_a_little, folder / str(n), n) for n in SIZES)
    return [
        Figure("train_segments_per_s", rate["pooled"], "1/s", rate["published"], True),
        Figure("train_in_pieces_per_s", rate["pooled"], "1/s", rate["published_in_pieces"], True),
        Figure("train_cpu_ms", cpu_ms["pooled"], "ms", cpu_ms["published"]),
        Figure("train_compact_cpu_ms", cpu_ms["compact"], "ms", cpu_ms["published"]),
        Figure("train_rss_mib", large, "MiB", MOST_MIB),
        Figure("train_rss_growth_mib", large, "MiB", small),
    ]


def _open(names: tuple[str, ...]) -> None:
    """Compile the networks, and take their first steps."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    import keras

    from calnet_ops.science.network.calnet import build, rebuild
    from calnet_ops.science.network.variants import build_network

    keras.utils.set_random_seed(1)
    pooled = build("pooled")
    _here["learners"] = {
        "published": _as_published(rebuild(pooled, "published")),
        "published_in_pieces": _as_trained(rebuild(pooled, "published")),
        "pooled": _as_trained(pooled),
        "compact": _as_trained(build_network("compact")),
    }
    for name in names:
        _run(name)


def _as_published(model: Any) -> tuple[Any, int]:
    """The network compiled as its authors do, and that a batch is one piece."""
    import keras

    optimizer = keras.optimizers.Adam(1e-3, amsgrad=True)
    model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    return model, 1


def _as_trained(model: Any) -> tuple[Any, int]:
    """What `fit` makes of a network, and in how many pieces it takes a batch."""
    from calnet_ops.science.network.backend import pieces_of_batch
    from calnet_ops.science.network.fit import as_learner
    from calnet_ops.science.network.settings import PUBLISHED

    return as_learner(model, PUBLISHED, N_SEGMENT), pieces_of_batch(PUBLISHED)


def _run(name: str) -> tuple[float, float]:
    """Segments a second and CPU time of a segment [ms], of one epoch as training does it."""
    import keras

    from calnet_ops.science.network.batches import iter_epoch, iter_pieces
    from calnet_ops.science.network.settings import PUBLISHED

    (learner, n_piece), samples = _here["learners"][name], _samples()
    batches = iter_epoch(samples, PUBLISHED, 0)
    ended: list[tuple[float, float]] = []
    # Not when `fit` returns: now and then it waits a second or two for threads that feed it.
    at_end = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _epoch, _logs: ended.append((time.perf_counter(), time.process_time()))
    )
    begun = time.perf_counter(), time.process_time()
    learner.fit(
        (piece for batch in batches for piece in iter_pieces(batch, n_piece)),
        steps_per_epoch=N_SEGMENT // PUBLISHED.batch * n_piece,
        callbacks=[at_end],
        shuffle=False,
        verbose=0,
    )
    wall, cpu = (after - before for before, after in zip(begun, ended[0], strict=True))
    return N_SEGMENT / wall, 1000 * cpu / N_SEGMENT


def _samples() -> Any:
    from calnet_ops.science.network.samples import Samples

    rng = np.random.default_rng(1)
    flux, power = (rng.random((N_SEGMENT, width), np.float32) for width in (4000, 1000))
    return Samples(flux, power, np.arange(N_SEGMENT) % 2 == 0)


class _Sky:
    """A store of features that are made when asked for, always the same."""

    def load_table(self, key: str, _columns: list[str]) -> pa.Table:
        rng = np.random.default_rng(int(key))
        lists = {
            name: pa.FixedSizeListArray.from_arrays(
                pa.array(rng.integers(0, 65536, N_IN_SHARD * width, np.uint16)), width
            )
            for name, width in (("flux", 4000), ("power", 1000))
        }
        return pa.table({**_names(int(key)), **lists})


def _names(shard: int) -> dict[str, Any]:
    tic = shard * N_IN_SHARD + np.arange(N_IN_SHARD)
    return {"tic": tic, "sector": np.full(N_IN_SHARD, 1), "segment": np.full(N_IN_SHARD, 1)}


def _learn_a_little(folder: Path, n_segment: int) -> None:
    """Train on a shard as published, then go through all the others without learning from them.

    What a step takes does not depend on how many there are, so this has the memory of a training.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from calnet_ops.science.network.batches import iter_epoch, iter_in_order
    from calnet_ops.science.network.fit import JUDGED_AT_ONCE, train_fresh
    from calnet_ops.science.network.settings import PUBLISHED
    from calnet_ops.steps.stored_segments import StoredSegments

    shards = [
        pa.table(
            {
                **_names(shard),
                "verdict": ["EB", "NOT_EB"] * (N_IN_SHARD // 2),
                "weight": np.ones(N_IN_SHARD, np.float32),
                "features_key": [str(shard)] * N_IN_SHARD,
            }
        )
        for shard in range(n_segment // N_IN_SHARD)
    ]
    part = partial(StoredSegments, store=_Sky())  # type: ignore[arg-type]
    one = part(shards[0], scratch=folder / "one")
    model, _ = train_fresh(one, one, replace(PUBLISHED, n_epoch=1))
    everything = part(pa.concat_tables(shards), scratch=folder / "all")
    for epoch in range(2):
        seen = sum(len(target) for _, target, _ in iter_epoch(everything, PUBLISHED, epoch))
        assert seen == n_segment
    assert sum(len(flux) for flux, _ in iter_in_order(everything, JUDGED_AT_ONCE)) >= n_segment
    assert model.built
