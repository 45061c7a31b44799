"""The form of CALNet's published lists: astropy's ``ascii.fixed_width_two_line``.

Header and dashes are the first two lines, as published; the facts about the whole catalog
follow the rows as comments, which astropy's reader knows and skips.
"""

from typing import BinaryIO

import pyarrow as pa

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog.formats.words import from_words, to_words
from calnet_ops.science.catalog.schema import COLUMNS, FACTS, facts_of


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog; the same catalog gives the same bytes."""
    names = [column.name for column in COLUMNS]
    rows = to_words(table)
    widths = [max(map(len, cells)) for cells in zip(names, *rows, strict=True)]
    dashes = ["-" * width for width in widths]
    lines = [_line(cells, widths) for cells in (names, dashes, *rows)]
    lines += [f"# {name} = {value}" for name, value in facts_of(table).items()]
    file.write(("\n".join(lines) + "\n").encode())


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog by the positions that its dashes give."""
    lines = file.read().decode().splitlines()
    facts = dict(line[2:].split(" = ", 1) for line in lines if line.startswith("# "))
    rows = [line for line in lines if not line.startswith("#")]
    dashes = rows[1] if rows[1:] else ""
    if set(dashes) != {"-", " "}:
        raise WrongLayout("catalog", found="no line of dashes", expected="it below the header")
    spans = _spans(dashes)
    names, *cells = [[row[start:stop].strip() for start, stop in spans] for row in rows]
    return from_words(names, cells[1:], {fact.name: facts.get(fact.name, "") for fact in FACTS})


def _line(cells: list[str] | tuple[str, ...], widths: list[int]) -> str:
    return " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _spans(dashes: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for word in dashes.split(" "):
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return spans
