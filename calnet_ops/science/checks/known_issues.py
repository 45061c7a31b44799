"""Known issues of sectors: what the data release notes say of places and times that went wrong.

A file that is not believed, or a sector that does not look as expected, is held against them
before a person wonders.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.resources import files

import pyarrow as pa

from calnet_ops.errors import WrongConfiguration

SCHEMA = pa.schema(
    [
        ("issue_id", pa.string()),
        ("sector", pa.int32()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        ("tic", pa.int64()),
        ("time_start", pa.float64()),
        ("time_stop", pa.float64()),
        ("kind", pa.string()),
        ("note", pa.string()),
        ("source", pa.string()),
        ("shipped", pa.bool_()),
    ]
)
"""Columns of the table in the store: fields of `KnownIssue`."""

SHIPPED = "known_issues.csv"
"""Issues that come with the package, with the page or table that names each."""

MAX_ISSUES = 100_000
"""Rows of a file. The star lists of the release notes have a few dozen lines a sector."""

MAX_TEXT = 1000
"""Characters of a cell; longer ones are essays or accidents."""

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """A part of a sector of which something is known."""

    issue_id: str
    """Its name, once in the table."""
    sector: int
    """TESS sector."""
    camera: int
    """1 to 4; 0 stands for all."""
    ccd: int
    """1 to 4; 0 stands for all."""
    tic: int | None
    """A single star; None for all."""
    time_start: float | None
    """From here on [BTJD]; None: from the sector's first cadence on."""
    time_stop: float | None
    """Up to here [BTJD]; None: to the sector's last cadence."""
    kind: str
    """One word or two: scattered light, safe mode, instrument off."""
    note: str
    """What happened."""
    source: str
    """Who says so."""
    shipped: bool = False
    """Whether it came with the package; the others were loaded by a person."""


COLUMNS = tuple(field.name for field in fields(KnownIssue) if field.name != "shipped")
"""Columns of a CSV file of issues."""

NEEDED = ("issue_id", "sector", "kind", "source")
"""Columns without which a row says nothing that can be followed up."""


def read_issues(name: str, text: str, *, shipped: bool = False) -> tuple[KnownIssue, ...]:
    """Issues of a CSV file, in its order.

    Parameters
    ----------
    name
        Of the file, for messages.
    text
        Its content: a header line with columns of `COLUMNS`, in any order; those that are not
        in `NEEDED` may be left out or left blank. Lines that begin with ``#`` are comments.
    shipped
        Whether it is the file that comes with the package.

    Raises
    ------
    WrongConfiguration
        If a column is unknown or missing, or a cell makes no sense; it names the line.
    """
    issues: dict[str, KnownIssue] = {}
    for line, cells in _rows(name, text):
        issue = _issue(f"{name}, line {line}", cells, shipped=shipped)
        if issue.issue_id in issues:
            raise _wrong(f"{name}, line {line}", f"issue_id {issue.issue_id!r} again", "each once")
        if len(issues) == MAX_ISSUES:
            raise _wrong(name, f"more than {MAX_ISSUES} issues", "a table that a person can read")
        issues[issue.issue_id] = issue
    return tuple(issues.values())


def shipped_issues() -> tuple[KnownIssue, ...]:
    """Issues that come with the package."""
    text = files("calnet_ops.science.checks").joinpath(SHIPPED).read_text(encoding="utf-8")
    return read_issues(SHIPPED, text, shipped=True)


def merge_issues(*parts: Iterable[KnownIssue]) -> tuple[KnownIssue, ...]:
    """All issues, ordered by sector, time and id; of those with one id, the last."""
    merged = {issue.issue_id: issue for part in parts for issue in part}
    return tuple(sorted(merged.values(), key=_place))


def issue_table(issues: Iterable[KnownIssue]) -> pa.Table:
    """Table of issues, to be stored."""
    return pa.Table.from_pylist([asdict(issue) for issue in issues], schema=SCHEMA)


def issues_of(table: pa.Table) -> tuple[KnownIssue, ...]:
    """Issues of a stored table."""
    return tuple(KnownIssue(**row) for row in table.to_pylist())


