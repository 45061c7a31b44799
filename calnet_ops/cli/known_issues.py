"""What is known of sectors that went wrong in part: list it, add to it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, errors, print_json, show, show_rows
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import open_platform
from calnet_ops.science.checks.known_issues import KnownIssue


def known_issues(
    load: Annotated[
        Path | None, typer.Option("--load", help="CSV file of issues to add.", show_default=False)
    ] = None,
    sector: Annotated[
        str | None, typer.Option(help="Only those of this sector, such as 87 or s087.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List known issues of sectors by camera, star and time, or add some.

    Checks name them beside files that are set aside and expectations that are not met. Those of
    the data release notes come with calnet-ops; an added one takes the place of that of its id.

    A CSV file has a header with issue_id, sector, kind, source and, if known, camera, ccd, tic,
    time_start, time_stop (BTJD) and note.

    Try it:

    [bold]calnet-ops known-issues --sector 4[/bold]

    [bold]calnet-ops known-issues --load var/sky/mast/known_issues.csv[/bold]
    """
    from calnet_ops.steps import known_issues as step
    from calnet_ops.steps.stored_issues import stored_issues

    platform = open_platform()
    platform.ledger.migrate()
    number = None if sector is None else parse_sector(sector)
    record = step.keep_known_issues(platform, load)
    if load is not None:
        show({**record}, as_json=as_json)
        return
    issues = [one for one in stored_issues(platform).issues if number in {None, one.sector}]
    if as_json:
        print_json([asdict(issue) for issue in issues])
        return
    show_rows([_row(issue) for issue in issues], as_json=False, title="known issues")
    errors.print(f"version {record['table_id']}; a dash is all, or not known")


def _row(issue: KnownIssue) -> dict[str, str | int | None]:
    return {
        "issue_id": issue.issue_id,
        "sector": sector_key(issue.sector),
        "camera": issue.camera or None,
        "ccd": issue.ccd or None,
        "tic": issue.tic,
        "time_start": _day(issue.time_start),
        "time_stop": _day(issue.time_stop),
        "kind": issue.kind,
        "note": issue.note,
    }


def _day(time: float | None) -> str | None:
    """BTJD to 9 seconds."""
    return None if time is None else f"{time:.4f}"
