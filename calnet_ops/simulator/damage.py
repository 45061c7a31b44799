"""Bad files as an archive may serve them: functions from good bytes to bad ones.

Where the content is what is wrong, the checksums are made right again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from calnet_ops.keys import SpocName
from calnet_ops.simulator.cards import BLOCK, CARD
from calnet_ops.simulator.checksum import seal
from calnet_ops.simulator.photometry import ROW

N_FEW = 100
"""Good cadences left by `few_good`."""

PRIMARY_BLOCKS, CURVE_HEADER_BLOCKS = 2, 5
"""Blocks of the primary HDU and of the light curve's header, in every SPOC light curve."""

TABLE_START = (PRIMARY_BLOCKS + CURVE_HEADER_BLOCKS) * BLOCK
"""First byte of the table."""


def truncate_in_header(body: bytes) -> bytes:
    """Cut inside the second header: astropy sees one HDU and does not complain."""
    return body[: 2 * BLOCK + 1000]


def truncate_in_table(body: bytes) -> bytes:
    """Cut in the middle of the table."""
    return body[: TABLE_START + (len(body) - TABLE_START) // 2]


def drop_last_block(body: bytes) -> bytes:
    """Short by exactly one block: all rows can still be read."""
    return body[:-BLOCK]


def html_page(_body: bytes = b"") -> bytes:
    """Say what a server in trouble sends under the name of a file."""
    return (
        b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head>\n"
        b"<body><h1>Service Unavailable</h1><p>MAST is down for maintenance.</p></body></html>\n"
    )


def no_bytes(_body: bytes = b"") -> bytes:
    """Leave nothing."""
    return b""


def flip_bit(body: bytes) -> bytes:
    """One bit wrong in a flux, size and headers untouched."""
    bad = bytearray(body)
    bad[TABLE_START + ROW.itemsize * 1234 + ROW.fields["PDCSAP_FLUX"][1] + 2] ^= 0x10  # type: ignore[index]
    return bytes(bad)


def all_nan(body: bytes) -> bytes:
    """Blank every flux."""

    def blank(table: npt.NDArray[np.void]) -> None:
        for column in ("SAP_FLUX", "SAP_FLUX_ERR", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR"):
            table[column] = np.nan

    return _with_table(body, blank)


def few_good(body: bytes, n_good: int = N_FEW) -> bytes:
    """All but `n_good` cadences flagged and blank."""

    def thin(table: npt.NDArray[np.void]) -> None:
        good = np.flatnonzero((table["QUALITY"] == 0) & np.isfinite(table["PDCSAP_FLUX"]))
        lost = np.ones(len(table), dtype=bool)
        lost[good[:n_good]] = False
        table["QUALITY"][lost] |= 128
        for column in ("PDCSAP_FLUX", "PDCSAP_FLUX_ERR"):
            table[column][lost] = np.nan

    return _with_table(body, thin)


def lose_times(body: bytes, n_lost: int = 300) -> bytes:
    """QUALITY 0 and a finite flux, but no TIME."""

    def lose(table: npt.NDArray[np.void]) -> None:
        good = np.flatnonzero((table["QUALITY"] == 0) & np.isfinite(table["PDCSAP_FLUX"]))
        table["TIME"][good[500 : 500 + n_lost]] = np.nan

    return _with_table(body, lose)


def wrong_sector(body: bytes) -> bytes:
    """SECTOR of the header is not that of the file name."""
    found = body.index(b"SECTOR  = ")
    sector = int(body[found + 10 : found + 30])
    return _with_cards(body, {"SECTOR": f"{sector + 1:20d}"})


def wrong_tic(body: bytes) -> bytes:
    """TICID and OBJECT of the headers name another star."""
    found = body.index(b"TICID   = ")
    tic = int(body[found + 10 : found + 30]) + 7
    return _with_cards(body, {"TICID": f"{tic:20d}", "OBJECT": f"'TIC {tic}'".ljust(20)})


def as_served(body: bytes) -> bytes:
    """Bytes that are fine: what is wrong with this file is its name."""
    return body


def other_stamp(name: str) -> str:
    """Name a second file of the same star: the time stamp differs by a second."""
    spoc = SpocName.parse(name)
    return str(SpocName(f"{int(spoc.stamp) + 1}", spoc.sector, spoc.tic, spoc.scid))


def fast_name(name: str) -> str:
    """Name of the 20-s light curve of the same star."""
    return name.replace("-s_lc.fits", "-a_fast-lc.fits")


def hlsp_name(name: str) -> str:
    """Name of the full-frame light curve of the same star."""
    spoc = SpocName.parse(name)
    return f"hlsp_tess-spoc_tess_phot_{spoc.tic:016d}-s{spoc.sector:04d}_tess_v1_lc.fits"


def same_name(name: str) -> str:
    """Keep the name."""
    return name


@dataclass(frozen=True, slots=True)
class Damage:
    """One way for a file to be bad."""

    body: Callable[[bytes], bytes]
    name: Callable[[str], str] = same_name
    same_star: bool = False
    """Made of the first good star of the sector instead of a star of its own."""


DAMAGES: dict[str, Damage] = {
    "truncated in header": Damage(truncate_in_header),
    "truncated in table": Damage(truncate_in_table),
    "short by one block": Damage(drop_last_block),
    "HTML page": Damage(html_page),
    "empty file": Damage(no_bytes),
    "flipped bit": Damage(flip_bit),
    "all NaN": Damage(all_nan),
    "100 good cadences": Damage(few_good),
    "flux without time": Damage(lose_times),
    "duplicate target": Damage(as_served, other_stamp, same_star=True),
    "wrong sector": Damage(wrong_sector),
    "wrong TIC": Damage(wrong_tic),
    "20-s file": Damage(as_served, fast_name),
    "HLSP file": Damage(as_served, hlsp_name),
}
"""Every kind of damage by the name it has in the truth table."""


def _with_table(body: bytes, change: Callable[[npt.NDArray[np.void]], None]) -> bytes:
    """Change the table in place and seal its HDU again."""
    bad = bytearray(body)
    n_row = _integer(body, b"NAXIS2  = ", PRIMARY_BLOCKS * BLOCK)
    table = np.frombuffer(bad, dtype=ROW, count=n_row, offset=TABLE_START)
    change(table)
    return _sealed(bad)


def _with_cards(body: bytes, values: dict[str, str]) -> bytes:
    """Replace the value of cards wherever they stand, and seal every HDU again."""
    bad = bytearray(body)
    header_bytes = [*range(0, TABLE_START, CARD)]
    tail = _aperture_start(body)
    for start in [*header_bytes, *range(tail, tail + 2 * BLOCK, CARD)]:
        keyword = bytes(bad[start : start + 8]).decode("ascii").strip()
        if keyword in values:
            bad[start + 10 : start + 30] = values[keyword][:20].encode()
    return _sealed(bad)


def _sealed(body: bytearray) -> bytes:
    """Right checksums for all three HDUs."""
    edges = [0, PRIMARY_BLOCKS * BLOCK, _aperture_start(bytes(body)), len(body)]
    for start, end in pairwise(edges):
        hdu = body[start:end]
        seal(hdu)
        body[start:end] = hdu
    return bytes(body)


def _aperture_start(body: bytes) -> int:
    """First byte of the third HDU."""
    n_row = _integer(body, b"NAXIS2  = ", PRIMARY_BLOCKS * BLOCK)
    return TABLE_START + -(-ROW.itemsize * n_row // BLOCK) * BLOCK


def _integer(body: bytes, keyword: bytes, start: int) -> int:
    """Value of the first such card at or after a byte."""
    found = body.index(keyword, start)
    return int(body[found + 10 : found + 30])
