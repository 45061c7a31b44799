"""When each sector was observed."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

UNKNOWN_MARGIN_D = 0.1
"""Files of a sector that is in no table yet may begin and end so far [d] from the median of them
all. In real sectors they do so within 0.005 d (light travel time); a momentum dump or a gap at the
edge costs all files the same cadences."""


@dataclass(frozen=True, slots=True)
class Window:
    """Time between which all cadences of a sector lie."""

    start: float
    """BTJD [d]."""
    stop: float
    """BTJD [d]."""
    source: str
    """``light curves``, ``orbit file`` or ``plan``; what each means is told in the table."""


def sector_window(sector: int) -> Window | None:
    """Window of a sector, None if it is not in the table.

    Examples
    --------
    >>> sector_window(1)
    Window(start=1325.2, stop=1353.28, source='light curves')
    """
    return _windows().get(sector)


@cache
def _windows() -> dict[int, Window]:
    text = files("calnet_ops.science.checks").joinpath("windows.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        int(row["sector"]): Window(float(row["start"]), float(row["stop"]), row["source"])
        for row in csv.DictReader(lines)
    }
