"""What the checks of sectors, features and catalogs have in common: judge, show, report."""

import mimetypes
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from calnet_ops.adapters.store import Store
from calnet_ops.errors import KeyTaken
from calnet_ops.lineage import known
from calnet_ops.science.checks.expectation import Expectation, Scope, Severity

if TYPE_CHECKING:
    from calnet_ops.adapters.quality import Outcome

NOT_SHOWN = (".gif",)
"""Left out of Data Docs: two films on how to use Great Expectations, 3.4 of their 4 MB."""

MARKED_SHOWN = 100
"""Rows that a report names of each expectation; it counts all. They are rows of stored tables,
where the rest can be found by the bounds."""


def judge_tables(
    tables: Mapping[Scope, pa.Table],
    expectations: Sequence[Expectation],
    run_name: str,
    docs: Callable[[str], str],
    store: Store,
) -> "list[Outcome]":
    """Judge tables with Great Expectations, and store the Data Docs about it.

    Parameters
    ----------
    tables
        One for each scope; one without rows is not judged.
    expectations
        Those to be judged.
    run_name
        Part of the pages' names.
    docs
        Key of a page.

    Notes
    -----
    Great Expectations takes 5 s of CPU and 170 MB to import, once a process; 20,000 rows with 60
    expectations then take 1.5 s.
    """
    from calnet_ops.adapters.quality import judge

    frames = {scope: table.to_pandas() for scope, table in tables.items() if len(table)}
    with tempfile.TemporaryDirectory(prefix="calnet-docs-") as folder:
        outcomes = judge(frames, list(expectations), run_name, Path(folder))
        _upload(Path(folder), docs, store)
    return outcomes


def _upload(folder: Path, docs: Callable[[str], str], store: Store) -> None:
    """Store the pages of Data Docs.

    Names of pages follow from the lineage, but their bytes hold times of the clock. A page that
    an interrupted run has left says the same in other bytes, so it stays.
    """
    for file in sorted(folder.rglob("*")):
        if file.is_dir() or file.suffix in NOT_SHOWN:
            continue
        page = file.relative_to(folder).as_posix()
        content_type = mimetypes.guess_type(page)[0] or "application/octet-stream"
        with suppress(KeyTaken):
            store.save_new(docs(page), file.read_bytes(), content_type)


def line(outcome: "Outcome") -> dict[str, Any]:
    """One expectation and how the data did by it, as a report tells it."""
    expectation = outcome.expectation
    found = outcome.unexpected[0][1] if outcome.unexpected else ""
    return {
        "name": expectation.name,
        "scope": expectation.scope,
        "column": expectation.column,
        "bounds": expectation.bounds,
        "severity": expectation.severity,
        "reason": expectation.reason,
        "met": outcome.met,
        "found": "" if expectation.scope.row_name else found,
        "n_row": outcome.n_row,
        "n_unexpected": outcome.n_unexpected,
    }


def marks(
    outcomes: "Sequence[Outcome]",
    severity: Severity,
    describe: Callable[[str], Mapping[str, Any]] = lambda _name: {},
) -> list[dict[str, Any]]:
    """Rows that do not comply, under each expectation of a severity; of many, the first.

    Parameters
    ----------
    outcomes
        Those of tables whose rows have no names are passed over.
    severity
        Of the expectations.
    describe
        More about a row, by its name.
    """
    return [
        {
            "name": outcome.expectation.name,
            "n": outcome.n_unexpected,
            "rows": [
                {"row": name, "found": found, **describe(name)}
                for name, found in outcome.unexpected[:MARKED_SHOWN]
            ],
        }
        for outcome in outcomes
        if outcome.expectation.severity is severity
        and outcome.expectation.scope.row_name
        and outcome.unexpected
    ]


def missed(report: Mapping[str, Any], severity: Severity) -> list[str]:
    """Names of the expectations of a severity that a report says were not met."""
    lines = report["expectations"]
    return [item["name"] for item in lines if not item["met"] and item["severity"] == severity]


def plain(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers as JSON has them: what could not be computed is null."""
    return {name: known(value) for name, value in numbers.items()}
