"""What a folder of light curves holds: sectors, files, and what their headers say."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from calnet_ops import keys
from calnet_ops.errors import ForeignProduct

HEADER_BYTES = 7 * 2880
"""Primary (2 blocks) and LIGHTCURVE (5 blocks) headers of a SPOC file: 7 blocks in 49 real files of
sectors 1 to 88."""

CARD = 80
"""Bytes of a FITS header card."""

WANTED = frozenset(
    {"TESSMAG", "RA_OBJ", "DEC_OBJ", "CAMERA", "CCD", "CDPP0_5", "CDPP1_0", "CDPP2_0"}
)
"""Cards that end up in the archive's tables; the first of each name counts."""

LISTABLE = re.compile(r"^[\w.+-]+\.fits$", re.ASCII)
"""Names that can stand unquoted in a download script; others are not served."""


@dataclass(frozen=True, slots=True)
class Star:
    """A target of a sector, in the words of its header."""

    tic: int
    """From the file name, which stays right when the header is damaged."""
    cards: dict[str, str]
    """The `WANTED` cards, values as they stand; a missing one is absent or empty."""


class ArchiveFolder:
    """A folder with ``sDDD/*.fits`` and, if the simulator wrote them, tables in ``mast/``.

    It is looked at afresh each time, so sectors and files that appear are seen at once.

    Parameters
    ----------
    folder
        The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sectors(self) -> list[int]:
        """Sectors with at least one file, ascending."""
        names = (path.name for path in self.folder.glob("s*") if path.is_dir())
        numbers = (keys.parse_sector(name) for name in names if re.fullmatch(r"s\d{3,4}", name))
        return sorted(sector for sector in numbers if self.files(sector))

    def files(self, sector: int) -> list[Path]:
        """Every FITS file of a sector, good, bad or foreign, by name."""
        found = (self.folder / keys.sector_key(sector)).glob("*.fits")
        return sorted(path for path in found if LISTABLE.match(path.name) and path.is_file())

    def find(self, file_name: str) -> Path | None:
        """Where a file lies: in the sector its name tells, or in any other."""
        if not LISTABLE.match(file_name):
            return None
        try:
            expected = keys.sector_key(keys.SpocName.parse(file_name).sector)
        except ForeignProduct:
            expected = "s*"
        for place in (f"{expected}/{file_name}", f"s*/{file_name}"):
            found = sorted(self.folder.glob(place))
            if found:
                return found[0]
        return None

    def stars(self, sector: int) -> list[Star]:
        """Two-minute targets of a sector by the names of its files, each once, by TIC number."""
        stars: dict[int, Star] = {}
        for path in self.files(sector):
            try:
                name = keys.SpocName.parse(path.name)
            except ForeignProduct:
                continue
            if name.sector == sector and name.tic not in stars:
                stars[name.tic] = Star(name.tic, _cards(path, path.stat().st_mtime_ns))
        return [stars[tic] for tic in sorted(stars)]

    def written_table(self, pattern: str) -> Path | None:
        """Table that the simulator wrote to ``mast/``, if it did."""
        return next(iter(sorted((self.folder / "mast").glob(pattern))), None)

    def changed_at(self, sector: int) -> float:
        """When a sector last changed, seconds since 1970."""
        folder = self.folder / keys.sector_key(sector)
        return max(path.stat().st_mtime for path in [folder, *self.files(sector)])


@lru_cache(maxsize=50_000)
def _cards(path: Path, mtime_ns: int) -> dict[str, str]:
    """Wanted cards of a file; `mtime_ns` only tells the cache that the file changed."""
    del mtime_ns
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    cards: dict[str, str] = {}
    for start in range(0, len(header), CARD):
        name, is_value, rest = header[start : start + CARD].partition(b"= ")
        keyword = name.strip().decode("ascii", "replace")
        if is_value and keyword in WANTED:
            cards.setdefault(keyword, rest.partition(b"/")[0].strip().decode("ascii", "replace"))
    return cards
