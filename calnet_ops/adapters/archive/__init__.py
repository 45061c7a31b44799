"""The archive: MAST, or anything that answers like it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One line of a download script."""

    file_name: str
    url: str
    """As the script gives it, on MAST's own host."""


@dataclass(frozen=True, slots=True)
class Script:
    """The light-curve script of a sector."""

    sector: int
    files: tuple[ListedFile, ...]
    """In the script's order."""
    sha256: str
    """Of the script's bytes."""
    last_modified: str
    """As the server said it; empty if it did not."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a product, all that the server announced."""

    body: bytes
    n_try: int
    """1 if the first try succeeded."""


class Archive(Protocol):
    """What ingest needs from an archive."""

    def list_sectors(self) -> list[int]:
        """Sectors that have a light-curve script, ascending.

        Raises
        ------
        ArchiveUnavailable
            If the page has no such link at all: an empty page is a broken page.
        """
        ...

    def is_unchanged(self, sector: int, since: str) -> bool:
        """Whether a sector's script is still the one with that Last-Modified."""
        ...

    def fetch_script(self, sector: int) -> Script:
        """List of a sector's light curves.

        Raises
        ------
        ArchiveUnavailable
            If what came is not a download script.
        """
        ...

    def count_expected(self, sector: int) -> int | None:
        """Two-minute targets in the sector's CDPP table; None if there is no table yet."""
        ...

    def fetch_product(self, url: str) -> Fetched:
        """Bytes of a file that a script lists.

        Raises
        ------
        MissingAtSource
            If the archive does not have it.
        ArchiveUnavailable, IncompleteDownload
            If the archive failed every try.
        """
        ...


def open_archive(pages: str, products: str, target_lists: str, contact: str = "") -> Archive:
    """Connect to MAST or to a mirror of it.

    Parameters
    ----------
    pages, products, target_lists
        Base URLs of `paths.json`; a mirror serves all three from one.
    contact
        Address of the people who run this installation, told to the archive.
    """
    from calnet_ops.adapters.archive.mast import MastArchive, open_client

    return MastArchive(open_client([pages, products, target_lists], contact), pages, products)


__all__ = ["Archive", "Fetched", "ListedFile", "Script", "open_archive"]
