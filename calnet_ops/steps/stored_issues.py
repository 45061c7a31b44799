"""The known issues in force: those that come with the package, and those a person has loaded."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from calnet_ops import keys
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.checks.known_issues import (
    KnownIssue,
    issue_table,
    issues_of,
    merge_issues,
    shipped_issues,
)

VERSION = 1
"""Raised when the same issues give another table."""

STEP = "known-issues"
"""Name in the ledger."""


@dataclass(frozen=True, slots=True)
class StoredIssues:
    """A version of the table."""

    table_id: str
    """Made of its content, so that what was judged by it can say so."""
    key: str
    issues: tuple[KnownIssue, ...]
    """By sector, time and id."""


def stored_issues(platform: Platform) -> StoredIssues:
    """Issues in force.

    Those that come with the package are stored when none are yet, and again when a newer
    package brings others; what a person has loaded stays.
    """
    held = held_issues(platform)
    if held is not None and _shipped(held.issues) == _shipped(merge_issues(shipped_issues())):
        return held
    return save_issues(_loaded(held.issues if held else ()), platform)


def held_issues(platform: Platform) -> StoredIssues | None:
    """Issues stored last, if there are any."""
    record = platform.ledger.latest(STEP, 0)
    if record is None:
        return None
    issues = issues_of(platform.store.load_table(record.key))
    return StoredIssues(record.facts["table_id"], record.key, issues)


def save_issues(loaded: Iterable[KnownIssue], platform: Platform) -> StoredIssues:
    """Store the shipped issues with the loaded ones, and put them in force.

    A loaded issue stands for the shipped one of the same id.
    """
    issues = merge_issues(shipped_issues(), loaded)
    table_id = lineage_id(STEP, VERSION, issues=[asdict(issue) for issue in issues])
    key = keys.known_issues(table_id)
    platform.store.save_table(key, issue_table(issues))
    facts = {
        "table_id": table_id,
        "n_issue": len(issues),
        "n_loaded": len(_loaded(issues)),
        "n_sector": len({issue.sector for issue in issues}),
    }
    platform.ledger.record(STEP, 0, key, facts=facts)
    return StoredIssues(table_id, key, issues)


def _shipped(issues: Iterable[KnownIssue]) -> tuple[KnownIssue, ...]:
    return tuple(issue for issue in issues if issue.shipped)


def _loaded(issues: Iterable[KnownIssue]) -> tuple[KnownIssue, ...]:
    return tuple(issue for issue in issues if not issue.shipped)
