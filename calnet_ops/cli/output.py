"""What people and programs read: tables on a terminal, JSON when asked for, progress."""

import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from calnet_ops.errors import CalnetError

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
"""The option of every command that answers and ends."""

Item = TypeVar("Item")

LISTED = 8
"""Longer lists are counted in a table; --json has them all."""

WIDTH = 120
"""Columns of text that is not for a terminal: logs are read in wider windows than 80."""

console = Console(width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH)


def show(record: Mapping[str, Any], *, as_json: bool, title: str = "") -> None:
    """Print one record."""
    if as_json:
        print_json(record)
        return
    table = Table(title=title or None, show_header=False, box=None, pad_edge=False)
    for name, value in record.items():
        table.add_row(f"[bold]{name}[/bold]", escape(_text(value)))
    console.print(table)


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, title: str = "") -> None:
    """Print many records of the same form."""
    if as_json:
        print_json(list(rows))
        return
    table = Table(title=title or None, header_style="bold")
    for name in rows[0] if rows else ["nothing yet"]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row.values()))
    console.print(table)


def print_json(value: Any) -> None:
    """Print JSON and nothing else; a number that is none, which JSON does not have, is null."""
    print(json.dumps(_strict(value), default=str, allow_nan=False))


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _strict(item) for name, item in value.items()}
    return [_strict(item) for item in value] if isinstance(value, list | tuple) else value


def report_failure(error: CalnetError, *, as_json: bool) -> None:
    """Say what, found, expected and the cure, on standard error or as JSON."""
    if as_json:
        parts = ("reason", "what", "found", "expected", "cure")
        print_json({"ok": False, "error": {part: getattr(error, part) for part in parts}})
    else:
        text = f"[bold red]calnet-ops:[/bold red] {escape(str(error))}"
        errors.print(text, highlight=False, soft_wrap=True)


def log_to_stderr() -> None:
    """Keep the steps' events off standard output; CALNET_LOG=info shows them all."""
    level = getattr(logging, os.environ.get("CALNET_LOG", "warning").upper(), logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def track(items: Iterable[Item], total: int, label: str, unit: str = "files") -> Iterator[Item]:
    """Go through items with rate and time left on standard error."""
    with measuring(total, label, unit) as gauge:
        for item in items:
            yield item
            gauge.note()


class Gauge:
    """How far a piece of work is, shown on standard error."""

    def __init__(self, progress: Progress, task: TaskID, unit: str) -> None:
        self._progress, self._task, self._unit = progress, task, unit
        self._n_done, self._n_bytes = 0, 0

    def note(self, n_bytes: int = 0) -> None:
        """Count an item that is done, and the bytes that it took."""
        self._n_done += 1
        self._n_bytes += n_bytes
        seconds = self._progress.tasks[self._task].elapsed
        rate = f"{self._n_done / seconds:.1f} {self._unit}/s" if seconds else ""
        if seconds and self._n_bytes:
            rate = f"{rate}, {self._n_bytes / seconds / 1e6:.1f} MB/s"
        self._progress.update(self._task, advance=1, rate=rate)

    def reach(self, n_done: int) -> None:
        """Show items as done that cost nothing."""
        self._progress.update(self._task, completed=n_done)


@contextmanager
def measuring(total: int, label: str, unit: str = "files") -> Iterator[Gauge]:
    """Show rate and time left on standard error meanwhile."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        yield Gauge(progress, progress.add_task(label, total=total, rate=""), unit)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items()) or "–"
    if isinstance(value, list | tuple):
        return f"{len(value)} items" if len(value) > LISTED else ", ".join(map(_text, value)) or "–"
    return "–" if value is None else str(value)
