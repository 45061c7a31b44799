"""What is expected of a file and of a sector: plain values, each with its reason.

Bounds were chosen on 49 real two-minute files (46 stars, sectors 1 to 88, T 2.7 to 14.3), whose
range each `source` gives. `docs/thresholds.md` is made from here.
"""

from dataclasses import dataclass
from enum import StrEnum

FEW_FILES = 100
"""Shares and medians of fewer files say nothing about a sector: the smallest real one has 15,889
two-minute targets, so fewer is a folder that somebody chose by hand."""


class Severity(StrEnum):
    """What follows when an expectation is not met."""

    REJECT = "reject"
    """Leave the files out of the features."""
    WARN = "warn"
    """Say so and go on."""
    HALT = "halt"
    """Stop the sector and tell a person."""


class Scope(StrEnum):
    """What a row of the judged table is."""

    FILE = "file"
    SECTOR = "sector"


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
    """Where the bounds come from."""
    low: float | None = None
    """Least value allowed, for ``BETWEEN``."""
    high: float | None = None
    """Greatest value allowed, for ``BETWEEN``."""
    allowed: tuple[int, ...] = ()
    """Values allowed, for ``IN_SET``."""
    share: float = 1.0
    """Least share of the rows that must comply."""
    min_file: int = 1
    """Judged only when the sector has at least this many files."""

    @property
    def bounds(self) -> str:
        """Bounds as a reader writes them.

        Examples
        --------
        >>> EXPECTATIONS[0].bounds
        '1, 2, 3, 4'
        """
        if self.kind is Kind.IN_SET:
            return ", ".join(str(value) for value in self.allowed)
        if self.kind is not Kind.BETWEEN:
            return str(self.kind)
        if self.low is None or self.high is None:
            return f"≥ {self.low:g}" if self.high is None else f"≤ {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


