"""Plain CSV: a header line and rows, for spreadsheets and for every language.

A comment would break most readers, so there is no place for the facts about the whole catalog
but the column ``release``. `describe` says them, and the columns' units and meanings, in the
form of the W3C's "CSV on the Web", for the file ``catalog.csv-metadata.json`` beside it.
"""

import csv
import io
import json
from typing import BinaryIO

import pyarrow as pa

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog.formats.words import from_words, to_words
from calnet_ops.science.catalog.schema import COLUMNS, FACTS, facts_of

W3C_TYPE = {
    "int64": "long",
    "int32": "int",
    "float64": "double",
    "text": "string",
    "bool": "boolean",
}


def write(table: pa.Table, file: BinaryIO) -> None:
    """Write a catalog; the same catalog gives the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in COLUMNS)
    writer.writerows(to_words(table))
    file.write(text.getvalue().encode())


def read(file: BinaryIO) -> pa.Table:
    """Read a catalog; its facts are empty but for what the rows say."""
    rows = list(csv.reader(io.StringIO(file.read().decode(), newline="")))
    if not rows:
        raise WrongLayout("catalog", found="an empty file", expected="a header line")
    facts = {fact.name: "" for fact in FACTS}
    return from_words(rows[0], rows[1:], facts)


def describe(table: pa.Table, file_name: str) -> bytes:
    """CSV on the Web metadata: facts about the catalog, unit and meaning of each column."""
    columns = [
        {
            "name": column.name,
            "titles": column.name,
            "datatype": W3C_TYPE[column.datatype],
            "required": not column.null,
            "dc:description": column.description,
            "schema:unitText": column.unit,
            "ucd": column.ucd,
        }
        for column in COLUMNS
    ]
    document = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": file_name,
        "dc:title": facts_of(table)["title"],
        "facts": facts_of(table),
        "tableSchema": {"columns": columns, "primaryKey": "tic"},
    }
    return json.dumps(document, indent=1).encode() + b"\n"
