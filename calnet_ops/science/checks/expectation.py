"""What an expectation is: a plain value, with its reason and where its bounds come from."""

from dataclasses import dataclass
from enum import StrEnum

FEW_FILES = 100
"""Shares and medians of fewer files say nothing about a sector: the smallest real one has 12,996
two-minute targets, so fewer is a folder that somebody chose by hand."""

WHOLE_SECTOR = 1000
"""From so many files on, a sector should look like one: with all cameras and CCDs, one data
release. Real target lists (sectors 1, 14, 27) give a CCD 784 to 2,000 of 20,000 stars, so it is
not by chance that one has none of 1,000."""

ENOUGH_BEFORE = 3
"""Sectors that were judged before, from which on a new one is compared with them: of fewer, the
median is one sector's whim."""


class Severity(StrEnum):
    """What follows when an expectation is not met."""

    REJECT = "reject"
    """Leave the files out of the features."""
    WARN = "warn"
    """Mark them, say so and go on."""
    HALT = "halt"
    """Stop and tell a person."""


class Scope(StrEnum):
    """What a row of the judged table is."""

    FILE = "file"
    SECTOR = "sector"
    CCD = "ccd"
    SEGMENT = "segment"
    FEATURES = "features"
    CATALOG = "catalog"

    @property
    def row_name(self) -> str:
        """Column that names a row; empty where there is only one.

        Examples
        --------
        >>> Scope.FILE.row_name, Scope.SECTOR.row_name
        ('file_name', '')
        """
        return _ROW_NAMES.get(self, "")

    @property
    def of(self) -> str:
        """What it is in the words of the page."""
        return _WORDS[self]


_ROW_NAMES = {
    Scope.FILE: "file_name",
    Scope.CCD: "place",
    Scope.SEGMENT: "name",
    Scope.CATALOG: "name",
}

_WORDS = {
    Scope.FILE: "each light curve of a sector",
    Scope.SECTOR: "a sector",
    Scope.CCD: "each CCD of a sector",
    Scope.SEGMENT: "the features of each segment",
    Scope.FEATURES: "all features of a sector",
    Scope.CATALOG: "each row of a release",
}


class Kind(StrEnum):
    """How a column is judged. A missing value counts as met, except for ``PRESENT``."""

    BETWEEN = "between"
    IN_SET = "in set"
    UNIQUE = "unique"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that is expected of a column."""

    name: str
    """What is promised, in words; unique."""
    scope: Scope
    column: str
    kind: Kind
    severity: Severity
    reason: str
    """Why it matters."""
    source: str
    """Where the bounds come from: what was seen, and what was chosen."""
    low: float | None = None
    """Least value allowed, for ``BETWEEN``."""
    high: float | None = None
    """Greatest value allowed, for ``BETWEEN``."""
    allowed: tuple[int | str, ...] = ()
    """Values allowed, for ``IN_SET``."""
    share: float = 1.0
    """Least share of the rows that must comply."""
    min_file: int = 1
    """Judged only when the sector has at least this many files."""
    min_before: int = 0
    """Judged only when at least this many other sectors were judged before."""

    @property
    def bounds(self) -> str:
        """Bounds as a reader writes them.

        Examples
        --------
        >>> never = Expectation("no x", Scope.SECTOR, "x", Kind.BETWEEN, Severity.WARN, "", "")
        >>> from dataclasses import replace
        >>> replace(never, high=0.5).bounds, replace(never, low=0, high=2).bounds
        ('≤ 0.5', '0 to 2')
        """
        if self.kind is Kind.IN_SET:
            return ", ".join(str(value) for value in self.allowed)
        if self.kind is not Kind.BETWEEN:
            return str(self.kind)
        if self.low is None or self.high is None:
            return f"≥ {self.low:g}" if self.high is None else f"≤ {self.high:g}"
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
