"""An archive and a second source in memory, which answer as they are told."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from typing_extensions import override

from calnet_ops.adapters.archive import (
    ARCHIVE,
    Archive,
    Fetched,
    ListedFile,
    Script,
    SecondSource,
    Validators,
)
from calnet_ops.errors import ArchiveUnavailable, CalnetError, MissingAtSource
from calnet_ops.lineage import canonical_json, sha256_hex

Answer = bytes | CalnetError
"""What a request gives: bytes, or an error that is raised."""

URL = "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/"


def etag_of(body: bytes) -> str:
    """ETag of some bytes, as both sources give it."""
    return f'"{sha256_hex(body)[:32]}"'


def no_answer() -> ArchiveUnavailable:
    """Error of a source that is down."""
    return ArchiveUnavailable("archive", found="nothing", expected="an answer")


@dataclass
class FakeArchive(Archive):
    """An archive of one sector; its last answer for a file is given over and over."""

    files: dict[str, Sequence[Answer]]
    sector: int = 87
    asked: list[str] = field(default_factory=list)
    """Names of files asked for."""
    scripts: int = 0
    """Times that the script was asked for."""
    down: bool = False
    """Whether a question about a file gets no answer."""
    takes_s: float = 0.0
    """Time that each answer takes [s]."""

    def hold(self, files: Mapping[str, Answer]) -> None:
        """Have other files, or other bytes, from now on."""
        self.files |= {name: [answer] for name, answer in files.items()}

    @override
    def list_sectors(self) -> list[int]:
        """The one."""
        return [self.sector]

    @override
    def is_unchanged(self, sector: int, since: str) -> bool:
        """Never for certain."""
        return False

    @override
    def fetch_script(self, sector: int, *, anew: bool = False) -> Script:
        """List of what there is."""
        self.scripts += 1
        listed = tuple(ListedFile(name, URL + name) for name in sorted(self.files))
        return Script(sector, listed, sha256_hex(canonical_json(sorted(self.files))), "", "")

    @override
    def count_expected(self, sector: int) -> int | None:
        """No table."""
        return None

    @override
    def count_planned(self, sector: int) -> int | None:
        """No list."""
        return None

    @override
    def fetch_product(self, url: str, held_etag: str = "") -> Fetched | None:
        """Next answer for a file."""
        time.sleep(self.takes_s)
        name = urlsplit(url).query.rpartition("/")[2]
        body = _next(self.files, self.asked, name)
        if held_etag and held_etag == etag_of(body):
            return None
        return Fetched(body, 1, Validators(etag_of(body), "", len(body)), ARCHIVE)

    @override
    def probe_product(self, url: str, *, on_trial: bool = False) -> Validators:
        """Nothing about a file, but an answer, unless it is down."""
        if self.down:
            raise no_answer()
        return Validators()

    @override
    def close(self) -> None:
        """Nothing to close."""


@dataclass
class FakeSecond(SecondSource):
    """A second source."""

    files: dict[str, Sequence[Answer]]
    name: str = "stpubdata"
    asked: list[str] = field(default_factory=list)

    @override
    def fetch(self, file_name: str) -> Fetched:
        """Next answer for a file."""
        body = _next(self.files, self.asked, file_name)
        return Fetched(body, 1, Validators(etag_of(body), "", len(body)), self.name)

    @override
    def close(self) -> None:
        """Nothing to close."""


def _next(files: dict[str, Sequence[Answer]], asked: list[str], name: str) -> bytes:
    count = asked.count(name)
    asked.append(name)
    answers = files.get(name) or [
        MissingAtSource(name, found="status 404", expected="a light curve")
    ]
    answer = answers[min(count, len(answers) - 1)]
    if isinstance(answer, CalnetError):
        raise answer
    return answer
