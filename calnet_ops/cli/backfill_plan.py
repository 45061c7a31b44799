"""What a back-fill is asked for: which sectors, in which order, how fast; and what it will cost."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from calnet_ops.errors import WrongConfiguration
from calnet_ops.steps.backfill import FILES_OF_A_SECTOR, Item

LARGE = 5_000
"""Files from which MAST wants to be asked: its page says "several thousand data sets"."""

ASK_FIRST = (
    "For more than several thousand files MAST asks you to write to archive@stsci.edu first "
    "(archive.stsci.edu/large_requests.html), and to say who you are: CALNET_CONTACT."
)

LAST_SECTOR = 9999
"""A partition key has three or four digits."""

FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}

_RATE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMG]?)B(?:/s)?$", re.IGNORECASE | re.ASCII)
_RANGE = re.compile(r"^(\d{1,4})(?:-(\d{1,4}))?$", re.ASCII)


class Order(StrEnum):
    """Which sectors go first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    GIVEN = "given"


def parse_sectors(text: str) -> list[int]:
    """Sectors of a list of numbers and ranges, each once, in the order given.

    Raises
    ------
    WrongConfiguration
        If the text is anything else.

    Examples
    --------
    >>> parse_sectors("87, 1-3,2")
    [87, 1, 2, 3]
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last <= LAST_SECTOR:
            raise WrongConfiguration(
                "sectors", found=repr(part), expected="numbers and ranges such as 1-26,87,97-98"
            )
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


def in_order(sectors: Sequence[int], order: Order) -> list[int]:
    """Sectors as they are to be pulled.

    Examples
    --------
    >>> in_order([3, 97, 20], Order.NEWEST), in_order([3, 97, 20], Order.GIVEN)
    ([97, 20, 3], [3, 97, 20])
    """
    if order is Order.GIVEN:
        return list(sectors)
    return sorted(sectors, reverse=order is Order.NEWEST)


def parse_rate(text: str) -> float:
    """Bytes a second of ``20MB``; kB, MB and GB are powers of 1000.

    Raises
    ------
    WrongConfiguration
        If the text is not a size above zero.

    Examples
    --------
    >>> parse_rate("20MB"), parse_rate("1.5 GB/s"), parse_rate("500kB")
    (20000000.0, 1500000000.0, 500000.0)
    """
    match = _RATE.match(text.strip())
    rate = float(match[1]) * FACTORS[match[2].upper()] if match else 0.0
    if not rate:
        raise WrongConfiguration(
            "--max-rate", found=repr(text), expected="bytes a second, such as 500KB, 20MB or 1GB"
        )
    return rate


def cost(items: Iterable[Item], max_bytes_per_s: float | None) -> str:
    """Say what pulling sectors will take from the archive.

    Parameters
    ----------
    items
        Those to do.
    max_bytes_per_s
        For all tasks together [B/s].
    """
    items = list(items)
    if not items:
        return "Nothing to pull."
    n_file = sum(item.n_file for item in items)
    n_bytes = sum(item.n_bytes for item in items)
    unread = sum(not item.is_listed for item in items)
    text = f"{len(items)} sectors to pull: about {n_file:,} files, each a request and a redirect"
    if unread:
        text = f"{text} ({unread} lists are not read yet, and taken as {FILES_OF_A_SECTOR:,} files)"
    text = f"{text}, {size(n_bytes)}"
    if max_bytes_per_s:
        text = f"{text}; {duration(n_bytes / max_bytes_per_s)} at {size(max_bytes_per_s)}/s"
    return f"{text}. {ASK_FIRST}" if n_file > LARGE else f"{text}."


def size(n_bytes: float) -> str:
    """Bytes for people.

    Examples
    --------
    >>> size(0), size(2_500_000), size(4.24e12)
    ('0 kB', '2.5 MB', '4.2 TB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """Seconds for people.

    Examples
    --------
    >>> duration(41), duration(600), duration(9000), duration(212_000)
    ('41 s', '10 min', '2.5 h', '2.5 days')
    """
    for unit, factor in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"
