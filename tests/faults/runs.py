"""Detect and ingest as Airflow would on a bad day, and hold the outcome against the truth."""

import atexit
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, TypeVar

from calnet_ops.adapters.archive import Throttle
from calnet_ops.adapters.archive.breaker import Breaker
from calnet_ops.adapters.archive.bucket import PublicBucket
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.store import Store
from calnet_ops.errors import TransientError
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform, open_platform
from calnet_ops.simulator import fault_bytes
from calnet_ops.simulator.faults import NEVER_WHOLE, Fate, Lie, Trouble, Truth
from calnet_ops.simulator.faulty_mirror import FaultyMirror
from calnet_ops.steps import ingest
from calnet_ops.steps.detect import detect_sectors
from tests.faults.mixes import Mix
from tests.support.memory_store import MemoryStore
from tests.support.mirrors import serving
from tests.support.platforms import make_platform

T = TypeVar("T")

PATIENCE = Patience(first_s=0.001)
READ_S, ATTEMPT_S = 0.4, 5.0
"""Time-outs of the client; the mirror stalls for longer."""

LATER_S = 3600.0
"""Time that passes for the breaker until a task is tried again."""

MOST_TURNS = 40
"""Times that a task, or a poll, is tried: a mix has at most four faults for each URL."""

POLLS_A_DAY = 4

LONGEST_S = 30.0
"""A mix takes 1 s."""

TWO_DAYS_S = 2 * 86_400.0


