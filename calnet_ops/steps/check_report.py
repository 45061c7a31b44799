"""What a report on a sector says of single files: rejected, marked, in quarantine, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.science.checks.expectation import Scope, Severity
from calnet_ops.science.checks.known_issues import KnownIssue, explain
from calnet_ops.science.checks.sector import STORED

if TYPE_CHECKING:
    from calnet_ops.adapters.quality import Outcome

QUARANTINED_SHOWN = 500
"""Files in quarantine that a report lists; the manifest has them all."""

MARKS = pa.schema(
    [
        ("tic", pa.int64()),
        ("file_name", pa.string()),
        ("expectation", pa.string()),
        ("found", pa.string()),
    ]
)
"""Columns of the marks of a sector, a row for each file and expectation that does not hold."""


class Places:
    """Where rows of the tables are on the sky and in time, and what is known to be wrong there."""

    def __init__(self, statistics: pa.Table, sector: int, issues: Sequence[KnownIssue]) -> None:
        columns = ["file_name", "tic", "camera", "ccd", "time_start", "time_stop"]
        rows = statistics.select(columns).to_pylist()
        self._files = {row.pop("file_name"): row for row in rows}
        self._issues = issues
        self.sector = sector

    def tic(self, file_name: str) -> int:
        """Star of a file."""
        return int(self._files[file_name]["tic"])

    def of_row(self, name: str) -> dict[str, list[str]]:
        """Known issues of a file, or of a CCD: ``camera 1 CCD 2``."""
        if name in self._files:
            return self._found(**self._files[name])
        _, camera, _, ccd = name.split()
        return self._found(camera=int(camera), ccd=int(ccd))

    def of_sector(self, outcome: "Outcome") -> dict[str, list[str]]:
        """Known issues of the sector, if an expectation about it is not met."""
        return {"known_issues": []} if outcome.met else self._found()

    def of_star(self, tic: int) -> dict[str, list[str]]:
        """Known issues that may concern a star of which nothing else is known."""
        return self._found(tic=tic)

    def _found(self, **place: Any) -> dict[str, list[str]]:
        return {"known_issues": explain(self._issues, self.sector, **place)}


def marks_table(outcomes: Sequence["Outcome"], places: Places) -> pa.Table:
    """Table of the files that an expectation of severity `warn` does not hold for."""
    rows = [
        {
            "tic": places.tic(file_name),
            "file_name": file_name,
            "expectation": outcome.expectation.name,
            "found": found,
        }
        for outcome in outcomes
        if outcome.expectation.severity is Severity.WARN and outcome.expectation.scope is Scope.FILE
        for file_name, found in outcome.unexpected
    ]
    rows.sort(key=lambda row: (row["file_name"], row["expectation"]))
    return pa.Table.from_pylist(rows, MARKS)


def list_rejected(outcomes: Sequence["Outcome"], places: Places) -> list[dict[str, Any]]:
    """Files to leave out, by name, each with the first thing that speaks against it."""
    rejected: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        expectation = outcome.expectation
        if expectation.severity is not Severity.REJECT:
            continue
        for file_name, found in outcome.unexpected:
            reason = f"check failed: {expectation.name}"
            wished = f"{expectation.column} {expectation.bounds}"
            row = {
                "tic": places.tic(file_name),
                "sector": places.sector,
                "file_name": file_name,
                "reason": reason,
                "message": f"{file_name}: {reason}: found {found}, expected {wished}",
            }
            rejected.setdefault(file_name, row | places.of_row(file_name))
    return [rejected[file_name] for file_name in sorted(rejected)]


def list_quarantined(manifest: pa.Table, places: Places) -> list[dict[str, Any]]:
    """Files that ingest has set aside, by name, with what is known of their stars and sector."""
    aside = manifest.filter(pc.not_equal(manifest["status"], STORED)).slice(0, QUARANTINED_SHOWN)
    rows = aside.select(["file_name", "tic", "reason"]).to_pylist()
    return [row | places.of_star(row["tic"] or 0) for row in rows]
