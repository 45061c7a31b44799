"""The FITS checksum as SPOC uses it: over the raw bytes of an HDU, CHECKSUM without DATASUM.

References
----------
Seaman, Pence & Rots 2012, FITS Checksum Proposal (FITS standard 4.0, appendix J).
"""

import numpy as np

ALL_ONES = 0xFFFFFFFF
"""What the bytes of an intact HDU add up to: negative zero of the ones' complement."""

_PUNCTUATION = frozenset(range(0x3A, 0x41)) | frozenset(range(0x5B, 0x61))


def ones_sum(body: bytes | bytearray | memoryview) -> int:
    """Ones'-complement sum of 32-bit words; the length must be a multiple of four."""
    total = int(np.frombuffer(body, dtype=">u4").sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def encode(value: int) -> str:
    """16 letters and digits whose words add up to the complement of `value`."""
    text = [""] * 16
    complement = value ^ ALL_ONES
    for i in range(4):
        for j, code in enumerate(_four_codes(complement >> (24 - 8 * i) & 0xFF)):
            text[4 * j + i] = chr(code)
    # the value starts in column 12 of its card, one byte before a word begins
    return text[15] + "".join(text[:15])


def _four_codes(byte: int) -> list[int]:
    """Four printable codes, no punctuation, that add up to a byte and four zeros ('0')."""
    quotient, remainder = divmod(byte, 4)
    codes = [quotient + 0x30] * 4
    codes[0] += remainder
    while any(code in _PUNCTUATION for code in codes):
        for k in (0, 2):
            if codes[k] in _PUNCTUATION or codes[k + 1] in _PUNCTUATION:
                codes[k] += 1
                codes[k + 1] -= 1
    return codes


def seal(hdu: bytearray) -> None:
    """Write the CHECKSUM card of an HDU, in place, so that its words sum up to all ones.

    Raises
    ------
    ValueError
        If the HDU has no CHECKSUM card.
    """
    start = hdu.index(b"CHECKSUM= '") + 11
    hdu[start : start + 16] = b"0" * 16
    hdu[start : start + 16] = encode(ones_sum(hdu)).encode()
