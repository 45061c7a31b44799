"""Header cards exactly as SPOC writes them: order, comments, blank values and line overflow.

Two writers of FITS stand behind the files at MAST, and their habits differ (`Writer`).
"""

import csv
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

BLOCK = 2880
"""A FITS file comes in blocks of this many bytes."""

CARD = 80
"""Bytes in a header card."""

Value = str | int | float | bool | None
"""What stands in a card; `None` is a card with a blank value, SPOC's mark for "not known"."""

_LATE = ("TMOFST", "MEANBLC")
"""Cards that the early writer appends after CHECKSUM."""


class Writer(enum.Enum):
    """Which of the two programs wrote the header.

    Read from files at MAST: sectors 1-63 (spoc-5.0.9 to 5.0.86) are `EARLY`, sectors 73 and
    88 (5.0.103, 5.0.115) are `LATE`. In which version between them it changed is not known.
    """

    EARLY = "cuts comments at column 80, appends cards after CHECKSUM"
    LATE = "goes on in CONTINUE cards, keeps all cards before CHECKSUM"


LATE_SINCE = 70
"""First sector written by `Writer.LATE`: halfway between the nearest sectors read (63, 73)."""


def writer_of(sector: int) -> Writer:
    """Tell the header style of a sector."""
    return Writer.LATE if sector >= LATE_SINCE else Writer.EARLY


@dataclass(frozen=True, slots=True)
class Card:
    """One line of the template `cards.csv`."""

    keyword: str
    kind: str
    """How a value is written: S I L F8 F12 F16 R (double) E (single); empty if it is fixed."""
    value: str
    """The fixed value, as it stands in the file."""
    comment: str


@lru_cache
def template(hdu: str) -> tuple[Card, ...]:
    """All cards of an HDU in order, END left out."""
    text = files("calnet_ops.simulator").joinpath("cards.csv").read_text(encoding="ascii")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Card(row["keyword"], row["kind"], row["value"], row["comment"])
        for row in rows
        if row["hdu"] == hdu
    )


def header(hdu: str, values: Mapping[str, Value], writer: Writer) -> bytearray:
    """Header bytes of an HDU, padded to whole blocks; CHECKSUM still to be sealed.

    Parameters
    ----------
    hdu
        PRIMARY, LIGHTCURVE or APERTURE.
    values
        Value of each card that is not fixed, by keyword. ``TMOFST``, ``camera``, ``ccd`` and
        ``written`` (time of writing) fill the cards whose keyword or comment names them.
        A keyword that is absent leaves its card out (the band cards of PDCMETHD MAP).
    writer
        Whose habits to follow.
    """
    cards = [card for card in template(hdu) if not card.kind or card.keyword in values]
    if writer is Writer.EARLY:
        cards.sort(key=lambda card: card.keyword.startswith(_LATE))
    text = "".join(line for card in cards for line in _lines(card, values, writer))
    text += "END".ljust(CARD)
    return bytearray(text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii"))


def _lines(card: Card, values: Mapping[str, Value], writer: Writer) -> Iterator[str]:
    """Write the card as one line of 80 characters, or two with CONTINUE."""
    keyword, comment = card.keyword, card.comment
    if keyword == "TMOFST":
        keyword = f"TMOFST{values['camera']}{values['ccd']}"
        comment = comment.format_map(values)
    elif keyword == "CHECKSUM":
        comment = comment.format_map(values)
    value = format_value(card.kind, values[card.keyword], writer) if card.kind else card.value
    is_text = value.startswith("'")
    field = value.ljust(20) if is_text else value.rjust(20)
    line = f"{keyword:8}= {field} / {comment}"
    if len(line) <= CARD or writer is Writer.EARLY:
        yield line[:CARD].ljust(CARD)
    elif is_text:
        line = f"{keyword:8}= {value[:-1]}&' / {comment}"
        yield line[:CARD]
        yield f"CONTINUE  '' /{line[CARD:]}".ljust(CARD)
    else:
        yield f"{keyword:8}= {value.strip()} / {comment}".ljust(CARD)


def format_value(kind: str, value: Value, writer: Writer) -> str:
    """Print a value as SPOC does, not yet aligned.

    Doubles come as their shortest exact digits, at most 20 columns (early) or 16 decimals
    (late); F8, F12 and F16 are those digits cut or filled up to that many decimals.
    """
    if value is None:
        return ""
    if kind in _PLAIN:
        return _PLAIN[kind].format(value)
    if kind == "L":
        return "T" if value else "F"
    number = float(value)
    if kind.startswith("F"):
        return _fixed(number, int(kind[1:]))
    if kind == "E":
        return _single(number, writer)
    return _shortest(number, 20, 16 if writer is Writer.LATE else None)


_PLAIN = {"S": "'{:8}'", "I": "{}"}
"""Kinds that are printed as they are."""


def _single(number: float, writer: Writer) -> str:
    """Single precision: as a double holds it (early), or its own few digits (late)."""
    if writer is Writer.EARLY:
        return _shortest(float(np.float32(number)), 20)
    return "0.E0" if number == 0 else str(np.float32(number)).replace("e-0", "E-")


def _fixed(number: float, n_decimal: int) -> str:
    """Shortest exact digits, filled up with zeros; rounded if there are more."""
    whole, _, decimals = repr(number).partition(".")
    if "e" in decimals or "e" in whole or len(decimals) > n_decimal:
        return f"{number:.{n_decimal}f}"
    return f"{whole}.{decimals.ljust(n_decimal, '0')}"


def _shortest(number: float, width: int, n_decimal: int | None = None) -> str:
    """Shortest exact digits that fit."""
    text = repr(number)
    room = width - len(text.partition(".")[0]) - 1
    if n_decimal is not None:
        room = min(room, n_decimal)
    if "e" in text or len(text.partition(".")[2]) > room:
        text = f"{number:.{room}f}"
    return text
