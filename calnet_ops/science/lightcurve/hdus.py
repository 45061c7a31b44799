"""FITS by its bytes: where the header-data units lie, what their cards say, what they sum to.

Astropy opens truncated files with a warning or none, and takes intact SPOC files for damaged
ones, because they have CHECKSUM without DATASUM. Here every byte is accounted for.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calnet_ops.errors import NotFits, Truncated, WrongLayout

BLOCK = 2880
"""A FITS file is made of blocks of this many bytes (FITS standard 4.0, section 3.1)."""

CARD = 80
"""Bytes of a header card (FITS standard 4.0, section 3.2)."""

SIGNATURE = b"SIMPLE  =                    T"
"""The first 30 bytes of every FITS file (FITS standard 4.0, section 4.4.1.1)."""

GZIP = b"\x1f\x8b"
"""First bytes of a compressed file."""

MAX_HEADER_BLOCKS = 64
"""2,304 cards; real light curves have up to 5 blocks. A longer header is not read through."""

MAX_AXES = 3
"""Light-curve products have tables (2 axes) and images (2 or 3 axes)."""

MAX_COLUMNS = 999
"""FITS standard 4.0, section 7.3.1."""

MAX_HDUS = 32
"""Light-curve products have 2 to 5 units."""

BITPIX = frozenset({8, 16, 32, 64, -32, -64})
"""Bits of an element (FITS standard 4.0, table 8)."""

SHOWN = 200
"""Characters of a message that may come from a file."""

Value = bool | int | float | str | None

Columns = tuple[tuple[str, str], ...]
"""TTYPE and TFORM of each column."""


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
            If it is neither string, logical nor number, or no number that a float can hold.
        """
        text = self.cards.get(keyword, "").lstrip()
        if text.startswith("'"):
            return _quoted(keyword, text)
        text = text.split("/", 1)[0].rstrip()
        if text in {"", "T", "F"}:
            return None if not text else text == "T"
        if _WHOLE(text):
            return int(text)
        if _NUMBER(text):
            number = float(text.upper().replace("D", "E"))
            if not math.isinf(number):
                return number
        if text.upper() == "NAN":
            return math.nan
        raise _odd(f"card {keyword}", text, "a value")

    def integer(self, keyword: str, below: int = 2**63) -> int:
        """Value of a card that must be a whole number; digits in quotes are taken as well.

        Parameters
        ----------
        keyword
            Of the card.
        below
            What it must be smaller than, its sign put aside: the columns of our tables have 64
            or 32 bits.

        Raises
        ------
        WrongLayout
            If it is not.
        """
        value = self.value(keyword)
        if isinstance(value, str) and _WHOLE(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _odd(f"card {keyword}", repr(value), "a whole number")
        if abs(value) >= below:
            raise _odd(f"card {keyword}", str(value), f"less than {below}")
        return value

    def number(self, keyword: str) -> float:
        """Value of a card as a float; NaN when it is missing, blank or no number."""
        value = self.value(keyword)
        return float(value) if isinstance(value, int | float) else math.nan

    def text(self, keyword: str) -> str:
        """Value of a card as text; empty when it is missing.

        What goes on in a CONTINUE card is left out.
        """
        value = self.value(keyword)
        return "" if value is None else str(value).removesuffix("&")


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
        if len(hdus) == MAX_HDUS:
            raise WrongLayout(what, found=f"more than {MAX_HDUS} HDUs", expected="2 to 5")
        hdus.append(_read_hdu(what, body, hdus[-1].stop))
    _check_promised(what, hdus)
    return hdus


def table_rows(hdu: Hdu, body: bytes, columns: Columns | None = None) -> NDArray[np.void]:
    """Rows of a binary table, as views of the bytes with one field a column.

    Parameters
    ----------
    hdu
        Unit of the table.
    body
        The whole file.
    columns
        Its `table_columns`, if they are read already.

    Returns
    -------
    rows : (n_row,)
        Big-endian structured array; fields are named as the columns, in upper case.

    Raises
    ------
    WrongLayout
        If the columns do not fill the row, or have a form that no light curve uses.
    """
    columns = table_columns(hdu) if columns is None else columns
    try:
        row = _row_type(columns)
    except (KeyError, ValueError) as error:
        raise _odd("table", f"columns {columns}", "D E J I K B L, each name once") from error
    n_row, n_bytes = _size(hdu, "NAXIS2"), _size(hdu, "NAXIS1")
    if row.itemsize != n_bytes or not 0 <= n_row * n_bytes <= hdu.stop - hdu.data_start:
        found = f"{n_row} rows of {n_bytes} bytes"
        raise WrongLayout("table", found=found, expected=f"{row.itemsize} bytes a row")
    return np.frombuffer(body, row, count=n_row, offset=hdu.data_start)


def table_columns(hdu: Hdu) -> Columns:
    """TTYPE and TFORM of each column of a table.

    Raises
    ------
    WrongLayout
        If it is no binary table, or has more columns than FITS allows.
    """
    kind, n_axes = hdu.text("XTENSION"), hdu.integer("NAXIS")
    if kind != "BINTABLE" or n_axes != 2:  # noqa: PLR2004
        found = f"{kind or 'no extension'} of {n_axes} axes"
        raise _odd("table", found, "BINTABLE of 2 axes")
    n_column = _size(hdu, "TFIELDS")
    if not 1 <= n_column <= MAX_COLUMNS:
        raise WrongLayout("table", found=f"TFIELDS = {n_column}", expected=f"1 to {MAX_COLUMNS}")
    numbers = range(1, n_column + 1)
    return tuple((hdu.text(f"TTYPE{i}"), hdu.text(f"TFORM{i}")) for i in numbers)


def sums_to_minus_zero(hdu: Hdu, body: bytes) -> bool:
    """Whether the 32-bit ones'-complement sum of a unit's bytes is 0xFFFFFFFF.

    Notes
    -----
    A CHECKSUM card makes the sum over header and data come out as minus zero. Any changed
    bit, and a missing or extra block, shows. Words must be summed as big-endian ones: unlike that
    of 16-bit words (RFC 1071), the sum of 32-bit words is not the same with their bytes reversed.

    References
    ----------
    FITS standard 4.0, appendix J.
    """
    words = np.frombuffer(body, ">u4", (hdu.stop - hdu.start) // 4, hdu.start)
    total = int(words.sum(dtype=np.uint64))
    return total > 0 and total % 0xFFFFFFFF == 0


_END = b"END     "
"""Keyword of the last card."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,70}").fullmatch
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([EDed][+-]?[0-9]+)?").fullmatch
_STRING = re.compile(r"'((?:[^']|'')*)'").match
"""Values of cards (FITS standard 4.0, section 4.2)."""

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
    end = body.find(_END, start, limit)
    while end >= 0 and (end - start) % CARD:
        end = body.find(_END, end + 1, limit)
    if end < 0 and limit < len(body):
        found = f"no END card in {MAX_HEADER_BLOCKS} blocks"
        raise WrongLayout(what, found=found, expected="a header of at most as many")
    if end < 0:
        raise Truncated(what, found=f"{len(body)} bytes, no END card", expected="a whole header")
    text = body[start:end].decode("latin-1")
    offsets = range(len(text) - CARD, -1, -CARD)  # backwards, as the first card of a name counts
    cards = {text[at : at + 8].rstrip(): text[at + 10 : at + CARD] for at in offsets}
    return cards, start + ((end - start) // BLOCK + 1) * BLOCK


def _data_size(what: str, hdu: Hdu) -> int:
    """Bytes of data that the header promises (FITS standard 4.0, eq. 2)."""
    n_axes = _size(hdu, "NAXIS")
    if not 0 <= n_axes <= MAX_AXES:
        raise WrongLayout(what, found=f"NAXIS = {n_axes}", expected=f"0 to {MAX_AXES}")
    axes = [_size(hdu, f"NAXIS{i}") for i in range(1, n_axes + 1)]
    heap = _size(hdu, "PCOUNT") if "PCOUNT" in hdu.cards else 0
    groups = _size(hdu, "GCOUNT") if "GCOUNT" in hdu.cards else 1
    n_bits = _size(hdu, "BITPIX")
    if min([heap, *axes]) < 0 or groups != 1:
        found = f"axes {axes}, PCOUNT {heap}, GCOUNT {groups}"
        raise _odd(what, found, "no negative size, and one group")
    if n_bits not in BITPIX:
        raise WrongLayout(what, found=f"BITPIX = {n_bits}", expected="8, 16, 32, 64, -32 or -64")
    return abs(n_bits) // 8 * (heap + math.prod(axes)) if axes else 0


def _size(hdu: Hdu, keyword: str) -> int:
    """Whole number that says how long something is, never in quotes."""
    value = hdu.value(keyword)
    if isinstance(value, str):
        raise _odd(f"card {keyword}", repr(value), "a whole number")
    return hdu.integer(keyword)


def _check_promised(what: str, hdus: list[Hdu]) -> None:
    """Compare the number of units with that in the first header, if it has one."""
    if hdus[0].value("NEXTEND") is None:
        return
    n_extension = _size(hdus[0], "NEXTEND")
    if n_extension < 0:
        raise WrongLayout(what, found=f"NEXTEND = {n_extension}", expected="none or more")
    if len(hdus) < 1 + n_extension:
        found, expected = f"{len(hdus)} HDUs", f"{1 + n_extension} (NEXTEND)"
        raise Truncated(what, found=found, expected=expected)


@lru_cache(maxsize=8)
def _row_type(columns: Columns) -> np.dtype[np.void]:
    return np.dtype([(name.upper(), _TYPES[form]) for name, form in columns])


def _quoted(keyword: str, text: str) -> str:
    """String between quotes, trailing blanks dropped; two quotes within stand for one."""
    end = text.find("'", 1)
    if text[end + 1 : end + 2] == "'":  # doubled: it does not end here
        match = _STRING(text)
        end = match.end() - 1 if match else -1
    value = text[1:end]
    if end < 0 or not (value.isascii() and value.isprintable()):
        raise _odd(f"card {keyword}", repr(text), "a string of printable ASCII between quotes")
    return value.replace("''", "'").rstrip()


def _odd(what: str, found: str, expected: str) -> WrongLayout:
    """Refusal that quotes a file, but not at any length."""
    shown = found if len(found) <= SHOWN else f"{found[:SHOWN]}…"
    return WrongLayout(what, found=shown, expected=expected)


def _first_words(body: bytes) -> str:
    if body.startswith(GZIP):
        return "a file compressed with gzip: unpack it"
    words = body[:200].decode("latin-1").strip()
    kind = "an HTML page" if "<html" in words.lower() or "<!doctype" in words.lower() else "bytes"
    return f"{kind} beginning with {words[:30]!r}"
