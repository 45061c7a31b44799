"""The archive: MAST, or anything that answers like it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from calnet_ops.adapters.archive.throttle import Throttle


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One line of a download script."""

    file_name: str
    url: str
    """As the script gives it, on MAST's own host."""


@dataclass(frozen=True, slots=True)
class Validators:
    """How a server tells one version of a file from another; what it did not say is empty."""

    etag: str = ""
    """With its quotes, as the server gave it."""
    last_modified: str = ""
    """HTTP date."""
    n_bytes: int | None = None
    """Length of the file."""


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
    etag: str = ""
    """As the server said it; empty if it did not."""


ARCHIVE = "archive"
"""Name of the first source."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a product, all that the server announced."""

    body: bytes
    n_try: int
    """1 if the first try succeeded."""
    validators: Validators = Validators()
    """Of these bytes, as the server said them."""
    source: str = ARCHIVE
    """Where they came from: ``archive``, or the name of the second source."""


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
        """Whether a sector's script is certainly still the one with that Last-Modified."""
        ...

    def fetch_script(self, sector: int, *, anew: bool = False) -> Script:
        """List of a sector's light curves.

        Parameters
        ----------
        sector
            TESS sector.
        anew
            Read all of it, whatever is remembered of an earlier answer.

        Raises
        ------
        ArchiveUnavailable
            If what came is not a download script.
        """
        ...

    def count_expected(self, sector: int) -> int | None:
        """Two-minute targets in the sector's CDPP table; None if there is no table yet."""
        ...

    def count_planned(self, sector: int) -> int | None:
        """Two-minute targets in the sector's target list; None if it is not to be had."""
        ...

    def fetch_product(self, url: str, held_etag: str = "") -> Fetched | None:
        """Bytes of a file that a script lists; None if they are still those of `held_etag`.

        Raises
        ------
        MissingAtSource
            If the archive does not have it.
        ArchiveUnavailable, IncompleteDownload
            If the archive failed every try.
        """
        ...

    def probe_product(self, url: str, *, on_trial: bool = False) -> Validators:
        """What the archive says of a file that a script lists, without its bytes.

        Parameters
        ----------
        url
            As the script gives it.
        on_trial
            Ask to find out whether the archive is down, however often it has failed.

        Raises
        ------
        MissingAtSource
            If the archive does not have it.
        ArchiveUnavailable
            If the archive failed every try.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class SecondSource(Protocol):
    """Another place that has the same light curves, asked before a file is called bad."""

    name: str
    """Written where a file's source is told."""

    def fetch(self, file_name: str) -> Fetched:
        """Bytes of a light curve.

        Raises
        ------
        MissingAtSource
            If it has no such file.
        ArchiveUnavailable
            If it failed every try.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def open_archive(
    pages: str,
    products: str,
    target_lists: str,
    contact: str = "",
    *,
    redirects: Sequence[str] = (),
    requests_per_s: float | None = None,
    throttle: Throttle | None = None,
    folder: Path | None = None,
) -> Archive:
    """Connect to MAST or to a mirror of it.

    Parameters
    ----------
    pages, products, target_lists
        Base URLs of `paths.json`; a mirror serves all three from one.
    contact
        Address of the people who run this installation, told to the archive.
    redirects
        Hosts that may be redirected to besides those of the three bases.
    requests_per_s
        Most requests a second for pages, scripts and tables, in this process; None for the
        default, 2.
    throttle
        Paces the bytes of products.
    folder
        Where pages are kept, to ask for them conditionally; None keeps none.
    """
    from calnet_ops.adapters.archive.client import open_client
    from calnet_ops.adapters.archive.mast import MastArchive
    from calnet_ops.adapters.archive.pages import REQUESTS_PER_S

    client = open_client([pages, products, target_lists], contact, redirects=redirects)
    return MastArchive(
        client,
        pages,
        products,
        target_lists=target_lists,
        pace=Throttle(requests_per_s or REQUESTS_PER_S),
        throttle=throttle,
        folder=folder,
    )


def open_second_source(
    endpoint: str | None, bucket: str, contact: str = "", *, throttle: Throttle | None = None
) -> SecondSource:
    """Connect to the public bucket, without credentials.

    Parameters
    ----------
    endpoint
        URL of an S3 server; None for AWS.
    bucket
        Its name; also the name of the source.
    contact
        Address of the people who run this installation.
    throttle
        Paces the bytes, together with those of the archive.
    """
    from calnet_ops.adapters.archive.bucket import PublicBucket

    return PublicBucket(endpoint, bucket, contact, throttle=throttle)


__all__ = [
    "ARCHIVE",
    "Archive",
    "Fetched",
    "ListedFile",
    "Script",
    "SecondSource",
    "Throttle",
    "Validators",
    "open_archive",
    "open_second_source",
]
