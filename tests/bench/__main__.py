"""Measure, print a table, write `var/bench/bench.json` (name: value, unit, baseline, ratio).

``python -m tests.bench store ingest`` measures these areas alone, and keeps the other figures.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from calnet_ops.cli.output import console, show_rows
from tests.bench import (
    candidates,
    features,
    ingest,
    memory,
    plan,
    scoring,
    sector,
    store,
    training,
    validation,
    work,
)
from tests.bench.measure import Figure

OUT = Path("var/bench/bench.json")
AREAS = {
    "features": features.measure,
    "candidates": candidates.measure,
    "store": store.measure,
    "ingest": ingest.measure,
    "validation": validation.measure,
    "memory": memory.measure,
    "plan": plan.measure,
    "scoring": scoring.measure,
    "sector": sector.measure,
    "training": training.measure,
}
"""Validation is held against ingest, so it comes later."""


def main(areas: list[str]) -> None:
    """Measure some areas, or all."""
    work.be_quiet()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(OUT.read_text()) if areas and OUT.exists() else {}
    for area in areas or AREAS:
        figures = _measure(area, known)
        show_rows(
            [{"name": figure.name, **figure.row()} for figure in figures],
            as_json=False,
            title=f"{area} (ratio: how many times better than the baseline)",
        )
        known |= {figure.name: figure.row() for figure in figures}
        OUT.write_text(json.dumps(known, indent=1))


def _measure(area: str, known: dict[str, dict[str, Any]]) -> list[Figure]:
    # beside the result, not in /tmp: that may be memory
    with (
        tempfile.TemporaryDirectory(dir=OUT.parent) as folder,
        console.status(f"measuring {area} …"),
    ):
        return AREAS[area](Path(folder).resolve(), known)


if __name__ == "__main__":
    main(sys.argv[1:])
