"""What changed between two catalogs, star by star."""

from dataclasses import dataclass

import pyarrow as pa

from calnet_ops.science.catalog.schema import COLUMNS

OF_THE_RELEASE = frozenset({"release", "model_version"})
"""Columns that change with every release or model and say nothing about the star."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Stars of a newer catalog compared with those of an older one."""

    added: tuple[int, ...]
    """TIC numbers that are only in the newer one."""
    removed: tuple[int, ...]
    """TIC numbers that are only in the older one."""
    changed: dict[int, tuple[str, ...]]
    """TIC numbers in both, with the columns that differ."""
    unchanged: tuple[int, ...]
    """TIC numbers in both with the same values."""

    def sentence(self) -> str:
        """Put the counts in words."""
        return (
            f"{len(self.added)} stars added, {len(self.removed)} removed, "
            f"{len(self.changed)} changed, {len(self.unchanged)} unchanged"
        )


def compare(older: pa.Table, newer: pa.Table) -> Difference:
    """Compare two catalogs by TIC number; a missing value equals a missing value."""
    names = [column.name for column in COLUMNS if column.name not in OF_THE_RELEASE]
    before, after = (
        {row["tic"]: row for row in table.select(names).to_pylist()} for table in (older, newer)
    )
    both = sorted(before.keys() & after.keys())
    differing = {
        tic: tuple(name for name in names if before[tic][name] != after[tic][name]) for tic in both
    }
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed={tic: columns for tic, columns in differing.items() if columns},
        unchanged=tuple(tic for tic, columns in differing.items() if not columns),
    )
