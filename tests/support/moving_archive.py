"""An archive in memory that moves with a clock of its own, and a platform that lives by it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from typing_extensions import override

from calnet_ops.adapters.archive import Archive, Fetched, ListedFile, Script, Validators
from calnet_ops.errors import ArchiveUnavailable, MissingAtSource
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from tests.support.platforms import make_platform
from tests.support.sources import URL, etag_of, no_answer


@dataclass
class Clock:
    """Time that passes when it is told to, from the ledger's now on."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def pass_hours(self, hours: float) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)


@dataclass
class MovingArchive(Archive):
    """Sectors whose scripts and files a test changes, counting what it is asked."""

    clock: Callable[[], datetime]
    scripts: dict[int, list[str]] = field(default_factory=dict)
    """Names of files in each sector's script."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """What there is to be had."""
    etags: dict[str, str] = field(default_factory=dict)
    """Of files whose ETag is not that of their bytes."""
    expected: dict[int, int] = field(default_factory=dict)
    planned: dict[int, int] = field(default_factory=dict)
    dates: dict[int, str] = field(default_factory=dict)
    """Last-Modified of scripts; without one, a script's date is unknown."""
    down: set[int] = field(default_factory=set)
    """Sectors whose pages are not to be had; 0: products."""
    sick: set[str] = field(default_factory=set)
    """Files of which there is only an error to be had."""
    asked: Counter[str] = field(default_factory=Counter)

    @override
    def list_sectors(self) -> list[int]:
        """All that have a script."""
        self.asked["page"] += 1
        if not self.scripts:
            raise ArchiveUnavailable("page", found="no link", expected="one per sector")
        return sorted(self.scripts)

    @override
    def is_unchanged(self, sector: int, since: str) -> bool:
        """By the date alone."""
        self._ask("head", sector)
        return bool(since) and self.dates.get(sector) == since

    @override
    def fetch_script(self, sector: int, *, anew: bool = False) -> Script:
        """The list as it is now."""
        self._ask("script", sector)
        names = self.scripts[sector]
        files = tuple(ListedFile(name, URL + name) for name in names)
        return Script(sector, files, sha256_hex("\n".join(names).encode()), self._date(sector))

    @override
    def count_expected(self, sector: int) -> int | None:
        """Rows of the CDPP table."""
        self._ask("cdpp", sector)
        return self.expected.get(sector)

    @override
    def count_planned(self, sector: int) -> int | None:
        """Rows of the target list."""
        return self.planned.get(sector)

    @override
    def probe_product(self, url: str, *, on_trial: bool = False) -> Validators:
        """ETag and length."""
        name = self._find("probe", url)
        body = self.bodies[name]
        return Validators(self.etags.get(name, etag_of(body)), "", len(body))

    @override
    def fetch_product(self, url: str, held_etag: str = "") -> Fetched | None:
        """Bytes."""
        return Fetched(self.bodies[self._find("fetch", url)], 1, self.probe_product(url))

    @override
    def close(self) -> None:
        """Nothing to close."""

    def _date(self, sector: int) -> str:
        return self.dates.get(sector, "")

    def _ask(self, what: str, sector: int) -> None:
        self.asked[what] += 1
        if sector in self.down:
            raise no_answer()

    def _find(self, what: str, url: str) -> str:
        self._ask(what, 0)
        name = urlsplit(url).query.rpartition("/")[2]
        if name in self.sick:
            raise no_answer()
        if name not in self.bodies:
            raise MissingAtSource(name, found="status 404", expected="a light curve")
        return name


def moving_platform(folder: Path, clock: Clock) -> tuple[Platform, MovingArchive]:
    """A platform that sees a moving archive and its time."""
    platform = make_platform(folder)
    archive = MovingArchive(clock)
    platform.__dict__.update(archive=archive, now=clock)
    return platform, archive
