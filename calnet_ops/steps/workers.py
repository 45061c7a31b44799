"""Processes that share the work on local light curves, each with the network ready."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from calnet_ops.steps.chosen_model import ChosenModel, Score

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_SHARING = 100
"""Files from which on it pays to start workers: each takes 2 to 3 s to load, a file 20 ms."""

AHEAD = 2
"""Pieces of work waiting for each worker, so that none is idle and few results are held."""

_score: list[Score] = []
"""The network of this process, if it is a worker."""


class Workers:
    """Does pieces of work in several processes.

    Parameters
    ----------
    pool, n_worker
        The processes.
    """

    def __init__(self, pool: ProcessPoolExecutor, n_worker: int) -> None:
        self._pool = pool
        self._n_ahead = AHEAD * n_worker

    def run(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items, which are taken as they are needed."""
        ahead: deque[Future[Result]] = deque()
        for item in items:
            ahead.append(self._pool.submit(work, item))
            if len(ahead) > self._n_ahead:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def open_workers(model: ChosenModel, n_worker: int, n_file: int) -> Iterator[Workers | None]:
    """Workers for some files; None if one process is as quick, or the model cannot be shared."""
    if n_worker < 2 or n_file < WORTH_SHARING or model.again is None:  # noqa: PLR2004
        yield None
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_worker, context, initializer=_adopt, initargs=(model.again,))
    try:
        yield Workers(pool, n_worker)
    finally:
        pool.shutdown(cancel_futures=True)


def worker_score() -> Score:
    """What scores in this worker."""
    return _score[0]


def _adopt(again: Callable[[], Score]) -> None:
    _score[:] = [again()]
