"""Values of the catalog as words, and back, for the plain text formats."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog.schema import COLUMNS, Column, conform

TRUTH = {"true": True, "false": False}

PARSE: dict[str, Callable[[str], Any]] = {
    "int64": int,
    "int32": int,
    "float64": float,
    "text": str,
    "bool": TRUTH.__getitem__,
}


def to_words(table: pa.Table) -> list[list[str]]:
    """Rows of words; a missing value is an empty word, a float its shortest exact form."""
    rows = zip(*(table[column.name].to_pylist() for column in COLUMNS), strict=True)
    return [[_word(value) for value in row] for row in rows]


def from_words(names: list[str], rows: list[list[str]], facts: Mapping[str, str]) -> pa.Table:
    """Catalog of rows of words.

    Raises
    ------
    WrongLayout
        If a name or a word is none of the catalog's.
    """
    columns = {column.name: column for column in COLUMNS}
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise WrongLayout("catalog", found=f"columns {unknown}", expected="docs/catalog.md")
    return conform(
        {
            name: [_value(columns[name], row[number]) for row in rows]
            for number, name in enumerate(names)
        },
        facts,
    )


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _value(column: Column, word: str) -> Any:
    word = word.strip()
    if not word:
        return None
    try:
        return PARSE[column.datatype](word)
    except (ValueError, KeyError) as error:
        raise WrongLayout(
            f"catalog column {column.name}", found=repr(word), expected=column.datatype
        ) from error
