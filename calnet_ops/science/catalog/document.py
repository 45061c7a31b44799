"""The page that describes the catalog, made from its schema."""

from calnet_ops.science.catalog.formats import FORMATS
from calnet_ops.science.catalog.schema import COLUMNS, FACTS

HEAD = """\
# The catalog

One row a star: every candidate of the model in production that people have not rejected, all
sectors together. `calnet-ops release verify FOLDER` checks a release from end to end.

| file | what |
|---|---|
"""

SEARCHED = """\
| `searched.parquet` | every target that was scored, with its probability in each sector: what was \
looked at and not found counts as well |
| `catalog.csv-metadata.json` | units and meanings for the CSV, as "CSV on the Web" has them |
| `figures/` | sky map, magnitudes, periods, recall of known binaries |
| `release.json` | what it was made from: model, label set, candidate files, counts |
| `SHA256SUMS` | of all other files: `sha256sum -c SHA256SUMS` |
"""


def column_lines() -> list[str]:
    """Markdown table of the columns, line by line."""
    rows = [
        f"| `{c.name}` | {c.unit or '-'} | {c.datatype} | {c.description} | {c.null or 'never'} "
        f"| `{c.ucd}` |"
        for c in COLUMNS
    ]
    return [
        "| name | unit | type | meaning | missing if | UCD |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def document() -> str:
    """Markdown of `docs/catalog.md`: files, columns and facts of a release."""
    files = "".join(
        f"| `{item.file_name}` | the catalog as {item.name.replace('_', ' ')} |\n"
        for item in FORMATS.values()
    )
    columns = "\n".join(column_lines())
    facts = "".join(f"| `{f.name}` | `{f.keyword}` | {f.description} |\n" for f in FACTS)
    return (
        f"{HEAD}{files}{SEARCHED}\n## Columns\n\n{columns}\n\n## Said about the whole catalog\n\n"
        "In the metadata of every format; in plain CSV by the column `release` and the metadata "
        "file beside it.\n\n| name | FITS keyword | meaning |\n|---|---|---|\n"
        f"{facts}"
    )