EXPECTATIONS = (
    Expectation(
        "camera exists",
        Scope.FILE,
        "camera",
        Kind.IN_SET,
        Severity.REJECT,
        "Systematics are followed by camera and CCD.",
        "TESS has four cameras",
        allowed=(1, 2, 3, 4),
    ),
    Expectation(
        "ccd exists",
        Scope.FILE,
        "ccd",
        Kind.IN_SET,
        Severity.REJECT,
        "Systematics are followed by camera and CCD.",
        "a camera has four CCDs",
        allowed=(1, 2, 3, 4),
    ),
    Expectation(
        "right ascension is on the sky",
        Scope.FILE,
        "ra",
        Kind.BETWEEN,
        Severity.REJECT,
        "Stars are split and matched by position.",
        "definition",
        low=0,
        high=360,
    ),
    Expectation(
        "declination is on the sky",
        Scope.FILE,
        "dec",
        Kind.BETWEEN,
        Severity.REJECT,
        "Stars are split and matched by position.",
        "definition",
        low=-90,
        high=90,
    ),
    Expectation(
        "cadence is two minutes",
        Scope.FILE,
        "cadence_s",
        Kind.BETWEEN,
        Severity.REJECT,
        "Scores are calibrated on two-minute data.",
        "TIMEDEL; 120.000 s in 49 real files",
        low=119.9,
        high=120.1,
    ),
    Expectation(
        "file begins with its sector",
        Scope.FILE,
        "start_offset_d",
        Kind.BETWEEN,
        Severity.REJECT,
        "Another start than the rest of the sector [d] means another sector's data.",
        "all files of a sector start within 0.01 d of each other; sectors are 26 d apart",
        low=-2,
        high=2,
        min_file=10,
    ),
    Expectation(
        "flux can be this star's",
        Scope.FILE,
        "magnitude_residual",
        Kind.BETWEEN,
        Severity.REJECT,
        "A hundred times too bright or faint [mag] is another unit or another star.",
        "-1.06 to 0.26 in 49 real files; no known blend or variable comes near",
        low=-5,
        high=5,
    ),
    Expectation(
        "one file per star",
        Scope.FILE,
        "tic",
        Kind.UNIQUE,
        Severity.HALT,
        "Ingest quarantines second files; one that got through is a fault of ours.",
        "definition",
    ),
    Expectation(
        "flux agrees with magnitude",
        Scope.FILE,
        "magnitude_residual",
        Kind.BETWEEN,
        Severity.WARN,
        "A shifted zero point [mag], or catalog magnitudes gone wrong.",
        "-1.06 (crowded) to 0.26 in 49 real files",
        low=-1.5,
        high=0.6,
        share=0.98,
        min_file=FEW_FILES,
    ),
    Expectation(
        "rows are those of the sector",
        Scope.FILE,
        "row_offset",
        Kind.BETWEEN,
        Severity.WARN,
        "All two-minute tables of a sector have the same rows.",
        "equal within each sector of the 49 real files",
        low=-0.5,
        high=0.5,
        share=0.99,
        min_file=10,
    ),
    Expectation(
        "most cadences are good",
        Scope.FILE,
        "share_good",
        Kind.BETWEEN,
        Severity.WARN,
        "Scattered light or a pointing problem takes cadences.",
        "0.61 to 0.94 in 49 real files",
        low=0.5,
        share=0.95,
        min_file=FEW_FILES,
    ),
    Expectation(
        "scatter is not below the errors",
        Scope.FILE,
        "noise_ratio",
        Kind.BETWEEN,
        Severity.WARN,
        "Point-to-point scatter far below the stated errors means invented or smoothed flux.",
        "0.79 to 19.6 in 49 real files, median 1.05",
        low=0.5,
        share=0.99,
        min_file=FEW_FILES,
    ),
    Expectation(
        "background is plausible",
        Scope.FILE,
        "background_median",
        Kind.BETWEEN,
        Severity.WARN,
        "Median background flux [e-/s] far off means scattered light or a failed subtraction.",
        "710 to 52,200 in 49 real files",
        low=0,
        high=200_000,
        share=0.99,
        min_file=FEW_FILES,
    ),
    Expectation(
        "crowding is a share",
        Scope.FILE,
        "crowdsap",
        Kind.BETWEEN,
        Severity.WARN,
        "Depths are corrected by CROWDSAP.",
        "0.05 to 0.9997 in 49 real files",
        low=0,
        high=1.01,
        share=0.99,
    ),
    Expectation(
        "magnitude is known",
        Scope.FILE,
        "tmag",
        Kind.PRESENT,
        Severity.WARN,
        "Noise and flux are judged against it.",
        "all of 49 real files",
        share=0.99,
    ),
    Expectation(
        "every listed file is accounted for",
        Scope.SECTOR,
        "n_missing",
        Kind.BETWEEN,
        Severity.HALT,
        "A file that is neither stored nor quarantined is lost.",
        "definition",
        low=0,
        high=0,
    ),
    Expectation(
        "every stored file was looked at",
        Scope.SECTOR,
        "n_unjudged",
        Kind.BETWEEN,
        Severity.HALT,
        "Statistics are computed while the bytes pass; a file without them passed unseen.",
        "definition",
        low=0,
        high=0,
    ),
    Expectation(
        "few files are quarantined",
        Scope.SECTOR,
        "share_quarantined",
        Kind.BETWEEN,
        Severity.WARN,
        "The archive or the way to it has a fault.",
        "none of 49 real files; room for one in a hundred",
        high=0.01,
        min_file=FEW_FILES,
    ),
    Expectation(
        "most files are believed",
        Scope.SECTOR,
        "share_quarantined",
        Kind.BETWEEN,
        Severity.HALT,
        "What is found in the lesser half of a sector does not stand for it.",
        "none of 49 real files; half",
        high=0.5,
        min_file=FEW_FILES,
    ),
    Expectation(
        "noise agrees with magnitude",
        Scope.SECTOR,
        "median_noise_excess",
        Kind.BETWEEN,
        Severity.WARN,
        "Errors follow from photon counts; the median star should show just these.",
        "median 0.96 in 49 real files, single stars 0.7 to 3.4",
        low=0.7,
        high=1.5,
        min_file=FEW_FILES,
    ),
    Expectation(
        "noise is possible",
        Scope.SECTOR,
        "median_noise_excess",
        Kind.BETWEEN,
        Severity.HALT,
        "Less than a third or more than three times the photon noise is another unit.",
        "median 0.96 in 49 real files, single stars 0.7 to 3.4",
        low=0.3,
        high=3,
        min_file=FEW_FILES,
    ),
    Expectation(
        "half of the files have something good",
        Scope.SECTOR,
        "median_share_good",
        Kind.BETWEEN,
        Severity.HALT,
        "A sector whose typical star has no tenth of its cadences cannot be scored.",
        "0.61 to 0.94 in 49 real files",
        low=0.1,
        min_file=FEW_FILES,
    ),
    Expectation(
        "real and simulated stars are not mixed",
        Scope.SECTOR,
        "n_origin",
        Kind.BETWEEN,
        Severity.WARN,
        "One simulated star marks the whole sector as simulated.",
        "definition",
        high=1,
    ),
)
"""All that is expected, of files first."""


def document() -> str:
    """Page of all thresholds with their reasons, in Markdown."""
    lines = [
        "# Thresholds of the checks",
        "",
        "Generated from `calnet_ops/science/checks/expectations.py`; change them there.",
        "`reject` leaves the file out of the features, `warn` says so and goes on, `halt` stops",
        "the sector until a person has looked. Great Expectations judges the table of statistics",
        "that ingest computes while the bytes pass.",
        "",
        "| expectation | of | column | bounds | rows that must comply | severity | why | from |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(expectation) for expectation in EXPECTATIONS),
        "",
    ]
    return "\n".join(lines)


def _line(expectation: Expectation) -> str:
    rows = f"{expectation.share:.0%}" if expectation.scope is Scope.FILE else ""
    if expectation.min_file > 1:
        rows = f"{rows} (from {expectation.min_file} files on)".strip()
    cells = (
        expectation.name,
        expectation.scope,
        f"`{expectation.column}`",
        expectation.bounds,
        rows,
        expectation.severity,
        expectation.reason,
        expectation.source,
    )
    return f"| {' | '.join(cells)} |"
