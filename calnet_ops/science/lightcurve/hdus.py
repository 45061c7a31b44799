"""FITS by its bytes: where the header-data units lie, what their cards say, what they sum to.

Astropy opens truncated files with a warning or none, and takes intact SPOC files for damaged
ones, because they have CHECKSUM without DATASUM. Here every byte is accounted for.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calnet_ops.errors import NotFits, Truncated, WrongLayout

BLOCK = 2880
"""A FITS file is made of blocks of this many bytes (FITS standard 4.0, section 3.1)."""

CARD = 80
"""Bytes of a header card (FITS standard 4.0, section 3.2)."""

SIGNATURE = b"SIMPLE  =                    T"
"""The first 30 bytes of every FITS file (FITS standard 4.0, section 4.4.1.1)."""

MAX_HEADER_BLOCKS = 64
"""2,304 cards; real light curves have up to 5 blocks. A longer header is not read through."""

MAX_AXES = 3
"""Light-curve products have tables (2 axes) and images (2 or 3 axes)."""

MAX_COLUMNS = 999
"""FITS standard 4.0, section 7.3.1."""

Value = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Hdu:
    """A header-data unit: where it lies in the file and its cards."""

    start: int
    """Offset of the header [bytes]."""
    data_start: int
    """Offset of the data [bytes]."""
    stop: int
    """Offset of the next unit [bytes]."""
    cards: dict[str, str]
    """Text behind the keyword of each card."""

    def value(self, keyword: str) -> Value:
        """Value of a card; None when it is absent or blank, as missing values are in SPOC files.

        Raises
        ------
        WrongLayout
            If it is neither string, logical nor number.
        """
        text = self.cards.get(keyword, "")
        if text.startswith("'"):
            return text[1:].replace("''", "\0").split("'")[0].rstrip().replace("\0", "'")
        text = text.split("/", 1)[0].strip()
        if text in {"", "T", "F"}:
            return None if not text else text == "T"
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text.replace("D", "E"))
        except ValueError as error:
            raise WrongLayout(f"card {keyword}", found=text, expected="a value") from error

    def integer(self, keyword: str) -> int:
        """Value of a card that must be a whole number; digits in quotes are taken as well.

        Raises
        ------
        WrongLayout
            If it is not.
        """
        value = self.value(keyword)
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongLayout(f"card {keyword}", found=repr(value), expected="a whole number")
        return value

    def number(self, keyword: str) -> float:
        """Value of a card as a float; NaN when it is missing, blank or no number."""
        value = self.value(keyword)
        return float(value) if isinstance(value, int | float) else math.nan

    def text(self, keyword: str) -> str:
        """Value of a card as text; empty when it is missing."""
        value = self.value(keyword)
        return "" if value is None else str(value)


def split_hdus(what: str, body: bytes) -> list[Hdu]:
    """All header-data units of a file.

    Parameters
    ----------
    what
        Name of the file, for messages.
    body
        The whole file.

    Raises
    ------
    NotFits
        If it does not begin as every FITS file does.
    Truncated
        If a header or its data end early, or units are missing.
    WrongLayout
        If bytes follow the last unit, or a card that gives a size makes no sense.
    """
    if not body.startswith(SIGNATURE):
        raise NotFits(what, found=_first_words(body), expected="SIMPLE = T")
    hdus = [_read_hdu(what, body, 0)]
    while hdus[-1].stop < len(body):
        if not b"XTENSION".startswith(body[hdus[-1].stop : hdus[-1].stop + 8]):
            raise WrongLayout(
                what,
                found=f"{len(body) - hdus[-1].stop} bytes behind the last HDU",
                expected=f"{hdus[-1].stop} bytes in all",
            )
        hdus.append(_read_hdu(what, body, hdus[-1].stop))
    n_promised = 1 + int(np.nan_to_num(hdus[0].number("NEXTEND")))
    if len(hdus) < n_promised:
        raise Truncated(what, found=f"{len(hdus)} HDUs", expected=f"{n_promised} (NEXTEND)")
    return hdus


def table_rows(hdu: Hdu, body: bytes) -> NDArray[np.void]:
    """Rows of a binary table, as views of the bytes with one field a column.

    Returns
    -------
    rows : (n_row,)
        Big-endian structured array; fields are named as the columns, in upper case.

    Raises
    ------
    WrongLayout
        If the columns do not fill the row, or have a form that no light curve uses.
    """
    columns = table_columns(hdu)
    try:
        row = np.dtype([(name.upper(), _TYPES[form]) for name, form in columns])
    except (KeyError, ValueError) as error:
        raise WrongLayout("table", found=f"columns {columns}", expected="D E J I K B") from error
    n_row, n_bytes = hdu.integer("NAXIS2"), hdu.integer("NAXIS1")
    if row.itemsize != n_bytes or not 0 <= n_row * n_bytes <= hdu.stop - hdu.data_start:
        found = f"{n_row} rows of {n_bytes} bytes"
        raise WrongLayout("table", found=found, expected=f"{row.itemsize} bytes a row")
    return np.frombuffer(body, row, count=n_row, offset=hdu.data_start)


def table_columns(hdu: Hdu) -> tuple[tuple[str, str], ...]:
    """TTYPE and TFORM of each column of a table.

    Raises
    ------
    WrongLayout
        If it is no table, or has more columns than FITS allows.
    """
    n_column = hdu.integer("TFIELDS")
    if not 1 <= n_column <= MAX_COLUMNS:
        raise WrongLayout("table", found=f"TFIELDS = {n_column}", expected=f"1 to {MAX_COLUMNS}")
    numbers = range(1, n_column + 1)
    return tuple((hdu.text(f"TTYPE{i}"), hdu.text(f"TFORM{i}")) for i in numbers)


def sums_to_minus_zero(hdu: Hdu, body: bytes) -> bool:
    """Whether the 32-bit ones'-complement sum of a unit's bytes is 0xFFFFFFFF.

    Notes
    -----
    A CHECKSUM card makes the sum over header and data come out as minus zero. Any changed
    bit, and a missing or extra block, shows.

    References
    ----------
    FITS standard 4.0, appendix J.
    """
    words = np.frombuffer(body, ">u4", (hdu.stop - hdu.start) // 4, hdu.start)
    total = int(words.sum(dtype=np.uint64))
    return total > 0 and total % 0xFFFFFFFF == 0


_TYPES = {
    form: dtype
    for letter, dtype in {
        "D": ">f8",
        "E": ">f4",
        "J": ">i4",
        "I": ">i2",
        "K": ">i8",
        "B": "u1",
        "L": "u1",
    }.items()
    for form in (letter, f"1{letter}")
}


def _read_hdu(what: str, body: bytes, start: int) -> Hdu:
    cards, data_start = _read_header(what, body, start)
    hdu = Hdu(start, data_start, data_start, cards)
    stop = data_start + -(-_data_size(what, hdu) // BLOCK) * BLOCK
    if stop > len(body):
        raise Truncated(what, found=f"{len(body)} bytes", expected=f"at least {stop}")
    return Hdu(start, data_start, stop, cards)


def _read_header(what: str, body: bytes, start: int) -> tuple[dict[str, str], int]:
    """Cards up to END, and the offset of the block behind it."""
    limit = min(len(body), start + MAX_HEADER_BLOCKS * BLOCK)
    text = body[start:limit].decode("latin-1")
    cards: dict[str, str] = {}
    for offset in range(0, len(text) - CARD + 1, CARD):
        keyword = text[offset : offset + 8].rstrip()
        if keyword == "END":
            return cards, start + (offset // BLOCK + 1) * BLOCK
        cards.setdefault(keyword, text[offset + 10 : offset + CARD].strip())
    if limit < len(body):
        raise WrongLayout(what, found="no END card", expected=f"one in {MAX_HEADER_BLOCKS} blocks")
    raise Truncated(what, found=f"{len(body)} bytes, no END card", expected="a whole header")


def _data_size(what: str, hdu: Hdu) -> int:
    """Bytes of data that the header promises (FITS standard 4.0, eq. 2)."""
    n_axes = hdu.integer("NAXIS")
    if not 0 <= n_axes <= MAX_AXES:
        raise WrongLayout(what, found=f"NAXIS = {n_axes}", expected=f"0 to {MAX_AXES}")
    axes = [hdu.integer(f"NAXIS{i}") for i in range(1, n_axes + 1)]
    heap = hdu.integer("PCOUNT") if "PCOUNT" in hdu.cards else 0
    if min([heap, *axes]) < 0:
        raise WrongLayout(what, found=f"axes {axes}, PCOUNT {heap}", expected="no negative size")
    return abs(hdu.integer("BITPIX")) // 8 * (heap + math.prod(axes)) if axes else 0


def _first_words(body: bytes) -> str:
    words = body[:200].decode("latin-1").strip()
    kind = "an HTML page" if "<html" in words.lower() or "<!doctype" in words.lower() else "bytes"
    return f"{kind} beginning with {words[:30]!r}"