def explain(
    issues: Iterable[KnownIssue],
    sector: int,
    camera: int = 0,
    ccd: int = 0,
    tic: int | None = None,
    time_start: float | None = None,
    time_stop: float | None = None,
) -> list[str]:
    r"""Ids of the known issues that may have to do with a part of a sector.

    Parameters
    ----------
    issues
        All known issues.
    sector
        TESS sector.
    camera, ccd
        1 to 4; 0 if they are not known, or if all are meant.
    tic
        A star; None if all are meant.
    time_start, time_stop
        Window [BTJD]; None or NaN if it is open, or not known.

    Returns
    -------
    issue_ids
        In the order of `issues`. What is not known speaks for an issue, not against it: a file
        whose bytes cannot be read has a sector and a star by its name, but no camera.

    Examples
    --------
    >>> window = read_issues("x.csv", "issue_id,sector,camera,kind,source\na,7,2,dust,me")
    >>> explain(window, 7), explain(window, 7, camera=1), explain(window, 8)
    (['a'], [], [])
    """
    start, stop = _bound(time_start, -math.inf), _bound(time_stop, math.inf)
    return [
        issue.issue_id
        for issue in issues
        if issue.sector == sector
        and _agree(issue.camera, camera)
        and _agree(issue.ccd, ccd)
        and _agree(issue.tic or 0, tic or 0)
        and _bound(issue.time_start, -math.inf) <= stop
        and start <= _bound(issue.time_stop, math.inf)
    ]


def _agree(known: int, asked: int) -> bool:
    """Whether two numbers are equal, or one of them stands for all."""
    return 0 in {known, asked} or known == asked


def _bound(time: float | None, otherwise: float) -> float:
    return otherwise if time is None or math.isnan(time) else time


def _place(issue: KnownIssue) -> tuple[int, float, str]:
    return issue.sector, _bound(issue.time_start, -math.inf), issue.issue_id


def _rows(name: str, text: str) -> Iterator[tuple[int, Cells]]:
    """Line number and cells of each row; the header is checked."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header: list[str] = []
    try:
        for cells in lines:
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not header:
                header = _checked_header(name, [cell.strip() for cell in cells])
                continue
            if len(cells) != len(header):
                found = f"{len(cells)} cells"
                raise _wrong(f"{name}, line {lines.line_num}", found, f"{len(header)}")
            yield lines.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        raise _wrong(f"{name}, line {lines.line_num}", str(error), "a line of CSV") from error
    if not header:
        raise _wrong(name, "no line", f"a header with {', '.join(COLUMNS)}")


def _checked_header(name: str, header: list[str]) -> list[str]:
    missing = [column for column in NEEDED if column not in header]
    odd = [column[:40] for column in header if column not in COLUMNS]
    if missing or odd or len(set(header)) < len(header):
        found = f"columns {', '.join(header)}"[:200]
        raise _wrong(name, found, f"{', '.join(NEEDED)}; if known, also {', '.join(COLUMNS)}")
    return header


def _issue(what: str, cells: Cells, *, shipped: bool) -> KnownIssue:
    empty = [column for column in NEEDED if not cells[column]]
    if empty:
        raise _wrong(what, f"no {empty[0]}", "a value")
    for column, text in cells.items():
        if len(text) > MAX_TEXT or not text.isprintable():
            raise _wrong(what, f"{column} {text[:40]!r}", f"a line of {MAX_TEXT} characters")
    issue = KnownIssue(
        issue_id=cells["issue_id"],
        sector=_whole(what, cells, "sector", 1, 9999) or 0,
        camera=_whole(what, cells, "camera", 0, 4) or 0,
        ccd=_whole(what, cells, "ccd", 0, 4) or 0,
        tic=_whole(what, cells, "tic", 1, 10**16),
        time_start=_time(what, cells, "time_start"),
        time_stop=_time(what, cells, "time_stop"),
        kind=cells["kind"],
        note=cells.get("note", ""),
        source=cells["source"],
        shipped=shipped,
    )
    if _bound(issue.time_start, -math.inf) > _bound(issue.time_stop, math.inf):
        raise _wrong(what, "time_start behind time_stop", "a window")
    return issue


def _whole(what: str, cells: Cells, column: str, low: int, high: int) -> int | None:
    """Whole number of a cell; None if it is blank."""
    text = cells.get(column, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high))):
        raise _wrong(what, f"{column} {text[:40]!r}", f"a whole number, {low} to {high}")
    number = int(text)
    if not low <= number <= high:
        raise _wrong(what, f"{column} {number}", f"{low} to {high}")
    return number


def _time(what: str, cells: Cells, column: str) -> float | None:
    """BTJD of a cell; None if it is blank."""
    text = cells.get(column, "")
    if not text:
        return None
    try:
        time = float(text)
    except ValueError:
        time = math.nan
    if not 0 < time < 1e5:  # noqa: PLR2004  # BTJD of 2014 and of 2288
        raise _wrong(what, f"{column} {text[:40]!r}", "BTJD [d], such as 1418.54")
    return time


def _wrong(what: str, found: str, expected: str) -> WrongConfiguration:
    return WrongConfiguration(what, found=found, expected=expected)
