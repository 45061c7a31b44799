"""The files of a shard, a few at a time, and how fast they come."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import takewhile

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import ArchiveUnavailable, ForeignProduct, TransientError
from calnet_ops.platform import Platform
from calnet_ops.steps.ingest_file import Held, Outcome, Puller
from calnet_ops.steps.ingest_tables import STATISTICS, Row

THREADS = 4
"""Files in flight in a task; the client opens no more connections to a host than that. It bounds
the memory of a task: each has at most three bodies (one a look, if all differ) of at most the
client's `PRODUCT` bound, 16 MiB; of a sound file one body of 2 MB."""

GIVE_UP = 8
"""Files in a row that the archive does not give after all tries: then it is down, and the task
fails. Fewer do not stop the others: what they bring is there when the task runs again."""

PROOFS = 3
"""Other files to ask about, before one that fails is left to the re-poll: if the archive answers
for none of them it is down."""

LOG_EVERY_S = 10.0
"""Between two lines of progress in the log of a task."""

Tell = Callable[[int], None]
"""Is called for each file that is done, with the bytes that came over the network for it."""

log = structlog.get_logger()


@dataclass
class Pace:
    """How far a task is, told in its log and to whoever asked."""

    sector: int
    n_file: int
    tell: Tell | None = None
    started: float = field(default_factory=time.monotonic)
    n_done: int = 0
    n_bytes: int = 0
    logged: float = field(default_factory=time.monotonic)

    def note(self, n_bytes: int) -> None:
        """Count a file that is done."""
        self.n_done += 1
        self.n_bytes += n_bytes
        if self.tell:
            self.tell(n_bytes)
        if time.monotonic() - self.logged >= LOG_EVERY_S:
            self.logged = time.monotonic()
            self._log(self.logged - self.started)

    def _log(self, seconds: float) -> None:
        files_per_s = self.n_done / seconds
        log.info(
            "pulling",
            sector=self.sector,
            done=f"{self.n_done} of {self.n_file}",
            files_per_s=round(files_per_s, 1),
            mb_per_s=round(self.n_bytes / seconds / 1e6, 2),
            left_s=round((self.n_file - self.n_done) / files_per_s),
        )


def pull_files(listed: list[Row], puller: Puller, tell: Tell | None = None) -> list[Outcome]:
    """Pull files side by side; their outcomes, in the order of the list.

    Raises
    ------
    TransientError
        If the archive is down, or the store fails; the others were pulled before.
    """
    pace = Pace(puller.sector, len(listed), tell)
    pool = ThreadPoolExecutor(THREADS, "pull")
    try:
        futures = [pool.submit(puller.pull, row) for row in listed]
        _follow(futures, pace)
    finally:
        pool.shutdown(cancel_futures=True)
    others = [row["url"] for row, future in zip(listed, futures, strict=True) if _was_given(future)]
    outcomes = []
    for row, future in zip(listed, futures, strict=True):
        error = future.exception()
        if isinstance(error, ArchiveUnavailable) and puller.archive_gives(others[:PROOFS]):
            outcomes.append(puller.settle(row, error, others[:PROOFS]))
            pace.note(outcomes[-1].n_bytes)
        else:
            outcomes.append(future.result())
    return outcomes


def _was_given(future: Future[Outcome]) -> bool:
    """Whether the archive has answered when it was asked for a file."""
    return future.exception() is None and future.result().row["n_look"] > 0


def open_puller(
    sector: int,
    delivery: int,
    plan: str,
    listed: list[Row],
    platform: Platform,
    *,
    held: Sequence[str] = (),
    again: Iterable[str] | None = None,
) -> Puller:
    """What the files of a shard need to be pulled.

    Parameters
    ----------
    sector, delivery, plan
        Of the shard.
    listed
        Its rows of the plan.
    platform
        Where from and where to.
    held
        Keys of manifest and statistics of the delivery before; none of a first one.
    again
        Files to ask for, if not for all of them.
    """
    names = [row["file_name"] for row in listed]
    return Puller(
        sector,
        delivery,
        plan,
        platform.archive,
        platform.second_source,
        platform.store,
        _held(names, held, platform.store),
        _keys_of(names, sector, delivery, platform.store),
        _aside_of(names, sector, platform.store),
        None if again is None else frozenset(again),
    )


def _follow(futures: list[Future[Outcome]], pace: Pace) -> None:
    """Wait for all files.

    Raises
    ------
    TransientError
        If too many in a row fail.
    """
    n_failed = 0
    for future in as_completed(futures):
        error = future.exception()
        n_failed = n_failed + 1 if error else 0
        if error and (n_failed >= GIVE_UP or not isinstance(error, TransientError)):
            raise error
        if not error:
            pace.note(future.result().n_bytes)


def _keys_of(names: list[str], sector: int, delivery: int, store: Store) -> frozenset[str]:
    """Which files an earlier run has stored: one listing of what their names have in common."""
    own = []
    for name in names:
        try:
            keys.SpocName.parse(name)
        except ForeignProduct:
            continue
        own.append(keys.raw(sector, delivery, name))
    if not own:
        return frozenset()
    pairs = zip(min(own), max(own), strict=False)
    common = "".join(first for first, last in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return frozenset(store.iter_keys(common))


def _aside_of(names: list[str], sector: int, store: Store) -> dict[str, list[str]]:
    """Keys in quarantine by file name: of a real sector a handful."""
    aside: dict[str, list[str]] = {name: [] for name in names}
    for key in store.iter_keys(keys.quarantine_folder(sector)):
        name = key.rpartition("/")[2]
        if name in aside:
            aside[name].append(key)
    return aside


def _held(names: list[str], held: Sequence[str], store: Store) -> Held:
    """What the delivery before has of some files."""
    if not held:
        return Held({}, {})
    rows = [_rows_of(names, store.load_table(key)) if key else {} for key in held]
    complete = all(set(STATISTICS.names) <= row.keys() for row in rows[1].values())
    return Held(rows[0], rows[1] if complete else {})


def _rows_of(names: list[str], table: pa.Table) -> dict[str, Row]:
    """Rows of some files, by name; both are in the order of names."""
    held, wanted = table["file_name"].to_pylist(), frozenset(names)
    first, stop = bisect_left(held, names[0]), bisect_right(held, names[-1])
    rows = table.slice(first, stop - first).to_pylist()
    return {row["file_name"]: row for row in rows if row["file_name"] in wanted}
