"""Files of a delivery in the store that the archive is asked about again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Archive, Fetched, Validators
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import (
    DuplicateTarget,
    ForeignProduct,
    MissingAtSource,
    RejectedInput,
    TransientError,
)
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.checks.sector import STORED
from calnet_ops.science.lightcurve import spoc
from calnet_ops.steps.ingest_trust import SUSPECT

Row = dict[str, Any]
"""A row of a manifest."""

ALWAYS = 16
"""Files asked about at each look, spread over the sector: real re-deliveries were of whole
sectors."""

IN_TURN = 48
"""Further files, other ones each time, so that a change of a few is found in the end: of a
re-delivery that changes one file in twenty, a look at 64 misses all in 4 of 100 cases. A sector of
up to 64 files is asked about whole."""

MOST_OPEN = 32
"""Missing or suspect files asked about at a look: up to 64 MB of light curves."""

MOST_ASKED = ALWAYS + IN_TURN + MOST_OPEN
"""HEAD requests of one look."""

NEVER_ASKED = frozenset({ForeignProduct.reason, DuplicateTarget.reason})
"""Reasons of files that are not wanted, whatever their bytes."""


COLUMNS = {
    "file_name": "",
    "status": "",
    "reason": "",
    "url": "",
    "sha256": "",
    "n_bytes": None,
    "etag": "",
    "last_modified": "",
    "trust": "",
}
"""What is read of a manifest, and what stands for a column that an older one does not have."""

log = structlog.get_logger()

Verdict = Literal["same", "new", "unsound"]
"""Of the bytes that the archive has now: those held, others that are sound, or not to be had."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows of one look."""

    always: list[Row]
    in_turn: list[Row]
    open: list[Row]
    """Missing at their source, or suspect."""


def load_files(held: Delivery, store: Store) -> list[Row]:
    """Rows of a delivery's manifest that are worth a question, by file name."""
    table = store.load_table(str(held.facts["manifest"]))
    found = table.select([name for name in COLUMNS if name in table.column_names])
    rows = [COLUMNS | _known(row) for row in found.to_pylist()]
    wanted = [row for row in rows if _is_wanted(row, held.sector)]
    return sorted(wanted, key=lambda row: str(row["file_name"]))


def draw_files(files: list[Row], n_look: int) -> Drawn:
    """Choose the files of the look with that number: always the same ones, and others in turn."""
    believed = [row for row in files if not _is_open(row)]
    always = _spread(believed, ALWAYS)
    chosen = {row["file_name"] for row in always}
    others = [row for row in believed if row["file_name"] not in chosen]
    open_ = [row for row in files if _is_open(row)]
    return Drawn(always, _turn(others, IN_TURN, n_look), _turn(open_, MOST_OPEN, n_look))


def mark_of(seen: Validators) -> str:
    """Text that tells one version of a file from another: its ETag, if the archive gives one."""
    return seen.etag or f"{seen.last_modified} {seen.n_bytes or ''}".strip()


def probe(url: str, archive: Archive) -> str:
    """Mark of a file at the archive now; empty if it has no such file."""
    try:
        return mark_of(archive.probe_product(url))
    except MissingAtSource:
        return ""


def looks_new(row: Row, seen: Validators, remembered: str) -> bool:
    """Whether the archive speaks of another version of a file than the one held.

    Parameters
    ----------
    row
        Of its manifest. One made before ETags were kept has only the length to compare.
    seen
        What the archive says.
    remembered
        Mark that an earlier look found to stand for the bytes held; empty if there is none.
    """
    if mark_of(seen) == remembered:
        return False
    if row["etag"] and seen.etag:
        return bool(row["etag"] != seen.etag)
    if remembered:
        return True
    if row["last_modified"] and seen.last_modified != row["last_modified"]:
        return bool(seen.last_modified)
    return None not in {row["n_bytes"], seen.n_bytes} and row["n_bytes"] != seen.n_bytes


def judge(row: Row, platform: Platform) -> Verdict:
    """Fetch a file from the archive and say what its bytes are.

    Raises
    ------
    ArchiveUnavailable, IncompleteDownload
        If the archive failed every try.
    """
    try:
        fetched = platform.archive.fetch_product(row["url"])
    except RejectedInput:
        return "unsound"
    return _verdict(row, fetched)


def is_available(row: Row, platform: Platform) -> bool:
    """Whether a file that was missing or suspect can be had, and believed, now.

    A source that fails has not got it: it was not to be had before either.
    """
    return _tells(row, lambda: _is_at_archive(row, platform)) or (
        row["trust"] == SUSPECT and _tells(row, lambda: _is_at_second_source(row, platform))
    )


def _is_at_archive(row: Row, platform: Platform) -> bool:
    asked = row["reason"] != MissingAtSource.reason or probe(row["url"], platform.archive)
    # bytes of an earlier delivery that the archive had lost are news when it has them again
    news = {"new", "same"} if row["status"] == STORED else {"new"}
    return bool(asked) and judge(row, platform) in news


def _is_at_second_source(row: Row, platform: Platform) -> bool:
    second = platform.second_source
    return second is not None and _verdict(row, second.fetch(row["file_name"])) == "new"


def _tells(row: Row, ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except (RejectedInput, TransientError) as error:
        log.info("open_file_not_there", file_name=row["file_name"], error=str(error))
        return False


def _verdict(row: Row, fetched: Fetched | None) -> Verdict:
    if fetched is None or sha256_hex(fetched.body) == row["sha256"]:
        return "same"
    try:
        spoc.verify(row["file_name"], fetched.body)
    except RejectedInput:
        return "unsound"
    return "new"


def _known(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def _is_wanted(row: Row, sector: int) -> bool:
    try:
        name = keys.SpocName.parse(row["file_name"])
    except ForeignProduct:
        return False
    return bool(name.sector == sector and row["url"] and row["reason"] not in NEVER_ASKED)


def _is_open(row: Row) -> bool:
    return bool(row["reason"] == MissingAtSource.reason or row["trust"] == SUSPECT)


def _spread(rows: list[Row], n_row: int) -> list[Row]:
    """Rows at equal distances."""
    if len(rows) <= n_row:
        return rows
    return [rows[place * len(rows) // n_row] for place in range(n_row)]


def _turn(rows: list[Row], n_row: int, n_look: int) -> list[Row]:
    """Rows of the look with that number, going round."""
    if len(rows) <= n_row:
        return rows
    first = n_look * n_row % len(rows)
    return (rows + rows)[first : first + n_row]
