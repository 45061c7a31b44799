"""The one client of MAST; a mirror differs by its base URLs only."""

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from calnet_ops import keys
from calnet_ops.adapters.archive import Fetched, Script, Validators
from calnet_ops.adapters.archive.client import ArchiveClient
from calnet_ops.adapters.archive.pages import REQUESTS_PER_S, Pages
from calnet_ops.adapters.archive.products import Products
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.archive.script import parse_script
from calnet_ops.adapters.archive.shelf import PageShelf
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import ArchiveUnavailable, CalnetError
from calnet_ops.lineage import sha256_hex

PAGE = "/tess/bulk_downloads/bulk_downloads_ffi-tp-lc-dv.html"
TCE_PAGE = "/tess/bulk_downloads/bulk_downloads_tce.html"
SCRIPT = "/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh"
TARGETS = "/public/target_lists/2m/all_targets_S{sector:03d}_v1.csv"

SCRIPT_LINK = re.compile(r"""href=["'][^"']*/tesscurl_sector_([1-9][0-9]{0,3})_lc\.sh["']""")
CDPP_LINK = r"""href=["']([\w:/.-]*-s{sector:04d}-s{sector:04d}-[0-9]+_rms-cdpp\.csv)["']"""
ANY_CDPP = "_rms-cdpp.csv"
"""In each link to a table: MAST's page has had one for almost every sector since 2018."""

FIRST_COLUMN = re.compile(r"^[ \t]*([0-9]{1,16})[ \t]*,", re.MULTILINE)

PUBLIC_BUCKET = "stpubdata"
"""Bucket of the public copy on AWS, to which MAST redirects downloads."""


class MastArchive:
    """MAST's pages, scripts, tables and products.

    Parameters
    ----------
    client
        From `open_client`.
    pages, products, target_lists
        Base URLs: of pages, scripts and tables, of light curves, and of lists of planned targets
        (by default that of the pages).
    patience
        The retry policy.
    pace
        Limits the requests a second for pages, scripts and tables.
    throttle
        Limits the bytes a second of products.
    folder
        Where pages are kept, to ask for them conditionally; None keeps none.
    """

    def __init__(
        self,
        client: ArchiveClient,
        pages: str,
        products: str,
        patience: Patience | None = None,
        *,
        target_lists: str = "",
        pace: Throttle | None = None,
        throttle: Throttle | None = None,
        folder: Path | None = None,
    ) -> None:
        self._client = client
        self._base = pages.rstrip("/")
        self._product_base = products.rstrip("/")
        self._target_lists = (target_lists or pages).rstrip("/")
        patience = patience or Patience()
        self._products = Products(client, patience, throttle or Throttle())
        pace = pace or Throttle(REQUESTS_PER_S)
        self._pages = Pages(client, PageShelf(folder), pace, patience)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def list_sectors(self) -> list[int]:
        """Sectors that have a light-curve script, ascending."""
        page = self._pages.fetch(self._base + PAGE).text
        sectors = sorted({int(number) for number in SCRIPT_LINK.findall(page)})
        if not sectors:
            self._pages.forget(self._base + PAGE)
            raise ArchiveUnavailable(
                self._base + PAGE,
                found="a page without a link to any light-curve script",
                expected="one per sector",
            )
        return sectors

    def is_unchanged(self, sector: int, since: str) -> bool:
        """Whether a sector's script is certainly still the one with that Last-Modified."""
        return self._pages.is_dated(self._base + SCRIPT.format(sector=sector), since)

    def fetch_script(self, sector: int, *, anew: bool = False) -> Script:
        """List of a sector's light curves."""
        path = SCRIPT.format(sector=sector)
        if anew:
            self._pages.forget(self._base + path)
        page = self._pages.fetch(self._base + path)
        try:
            files = parse_script(path.rpartition("/")[2], page.body)
        except ArchiveUnavailable:
            self._pages.forget(self._base + path)
            raise
        said = page.validators
        return Script(sector, files, sha256_hex(page.body), said.last_modified, said.etag)

    def count_expected(self, sector: int) -> int | None:
        """Two-minute targets in the sector's CDPP table; None if there is no table yet."""
        page = self._pages.fetch(self._base + TCE_PAGE).text
        link = re.search(CDPP_LINK.format(sector=sector), page, re.ASCII)
        if link is None:
            self._pages.forget(self._base + TCE_PAGE)
            if ANY_CDPP not in page:
                raise _without_tables(self._base + TCE_PAGE)
            return None
        # the link's path on our own base: a mirror may keep MAST's absolute links
        path = urlsplit(urljoin(TCE_PAGE, link[1])).path
        return count_targets(self._pages.fetch(self._base + path).text)

    def count_planned(self, sector: int) -> int | None:
        """Two-minute targets in the sector's target list; None if it is not to be had."""
        url = self._target_lists + TARGETS.format(sector=sector)
        try:
            return count_targets(self._pages.fetch(url, Patience(n_try=1)).text) or None
        except CalnetError:
            return None

    def fetch_product(self, url: str, held_etag: str = "") -> Fetched | None:
        """Bytes of a file that a script lists, from our base; None if they are those held."""
        return self._products.fetch(self._product_url(url), held_etag)

    def probe_product(self, url: str, *, on_trial: bool = False) -> Validators:
        """What the archive says of a file that a script lists, without its bytes."""
        return self._products.probe(self._product_url(url), on_trial=on_trial)

    def _product_url(self, url: str) -> str:
        if is_public_bucket(self._product_base):
            return f"{self._product_base}/{keys.public_key(url.rpartition('/')[2])}"
        parts = urlsplit(url)
        return f"{self._product_base}{parts.path}?{parts.query}"


def _without_tables(url: str) -> ArchiveUnavailable:
    return ArchiveUnavailable(
        url, found="a page without a link to any CDPP table", expected="one for most sectors"
    )


def is_public_bucket(base: str) -> bool:
    """Whether a base of products is the public bucket, or a mirror's: files go by keys there.

    Examples
    --------
    >>> is_public_bucket("https://stpubdata.s3.us-east-1.amazonaws.com")
    True
    >>> is_public_bucket("http://127.0.0.1:8085/stpubdata")
    True
    >>> is_public_bucket("https://mast.stsci.edu")
    False
    """
    parts = urlsplit(base)
    host = parts.hostname or ""
    return host.startswith(f"{PUBLIC_BUCKET}.s3.") or parts.path.strip("/") == PUBLIC_BUCKET


def count_targets(table: str) -> int:
    r"""Different TIC numbers in the first column of a CSV table.

    Examples
    --------
    >>> count_targets("# comment\nTICID,Camera\n7582594,2\n7582633,2\n")
    2
    """
    return len({int(row[1]) for row in FIRST_COLUMN.finditer(table)})
