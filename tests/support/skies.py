"""Small simulated sectors, written once a session."""

from dataclasses import dataclass
from pathlib import Path

from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.truth import TruthRow

EVERY_KIND = dict.fromkeys((kind.value for kind in Kind), 1.0)
"""As many stars of each kind as possible."""


@dataclass(frozen=True)
class SimulatedSector:
    """A sector in a folder as the archive has it, and what is true of it."""

    sector: int
    folder: Path
    """Holds ``s087/`` and ``mast/``."""
    truth_file: Path
    truth: tuple[TruthRow, ...]
    """One row a file, by name."""

    @property
    def files(self) -> list[Path]:
        """Every file of the sector, by name."""
        return [self.folder / f"s{self.sector:03d}" / row.file_name for row in self.truth]

    def file_of(self, what: str) -> Path:
        """The first file of a kind, or with a damage."""
        rows = [
            row for row in self.truth if what in {row.damage, row.kind if not row.damage else ""}
        ]
        return self.folder / f"s{self.sector:03d}" / rows[0].file_name


def make_sector(
    folder: Path, *, damaged: bool, sector: int = 87, n_star: int = 12
) -> SimulatedSector:
    """A compact sector with every kind of star."""
    truth = folder / "truth.csv"
    report = simulate_sector(
        folder / "archive",
        sector,
        n_star=n_star,
        seed=20,
        truth=truth,
        mix=EVERY_KIND,
        compact=True,
        damaged=damaged,
        workers=1,
    )
    return SimulatedSector(sector, folder / "archive", truth, report.truth)
