"""Wrong bytes as faults have them: functions from what a file holds to what is served.

A number between 0 and 1 says where; the same number gives the same bytes.
"""

import gzip

import numpy as np

from calnet_ops.simulator.cards import BLOCK, CARD
from calnet_ops.simulator.damage import html_page
from calnet_ops.simulator.faults import Damage
from calnet_ops.simulator.photometry import ROW

ERROR_TEXT = b"\n<Error><Code>InvalidRange</Code><Message>The requested range cannot be satisfied."
"""What old versions of curl appended to files that were complete (curl issue 6740)."""


def flip(body: bytes, number: float, first: int = 0) -> bytes:
    """One bit wrong, at or after a byte."""
    if not body[first:]:
        return body
    bit = int(number * 8 * (len(body) - first))
    bad = bytearray(body)
    bad[first + bit // 8] ^= 1 << bit % 8
    return bytes(bad)


def cut(body: bytes, number: float) -> bytes:
    """The beginning of it: at least a byte, and at least a byte short if there are two."""
    return body[: max(1, int(number * len(body)))]


def splice(body: bytes, number: float) -> bytes:
    """Error text over a part, between two parts, or behind all of it."""
    at = int(number * len(body))
    way = int(number * 3000) % 3
    after = (body[at + len(ERROR_TEXT) :], body[at:], b"")[way]
    return (body if way == 2 else body[:at]) + ERROR_TEXT + after  # noqa: PLR2004  # behind it


def without_links(body: bytes) -> bytes:
    """A page whose links lead nowhere."""
    return body.replace(b"href=", b"name=")


def grow(script: bytes, share: float) -> bytes:
    """First lines of a script: at least one file."""
    lines = script.splitlines(keepends=True)
    return b"".join(lines[: 1 + max(1, int(share * (len(lines) - 1)))])


def zipped(body: bytes) -> bytes:
    """The same, compressed."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def damage(body: bytes, how: Damage, number: float) -> bytes:
    """A light curve that is bad for good."""
    table = table_start(body)
    middle = table + int((0.2 + 0.6 * number) * (_table_end(body) - table))
    if how is Damage.CUT:
        return body[:middle]
    if how is Damage.HTML:
        return html_page()
    if how is Damage.EMPTY:
        return b""
    if how is Damage.FLIPPED:
        return flip(body[: middle + 1], number, middle) + body[middle + 1 :]
    return body[:middle] + ERROR_TEXT[:16] + body[middle + 16 :]


def earlier(body: bytes) -> bytes:
    """A version delivered before, as sound: two fluxes change places, and all sums stay right."""
    start = table_start(body)
    n_row = (_table_end(body) - start) // ROW.itemsize // 2  # the end may be padding
    new = bytearray(body)
    flux = np.frombuffer(new, dtype=ROW, count=n_row, offset=start)["PDCSAP_FLUX"]
    first = np.flatnonzero(np.isfinite(flux))[0]
    second = np.flatnonzero(np.isfinite(flux) & (flux != flux[first]))[0]
    flux[[first, second]] = flux[[second, first]]
    return bytes(new)


def table_start(body: bytes) -> int:
    """First byte behind the second header; of what is no light curve, the first byte."""
    found = 0
    for start in range(0, len(body), CARD):
        if body[start : start + CARD].rstrip() == b"END":
            found += 1
        if found == 2:  # noqa: PLR2004  # headers: primary, light curve
            return -(-(start + CARD) // BLOCK) * BLOCK
    return 0


def _table_end(body: bytes) -> int:
    """Where the third header begins, more or less: it and the aperture have two blocks or more."""
    return max(table_start(body) + 1, len(body) - 2 * BLOCK)
