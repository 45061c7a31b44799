"""All that is expected, of whatever table, and the page that lists it.

`docs/thresholds.md` is made from here.
"""

from itertools import groupby

from calnet_ops.science.checks.expectation import (
    FEW_FILES,
    Expectation,
    Kind,
    Scope,
    Severity,
)
from calnet_ops.science.checks.expected_files import FILES
from calnet_ops.science.checks.expected_products import CATALOG, FEATURES, FEATURES_OF
from calnet_ops.science.checks.expected_sectors import CCDS, SECTORS

__all__ = [
    "CATALOG",
    "EXPECTATIONS",
    "FEATURES",
    "FEATURES_OF",
    "FEW_FILES",
    "Expectation",
    "Kind",
    "Scope",
    "Severity",
    "document",
    "wanted",
]

EXPECTATIONS = (*FILES, *SECTORS, *CCDS)
"""All that is expected of a sector as it was ingested, of files first."""

INTRODUCTION = """\
# Thresholds of the checks

Generated from `calnet_ops/science/checks/expected_*.py`; change them there.

Ingest computes numbers of each light curve while its bytes pass, once; Great Expectations judges
the table of these numbers, the sector as a whole, each of its CCDs, later the features and, before
a release, the catalog. What an expectation that is not met leads to:

- `reject`: the file is left out of the features. It stays in the store.
- `warn`: the files or CCDs that do not comply are marked in the report, work goes on.
- `halt`: nothing is made of the sector until a person has looked; of a catalog: no release.

Files whose structure, checksums, units, names, cadence numbers or times are wrong are refused
while the bytes pass and lie in quarantine, each with its reason (`docs/ingest.md`). The lines about
the same things below judge what was believed, once more and all together.

Lines about segments are those of features v1. Of v2 the least flux may lie anywhere up to 1: where
nothing stands out of the noise, the scale is wider than the segment.

A value that could not be computed counts as met, except where it must be present. Sectors of fewer
files than stated are not judged by that line: a share of few is chance.
"""


def wanted(
    expectations: tuple[Expectation, ...], n_file: int, n_before: int = 0
) -> list[Expectation]:
    """Expectations that so many files, and sectors judged before, suffice to judge."""
    return [
        item for item in expectations if n_file >= item.min_file and n_before >= item.min_before
    ]


def document() -> str:
    """Page of all thresholds with their reasons, in Markdown."""
    lines = [INTRODUCTION]
    for scope, items in groupby((*EXPECTATIONS, *FEATURES, *CATALOG), lambda item: item.scope):
        lines += [
            f"## Of {scope.of}",
            "",
            "| expectation | column | bounds | rows that must comply | severity | why | from |",
            "|---|---|---|---|---|---|---|",
            *map(_line, items),
            "",
        ]
    return "\n".join(lines)


def _line(expectation: Expectation) -> str:
    rows = f"{expectation.share:.0%}" if expectation.scope.row_name else ""
    if expectation.min_file > 1:
        rows = f"{rows} (from {expectation.min_file:,} files on)".strip()
    if expectation.min_before:
        rows = f"{rows} (once {expectation.min_before} others were judged)".strip()
    cells = (
        expectation.name,
        f"`{expectation.column}`",
        expectation.bounds,
        rows,
        expectation.severity,
        expectation.reason,
        expectation.source,
    )
    return f"| {' | '.join(cells)} |"
