"""Keep the table of known issues: a new version of it whenever a person has something to add."""

from pathlib import Path
from typing import TypedDict

import structlog

from calnet_ops.errors import WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.science.checks.known_issues import KnownIssue, merge_issues, read_issues
from calnet_ops.steps.stored_issues import StoredIssues, held_issues, save_issues, stored_issues

MAX_BYTES = 16 * 1024**2
"""Of a file of issues; the star lists of all sectors together have less than one megabyte."""

log = structlog.get_logger()


class IssuesRecord(TypedDict):
    """A version of the table."""

    table_id: str
    key: str
    n_issue: int
    n_loaded: int
    """Of these, by a person."""
    n_sector: int
    """Sectors with at least one."""


def keep_known_issues(platform: Platform, file: Path | None = None) -> IssuesRecord:
    """Put a table of known issues in force: that of the package, and what a person has loaded.

    Parameters
    ----------
    file
        CSV file of issues to add. One with an id that is there already takes its place.

    Raises
    ------
    WrongConfiguration
        If the file cannot be read, or a line of it makes no sense.
    """
    stored = stored_issues(platform) if file is None else _load(file, platform)
    record = _record(stored)
    log.info("known_issues_kept", **record)
    return record


def _load(file: Path, platform: Platform) -> StoredIssues:
    new = read_file(file)
    held = held_issues(platform)
    loaded = [issue for issue in held.issues if not issue.shipped] if held else []
    return save_issues(merge_issues(loaded, new), platform)


def read_file(file: Path) -> tuple[KnownIssue, ...]:
    """Issues in a CSV file.

    Raises
    ------
    WrongConfiguration
        If it cannot be read, or a line of it makes no sense.
    """
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise WrongConfiguration(
                str(file), found=f"more than {MAX_BYTES} bytes", expected="a file of known issues"
            )
        return read_issues(file.name, body.decode())
    except (OSError, UnicodeDecodeError) as error:
        found = error.strerror if isinstance(error, OSError) else f"no text at byte {error.start}"
        raise WrongConfiguration(
            str(file), found=str(found), expected="a CSV file in UTF-8"
        ) from error


def _record(stored: StoredIssues) -> IssuesRecord:
    return IssuesRecord(
        table_id=stored.table_id,
        key=stored.key,
        n_issue=len(stored.issues),
        n_loaded=sum(not issue.shipped for issue in stored.issues),
        n_sector=len({issue.sector for issue in stored.issues}),
    )
