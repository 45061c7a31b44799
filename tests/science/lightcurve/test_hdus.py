"""Hostile headers end in a named reason, within bounded time and memory."""

from contextlib import suppress

import numpy as np
import pytest

from calnet_ops.errors import QuarantinedFile, Truncated, WrongLayout
from calnet_ops.science.lightcurve.hdus import (
    BLOCK,
    Hdu,
    split_hdus,
    sums_to_minus_zero,
    table_rows,
)


def header(*cards: str) -> bytes:
    first = ("SIMPLE  =                    T", "BITPIX  =                    8", *cards, "END")
    text = "".join(card.ljust(80) for card in first)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode()


def cards(**values: str) -> Hdu:
    return Hdu(0, 0, 0, values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'NASA/Ames'          / maker", "NASA/Ames"),
        ("'O''Neill / co  '", "O'Neill / co"),
        ("T / yes", True),
        ("5.79D+03 / [K]", 5790.0),
        ("-12 / [count]", -12),
        ("    / missing", None),
    ],
)
def test_cards_of_all_kinds(text, value):
    assert cards(CARD=text).value("CARD") == value


def test_whole_number_in_quotes_is_taken():
    assert cards(TICID="'389023759'").integer("TICID") == 389023759


@pytest.mark.parametrize("text", ["T", "1.5", "'x'", "", "1e5x"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(WrongLayout):
        cards(NAXIS=text).integer("NAXIS")


@pytest.mark.parametrize(
    "bad",
    [
        ("NAXIS   = 999",),
        ("NAXIS   = -1",),
        ("NAXIS   = 1", "NAXIS1  = -5"),
        ("NAXIS   = 1", "NAXIS1  = 10", "PCOUNT  = -99"),
        ("NAXIS   = 2", "NAXIS1  = 99999999999999999999", "NAXIS2  = 99999999999999999999"),
        ("NAXIS   = 0", "NEXTEND = 1E300"),
        ("NAXIS   = 0", *["HISTORY x"] * 10_000),
    ],
)
def test_absurd_sizes_are_refused(bad):
    with pytest.raises(QuarantinedFile):
        split_hdus("file", header(*bad) + b"\0" * BLOCK)


def test_table_larger_than_its_unit_is_refused():
    table = cards(TFIELDS="1", TTYPE1="'A'", TFORM1="'D'", NAXIS1="8", NAXIS2="9")
    with pytest.raises(WrongLayout):
        table_rows(table, b"\0" * 16)


@pytest.mark.parametrize("n_field", ["0", "-1", "1000000000"])
def test_absurd_number_of_columns_is_refused(n_field):
    with pytest.raises(WrongLayout):
        table_rows(cards(TFIELDS=n_field), b"")


def test_header_without_end_is_truncated():
    with pytest.raises(Truncated):
        split_hdus("file", header("NAXIS   = 0").replace(b"END", b"   "))


def test_sum_carries_around_as_in_pure_python():
    words = np.random.default_rng(0).integers(0, 2**32, 720, dtype=np.uint32)
    total = 0
    for word in words[:-1].tolist():
        total += word
        total = (total & 0xFFFFFFFF) + (total >> 32)
    words[-1] = 0xFFFFFFFF - total
    body = words.astype(">u4").tobytes()
    assert sums_to_minus_zero(Hdu(0, 0, BLOCK, {}), body)
    assert not sums_to_minus_zero(Hdu(0, 0, BLOCK, {}), bytes(BLOCK))


def test_mutated_files_end_in_a_value_or_a_named_reason():
    rng = np.random.default_rng(5)
    sound = header("NAXIS   = 2", "NAXIS1  = 10", "NAXIS2  = 10", "NEXTEND = 0") + bytes(BLOCK)
    for _ in range(300):
        body = bytearray(sound)
        for offset in rng.integers(30, 560, 3):
            body[offset] = rng.integers(256)
        with suppress(QuarantinedFile):
            split_hdus("file", bytes(body))
