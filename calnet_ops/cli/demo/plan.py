"""Which sectors a demonstration plays, and when each appears in the archive."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from calnet_ops.errors import WrongConfiguration

STARS_TO_LEARN = 360
"""Stars in each of the two labelled sectors: what the recipe "demo" was measured with."""

STARS_TO_FIND = 150
"""Stars in the simulated sector that appears once a model is in production."""

LABELLED = (61, 62)
"""Simulated sectors to learn from; their numbers change if the user's folder has them."""

NEW = 68
"""Simulated sector that appears later."""

LAST_SECTOR = 106
"""Newest sector in the table of sectors."""

_FOLDER = re.compile(r"^s\d{3,4}$")


@dataclass(frozen=True)
class Plan:
    """What is played."""

    labelled: tuple[int, ...]
    """Simulated sectors there from the beginning, with labels."""
    new_simulated: int
    """Simulated sector that appears once a model is in production, to be judged from its truth."""
    real_first: dict[int, Path] = field(default_factory=dict)
    """Real sectors there from the beginning; their labelled stars are learned from."""
    real_later: dict[int, Path] = field(default_factory=dict)
    """Real sectors that appear once a model is in production."""
    labels: Path | None = None
    """Folder of label catalogs of real stars."""
    stars_to_learn: int = STARS_TO_LEARN
    stars_to_find: int = STARS_TO_FIND
    seed: int = 1
    compact: bool = False

    @property
    def first(self) -> tuple[int, ...]:
        """Sectors in the archive at the beginning."""
        return tuple(sorted((*self.labelled, *self.real_first)))

    @property
    def later(self) -> tuple[int, ...]:
        """Sectors that appear once a model is in production."""
        return tuple(sorted((self.new_simulated, *self.real_later)))


def make_plan(
    archive: Path | None,
    labels: Path | None,
    *,
    stars_to_learn: int = STARS_TO_LEARN,
    stars_to_find: int = STARS_TO_FIND,
    seed: int = 1,
    compact: bool = False,
) -> Plan:
    """Decide what to play.

    Parameters
    ----------
    archive
        Folder of real light curves in ``sDDD/``; None for a simulated sky alone.
    labels
        Folder of label catalogs; by default ``labels`` beside the archive, if there is one.
    stars_to_learn, stars_to_find
        Simulated stars in each labelled sector, and in the new one.
    seed
        Of the simulated sky.
    compact
        Fewer cadences a star, for quick tests.

    Raises
    ------
    WrongConfiguration
        If the archive has no folder ``sDDD`` with a FITS file in it.
    """
    real = real_sectors(archive) if archive else {}
    free = [n for n in (*LABELLED, NEW, *range(LAST_SECTOR, 0, -1)) if n not in real]
    labels = labels or _labels_beside(archive)
    # the larger half of the real sectors is learned from, if there are labels to learn from
    n_first = (len(real) + 1) // 2 if labels else 0
    first = dict(list(real.items())[:n_first])
    return Plan(
        labelled=(free[0], free[1]),
        new_simulated=free[2],
        real_first=first,
        real_later={sector: path for sector, path in real.items() if sector not in first},
        labels=labels,
        stars_to_learn=stars_to_learn,
        stars_to_find=stars_to_find,
        seed=seed,
        compact=compact,
    )


def real_sectors(archive: Path) -> dict[int, Path]:
    """Sector folders of an archive folder, those with most files first.

    Raises
    ------
    WrongConfiguration
        If there is none.
    """
    folders = [p for p in archive.glob("s*") if _FOLDER.match(p.name) and any(p.glob("*.fits"))]
    if not folders:
        raise WrongConfiguration(
            str(archive),
            found="no folder sDDD with FITS files",
            expected="SPOC two-minute light curves such as s087/tess…-s_lc.fits",
            cure="Give the folder above the sector folders.",
        )
    folders.sort(key=lambda path: (-len(list(path.glob("*.fits"))), path.name))
    return {int(path.name[1:]): path.resolve() for path in folders}


def _labels_beside(archive: Path | None) -> Path | None:
    beside = archive.resolve().parent / "labels" if archive else None
    return beside if beside and beside.is_dir() else None
