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
from calnet_ops.adapters.archive import ARCHIVE
from calnet_ops.adapters.store import Store
from calnet_ops.errors import ArchiveUnavailable, ForeignProduct, LeftAlone, TransientError
from calnet_ops.platform import Platform
from calnet_ops.steps.ingest_file import Puller
from calnet_ops.steps.ingest_looks import NO_ANSWER
from calnet_ops.steps.ingest_outcome import Held, Outcome
from calnet_ops.steps.ingest_tables import STATISTICS, Row
from calnet_ops.steps.ingest_trust import BAD, SUSPECT

THREADS = 4
"""Files in flight in a task; the client opens no more connections to a host than that. It bounds
the memory of a task: each has at most three bodies (one a look, if all differ) of at most the
client's `PRODUCT` bound, 16 MiB; of a sound file one body of 2 MB."""

GIVE_UP = 5
"""Files in a row that the archive does not give after all tries, more than are in flight: then it
is asked about others, and if it answers for none it is down and the task fails. What others
brought is there when the task runs again."""

NOTHING_GIVEN = 15
"""Failures in a row after which the task fails in any case if the archive gave none at all."""

PROOFS = 3
"""Other files to ask about, before one that fails is left to the re-poll: if the archive answers
for none of them it is down."""

ASKED_ANEW = 20
"""Files of a task that the archive is asked for anew after all its tries failed: each may take
half an hour if the archive stalls."""

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

    Notes
    -----
    Files that the archive did not give, while it gave others, are settled when all others are
    done, side by side too. With the client's five tries that is for each at most two looks at the
    archive (10 requests, for the first `ASKED_ANEW` of them), one at the second source (5) and
    three proofs that the archive still answers (6): together with the first pull, 31 requests.
    """
    pace = Pace(puller.sector, len(listed), tell)
    pool = ThreadPoolExecutor(THREADS, "pull")
    try:
        futures = [pool.submit(puller.pull, row) for row in listed]
        _follow(futures, listed, puller, pace)
        late = _settle(pool, futures, listed, puller)
        for future in as_completed(late.values()):
            pace.note(future.result().n_bytes)
    finally:
        pool.shutdown(cancel_futures=True)
    return [late.get(place, future).result() for place, future in enumerate(futures)]


def _settle(
    pool: ThreadPoolExecutor, futures: list[Future[Outcome]], listed: list[Row], puller: Puller
) -> dict[int, Future[Outcome]]:
    """Settle the files that failed, by their place in the list.

    Raises
    ------
    TransientError
        If the store failed, or the archive is down.
    """
    errors: dict[int, ArchiveUnavailable] = {}
    for place, future in enumerate(futures):
        failure = future.exception()
        if isinstance(failure, ArchiveUnavailable):
            errors[place] = failure
        elif failure:
            raise failure
    others = _given(futures)
    if errors and not puller.archive_gives(others):
        raise next(iter(errors.values()))
    n_anew, late = 0, {}
    for place, error in errors.items():
        anew = isinstance(error, LeftAlone) or n_anew < ASKED_ANEW
        n_anew += not isinstance(error, LeftAlone)
        late[place] = pool.submit(puller.settle, listed[place], error, others, anew=anew)
    return late


def _given(futures: list[Future[Outcome]]) -> list[str]:
    """Addresses of some files for which the archive has answered, best those that are good."""
    done = [future for future in futures if future.done() and not future.exception()]
    rows = [future.result().row for future in done]
    given = [row for row in rows if row["source"] == ARCHIVE and row["reason"] != NO_ANSWER]
    given.sort(key=lambda row: bool(row["trust"] in {BAD, SUSPECT}))
    return [row["url"] for row in given[:PROOFS]]


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


def _follow(futures: list[Future[Outcome]], listed: list[Row], puller: Puller, pace: Pace) -> None:
    """Wait for all files.

    Raises
    ------
    TransientError
        If too many in a row fail, and the archive answers for no other either.
    """
    n_failed = 0
    for future in as_completed(futures):
        error = future.exception()
        if error is None:
            n_failed = 0
            pace.note(future.result().n_bytes)
            continue
        if not isinstance(error, TransientError):
            raise error
        n_failed += 1
        if n_failed % GIVE_UP:
            continue
        given = _given(futures)
        left = [row["url"] for row, other in zip(listed, futures, strict=True) if not other.done()]
        hopeless = not given and n_failed >= NOTHING_GIVEN
        proven = isinstance(error, ArchiveUnavailable) and not hopeless
        if not (proven and puller.archive_gives(given or left[::-1][:PROOFS])):
            raise error


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