@dataclass
class LeapingClock:
    """The breaker's: it goes as ours does, and leaps when a task is tried again."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return time.monotonic() + self.ahead_s


@dataclass
class Run:
    """A bad day and what came of it."""

    mix: Mix
    mirror: FaultyMirror
    platform: Platform
    clock: LeapingClock = field(default_factory=LeapingClock)
    records: list[Mapping[str, Any]] = field(default_factory=list)
    """Of each delivery that came in."""

    @property
    def store(self) -> Store:
        """The objects."""
        return self.platform.store

    def go(self, *, all_due: bool = False) -> None:
        """Detect and ingest until every sector is in the store and nothing new is found."""
        for turn in range(MOST_TURNS):
            if turn % POLLS_A_DAY == 0:
                self._forget_pages()
            before = self._states()
            found = self._insist(lambda: detect_sectors(self.platform, all_due=all_due))
            for sector in found["listed"]:
                self.records.append(self.ingest(sector))
            states = self._states()
            raw = {sector for sector, _, state in states if state == "raw"}
            if raw == set(self.mix.files) and states == before:
                return
        raise AssertionError(f"no end after {MOST_TURNS} polls: {self._states()}")

    def _forget_pages(self) -> None:
        """Let a day pass for the pages that the client keeps."""
        for file in (self.platform.root / "pages").glob("*"):
            os.utime(file, (0, 0))

    def _states(self) -> list[tuple[int, int, str]]:
        known = self.platform.ledger.deliveries()
        return [(item.sector, item.delivery, item.state) for item in known]

    def _insist(self, action: Callable[[], T]) -> T:
        """Retry a task as Airflow does, but at once and more often."""
        for _ in range(MOST_TURNS):
            try:
                return action()
            except TransientError as error:
                last = error
                self.clock.ahead_s += LATER_S
        raise AssertionError(f"no end after {MOST_TURNS} tries") from last

    def calm_down(self) -> None:
        """Two days later: nothing goes wrong that passes away, late and new files are there."""
        change: dict[str, Any] = {"redelivered_after": 0}
        change |= {name: {} for name in ("trouble", "ranged", "lies", "second_trouble")}
        self.mirror.faults = self.mix.faults.model_copy(update=change)
        self.mirror.clock = lambda: TWO_DAYS_S

    def ingest(self, sector: int) -> ingest.IngestRecord:
        """Pull a sector, each task as often as it takes."""
        shards = self._insist(lambda: ingest.plan_shards(sector, self.platform))
        pulls = [partial(ingest.ingest_shard, shard, self.platform) for shard in shards]
        tallies = [self._insist(pull) for pull in pulls]
        return self._insist(lambda: ingest.close_sector(sector, tallies, self.platform))


@contextmanager
def running(mix: Mix, folder: Path) -> Iterator[Run]:
    """A mirror on its bad day, and an empty platform that knows it."""
    mix.lay_out(folder / "archive")
    mirror = FaultyMirror(folder / "archive", mix.faults, takes_notes=True)
    mirror.clock = lambda: 0.0
    with serving(mirror) as url:
        clock = LeapingClock()
        platform = _open(folder, url, clock, ask_second=mix.ask_second)
        try:
            yield Run(mix, mirror, platform, clock)
        finally:
            platform.close()


def play(mix: Mix) -> Run:
    """Play a mix through, and check it before and after it has calmed down."""
    started = time.monotonic()
    with TemporaryDirectory() as folder, running(mix, Path(folder)) as run:
        run.go()
        check(run, late_is_over=False)
        _check_that_again_is_free(run)
        run.calm_down()
        run.go(all_due=True)
        check(run, late_is_over=True)
    assert time.monotonic() - started < LONGEST_S, "it takes too long"
    return run


def check(run: Run, *, late_is_over: bool) -> None:
    """Hold manifests and store against the truth, byte for byte."""
    kept: dict[str, bytes] = {}
    for sector, files in run.mix.files.items():
        delivery = run.platform.ledger.delivery(sector)
        assert delivery is not None
        rows = run.store.load_table(delivery.facts["manifest"]).to_pylist()
        assert [row["file_name"] for row in rows] == sorted(files), "each listed file once"
        truths = _truths(run, list(files), late_is_over=late_is_over)
        for row in rows:
            name = row["file_name"]
            _check_row(run, row, truths[name])
            bodies = _bodies(run, name, files[name], truths[name], late_is_over=late_is_over)
            assert row["sha256"] in {sha256_hex(body) if body else "" for body in bodies}, row
    for record in run.records:
        for row in run.store.load_table(record["manifest"]).to_pylist():
            if row["key"]:
                kept[row["key"]] = run.store.load(row["key"])
                assert sha256_hex(kept[row["key"]]) == row["sha256"], row
    found = {key for folder in ("tess/", "quarantine/") for key in run.store.iter_keys(folder)}
    assert found == set(kept), "the store holds what the manifests tell of, and nothing else"


def _check_row(run: Run, row: dict[str, Any], truth: Truth) -> None:
    """What became of a file, and why."""
    assert row["status"] == ("stored" if truth.stored else "quarantined"), row
    assert row["reason"] == truth.reason, row
    assert row["trust"] in truth.trust, row
    asked = [asked for asked in run.mirror.asked if asked.url.file_name == row["file_name"]]
    if row["file_name"] in run.mix.refused:
        assert not asked, "its name is enough to refuse it"
    elif row["trust"] == "recovered" and "sound" in truth.trust:
        faults = {item.fault for item in asked}
        assert _needed_help(run, row, faults), "the client should have coped"
    assert not any(item.host.startswith("localhost") for item in asked), "followed abroad"


def _needed_help(run: Run, row: dict[str, Any], faults: set[str]) -> bool:
    """Whether one look cannot have been enough: with most faults the client deals unseen."""
    lied_to = bool(faults & set(Lie))
    alone = "archive: no answer" in row["evidence"]  # all tries failed, or the breaker was open
    all_tries = 2 * run.mix.faults.max_per_url >= PATIENCE.n_try  # of a file's two URLs
    return lied_to or alone or (all_tries and bool(faults & {Trouble.SHORT, Trouble.BROKEN}))


def _truths(run: Run, names: list[str], *, late_is_over: bool) -> dict[str, Truth]:
    mix = run.mix
    bad = frozenset({"bad"})
    refused = {n: Truth(stored=False, trust=bad, reason=r) for n, r in mix.refused.items()}
    asked = mix.faults.truth(names, ask_second=mix.ask_second, late_is_over=late_is_over)
    return asked | refused


def _bodies(
    run: Run, name: str, body: bytes, truth: Truth, *, late_is_over: bool
) -> tuple[bytes, ...]:
    """What may be kept of a file: one body, but of one delivered again in the middle."""
    faults = run.mix.faults
    fate = faults.fate_of(name)
    if truth.stored:
        again = fate is Fate.REDELIVERED and not late_is_over
        return (body, fault_bytes.earlier(body)) if again else (body,)
    if name in run.mix.refused or truth.reason == "missing at source" or fate in NEVER_WHOLE:
        return (b"",)
    return (fault_bytes.damage(body, faults.damage_of(name), faults.draw("where", name)),)


def _check_that_again_is_free(run: Run) -> None:
    """Ingest once more: no object and no request is new."""
    n_asked, before = _n_asked(run), list(run.store.iter_keys(""))
    for record in run.records:
        assert run.ingest(record["sector"]) == record
    assert (_n_asked(run), list(run.store.iter_keys(""))) == (n_asked, before)


def _n_asked(run: Run) -> int:
    """Requests for light curves."""
    return sum(bool(asked.url.file_name) for asked in run.mirror.asked)


def _open(folder: Path, url: str, clock: LeapingClock, *, ask_second: bool) -> Platform:
    """A platform in memory whose client has little patience."""
    paths = json.loads((_template() / "paths.json").read_text())
    paths["archive"] = dict.fromkeys(("pages", "products", "target_lists"), url)
    (folder / "paths.json").write_text(json.dumps(paths))
    (folder / "ledger.db").write_bytes((_template() / "ledger.db").read_bytes())
    platform = open_platform(folder / "paths.json")
    breaker = Breaker(clock)
    client = open_client([url], "", read_s=READ_S, attempt_s=ATTEMPT_S, breaker=breaker)
    platform.__dict__["store"] = MemoryStore()
    platform.__dict__["archive"] = MastArchive(
        client, url, url, PATIENCE, pace=Throttle(1e6), folder=folder / "pages"
    )
    second = PublicBucket(url, "stpubdata", patience=PATIENCE) if ask_second else None
    platform.__dict__["second_source"] = second
    return platform


@cache
def _template() -> Path:
    """Folder of a platform with an empty ledger: to migrate one takes 0.2 s."""
    folder = Path(mkdtemp(prefix="calnet-faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_platform(folder)
    return folder
