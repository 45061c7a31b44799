"""Pages, scripts, tables and paths in the forms that MAST and MIT give them.

References
----------
Measured on MAST's pages and on its scripts of sectors 1, 14, 56 and 91, on target lists of
tess.mit.edu/public/target_lists, and on the public bucket ``stpubdata``.
"""

import re
from http import HTTPStatus
from xml.sax.saxutils import escape

from calnet_ops.errors import ForeignProduct
from calnet_ops.keys import public_key
from calnet_ops.simulator.archive_folder import Star

PAGE_PATH = "/tess/bulk_downloads/bulk_downloads_ffi-tp-lc-dv.html"
"""The bulk download page."""
PAGE_ALIAS = "/tess/bulk_downloads.html"
"""Its older address."""
TCE_PATH = "/tess/bulk_downloads/bulk_downloads_tce.html"
"""The page of threshold crossing events, which also lists the CDPP tables."""
SCRIPT = re.compile(
    r"/missions/tess/download_scripts/sector/(?P<name>tesscurl_sector_(?P<sector>[1-9]\d*)_lc\.sh)"
)
CDPP = re.compile(
    r"/missions/tess/catalogs/cdpp/"
    r"(?P<name>tess\d{13}-s(?P<sector>\d{4})-s(?P=sector)-\d+_rms-cdpp\.csv)"
)
TARGETS = re.compile(
    r"/public/target_lists/2m/(?P<name>all_targets_S(?P<sector>\d{3,4})_v\d+\.csv)"
)
"""Paths that are served, with the file name and the sector in them."""

SCRIPT_FOLDER = "/missions/tess/download_scripts/sector/"
CDPP_FOLDER = "/missions/tess/catalogs/cdpp/"
DOWNLOAD_PATH = "/api/v0.1/Download/file"
PRODUCT_URI = "mast:TESS/product/"
BUCKET = "/stpubdata"
"""Where the mirror serves the public bucket, in the path style of S3."""
SCRIPT_HOST = "https://mast.stsci.edu"
"""Scripts of a mirror name MAST itself, as MAST's do: the client puts its own base there."""

CDPP_HOURS = ("00p5", "01p0", "01p5", "02p0", "02p5", "03p0", "03p5", "04p5", "05p0", "06p0",
              "07p5", "09p0", "10p5", "12p5", "15p0")  # fmt: skip
"""Durations of a CDPP table [h], as its column names spell them."""
CDPP_CARDS = {"00p5": "CDPP0_5", "01p0": "CDPP1_0", "02p0": "CDPP2_0"}
"""The three of them that stand in a light curve's header; the others stay empty."""


def index_page() -> str:
    """HTML that leads people to the other two pages."""
    rows = [f"<tr><td>{_link(path)}</td></tr>" for path in (PAGE_PATH, TCE_PATH)]
    return _page("A mirror of the TESS archive", ["Page"], rows)


def bulk_page(sectors: list[int]) -> str:
    """HTML of the bulk download page, newest sector first."""
    rows = [
        f"<tr><td>Sector {sector}</td><td>{_link(SCRIPT_FOLDER + script_name(sector))}</td></tr>"
        for sector in sorted(sectors, reverse=True)
    ]
    return _page("TESS Bulk Downloads", ["Sector", "Light Curve"], rows)


def tce_page(tables: dict[int, str]) -> str:
    """HTML of the page that lists the CDPP tables; `tables` gives each sector's file name."""
    rows = [
        f"<tr><td>Sector {sector}</td><td></td><td>{_link(CDPP_FOLDER + tables[sector])}</td></tr>"
        for sector in sorted(tables, reverse=True)
    ]
    return _page("TESS TCE Bulk Downloads", ["Sector", "TCE Statistics", "RMS CDPP"], rows)


def script_name(sector: int) -> str:
    """File name of a sector's light-curve script: the number is not padded."""
    return f"tesscurl_sector_{sector}_lc.sh"


def script(file_names: list[str]) -> bytes:
    """Download script, byte for byte as MAST writes it."""
    lines = [
        f"curl -C - -L -o {name} {SCRIPT_HOST}{DOWNLOAD_PATH}/?uri={PRODUCT_URI}{name}"
        for name in file_names
    ]
    return "\n".join(["#!/bin/sh", *lines, ""]).encode()


def cdpp_name(sector: int) -> str:
    """File name of a sector's CDPP table; stamp and pipeline instance are not known here."""
    return f"tess{0:013d}-s{sector:04d}-s{sector:04d}-00000_rms-cdpp.csv"


def cdpp_table(sector: int, stars: list[Star]) -> bytes:
    """RMS CDPP [ppm] of every two-minute target of a sector."""
    lines = [f"# RMS CDPP, sector {sector}", "#"]
    lines.append(",".join(["ticid", "tmag", *(f"rrmscdpp{hours}" for hours in CDPP_HOURS)]))
    for star in stars:
        noise = (star.cards.get(CDPP_CARDS.get(hours, ""), "") for hours in CDPP_HOURS)
        lines.append(",".join([str(star.tic), star.cards.get("TESSMAG", ""), *noise]))
    return "\n".join([*lines, ""]).encode()


def target_list(sector: int, stars: list[Star]) -> bytes:
    """Planned targets of a sector, with MIT's five comment lines."""
    lines = ["#", f"# Full target list for sector {sector}", "#", "#", "#"]
    lines.append("TICID,Camera,CCD,Tmag,RA,Dec")
    for star in stars:
        cards = ("CAMERA", "CCD", "TESSMAG", "RA_OBJ", "DEC_OBJ")
        lines.append(",".join([str(star.tic), *(star.cards.get(card, "") for card in cards)]))
    return "\n".join([*lines, ""]).encode()


def product_path(file_name: str) -> str:
    """Path of a product in the public bucket: the TIC number cut 4 x 4, else a plain folder."""
    try:
        return f"/{public_key(file_name)}"
    except ForeignProduct:
        return f"/mast/hlsp/{file_name}"


def error_page(status: HTTPStatus) -> bytes:
    """HTML of an answer that is an error."""
    return f"<html><body><h1>{status.value} {status.phrase}</h1></body></html>\n".encode()


def no_such_key(path: str) -> bytes:
    """XML that S3 answers with 404."""
    key = escape(path.removeprefix(f"{BUCKET}/"))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        f"<Message>The specified key does not exist.</Message><Key>{key}</Key></Error>"
    ).encode()


def _link(path: str) -> str:
    return f'<a href="{path}">{path.rpartition("/")[2]}</a>'


def _page(title: str, columns: list[str], rows: list[str]) -> str:
    head = "".join(f"<th>{column}</th>" for column in columns)
    table = "\n".join(["<table>", f"<tr>{head}</tr>", *rows, "</table>"])
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body>\n<h1>{title}</h1>\n{table}\n</body></html>\n"
    )
