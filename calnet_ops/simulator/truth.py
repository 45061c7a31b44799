"""The truth about simulated stars: a table apart, which the platform never reads."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One file."""

    file_name: str
    tic: int
    sector: int
    kind: str
    """A `Kind`."""
    is_eb: bool
    """The target itself is an eclipsing binary; false for BLEND, whose eclipses are a
    neighbour's."""
    period: float
    """[d]; NaN if the star has none."""
    epoch_btjd: float
    """Middle of the first deeper eclipse or transit after the sector's start; NaN without."""
    depth_1: float
    depth_2: float
    duration_1_h: float
    """First to last contact [h]."""
    ra: float
    dec: float
    tmag: float
    damage: str
    """What was done to the file, a key of `damage.DAMAGES`; empty for a good one."""


COLUMNS = tuple(field.name for field in fields(TruthRow))
"""Header of the file."""


def load_truth(path: Path) -> list[TruthRow]:
    """Read a truth table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_parse(row) for row in csv.DictReader(file)]


def save_truth(path: Path, rows: Sequence[TruthRow]) -> None:
    """Write a truth table; rows of other sectors that stand there already are kept."""
    new = {row.sector for row in rows}
    old = [row for row in load_truth(path) if row.sector not in new] if path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, sorted([*old, *rows], key=lambda row: (row.sector, row.tic, row.file_name)))


def write_rows(path: Path, rows: Iterable[TruthRow]) -> None:
    """Write rows as they come."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _text(value) for name, value in asdict(row).items()})


def _text(value: object) -> object:
    """NaN as an empty cell."""
    return "" if isinstance(value, float) and math.isnan(value) else value


def _parse(row: dict[str, str]) -> TruthRow:
    """One line of the file."""

    def number(name: str) -> float:
        return float(row[name]) if row[name] else math.nan

    return TruthRow(
        file_name=row["file_name"],
        tic=int(row["tic"]),
        sector=int(row["sector"]),
        kind=row["kind"],
        is_eb=row["is_eb"] == "True",
        period=number("period"),
        epoch_btjd=number("epoch_btjd"),
        depth_1=number("depth_1"),
        depth_2=number("depth_2"),
        duration_1_h=number("duration_1_h"),
        ra=number("ra"),
        dec=number("dec"),
        tmag=number("tmag"),
        damage=row["damage"],
    )
