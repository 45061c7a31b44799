"""Write the pages of `docs/` that follow from the code; `--check` only compares them.

python -m docs.generate [--check]
"""

import ast
import sys
from pathlib import Path

from calnet_ops.science.catalog import document as catalog
from calnet_ops.science.checks import expectations
from calnet_ops.science.evaluation import gate_page
from calnet_ops.web import metrics

PROJECT = Path(__file__).parents[1]


def dags() -> str:
    """The DAGs by their own words: a table, then each one's page."""
    pages = [ast.get_docstring(ast.parse(file.read_text())) or "" for file in _dag_files()]
    return "\n\n".join(["# The DAGs", *(page.replace("# ", "## ", 1).strip() for page in pages)])


def _dag_files() -> list[Path]:
    order = ("detect", "ingest", "score", "retrain", "watch", "publish", "audit")
    files = list((PROJECT / "dags").glob("*.py"))
    return sorted(files, key=lambda file: order.index(file.stem.split("_")[0]))


def thresholds() -> str:
    """What files, sectors, features and catalogs must be like, and what a model must."""
    return f"{expectations.document()}\n{gate_page.document()}"


PAGES = {
    "dags.md": dags,
    "catalog.md": catalog.document,
    "metrics.md": metrics.document,
    "thresholds.md": thresholds,
}


def main() -> int:
    """Write the pages, or say which ones are stale."""
    stale = []
    for name, document in PAGES.items():
        file = PROJECT / "docs" / name
        text = document().rstrip() + "\n"
        if not file.exists() or file.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                file.write_text(text)
    if stale:
        verb = "stale, run `make docs`:" if "--check" in sys.argv else "written:"
        sys.stdout.write(f"docs/ pages {verb} {', '.join(stale)}\n")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
