"""Hostile headers end in a named reason, within bounded time and memory."""

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


@pytest.mark.parametrize("text", ["1_000", "1E400", "INF", "0x10", "²", "1 2", "'no end", "'\x1b'"])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(WrongLayout):
        cards(CARD=text).value("CARD")


def test_text_that_goes_on_in_another_card_is_given_without_its_end():
    assert cards(CREATOR="'job 7 of&'").text("CREATOR") == "job 7 of"


@pytest.mark.parametrize(
    "text", ["T", "1.5", "'x'", "", "1e5x", "NaN", "9" * 19, "'" + "9" * 60 + "'"]
)
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
        ("NAXIS   = 1", "NAXIS1  = 10", "GCOUNT  = -1"),
        ("NAXIS   = 1", "NAXIS1  = 10", "GCOUNT  = 1000000000000"),
        ("NAXIS   = 0", *["HISTORY x"] * 10_000),
    ],
)
def test_absurd_sizes_are_refused(bad):
    with pytest.raises(QuarantinedFile):
        split_hdus("file", header(*bad) + b"\0" * BLOCK)


@pytest.mark.parametrize("promise", ["-1", "1E300", "NaN", "'x'", "9" * 60])
def test_absurd_number_of_units_is_refused(promise):
    with pytest.raises(WrongLayout, match="NEXTEND"):
        split_hdus("file", header("NAXIS   = 0", f"NEXTEND = {promise}"))


def test_units_without_end_are_refused():
    body = header("NAXIS   = 0") + header("NAXIS   = 0").replace(b"SIMPLE  ", b"XTENSION") * 40
    with pytest.raises(WrongLayout, match="more than 32 HDUs"):
        split_hdus("file", body)


def test_absurd_bits_are_refused():
    body = header("NAXIS   = 0").replace(
        b"BITPIX  =                    8", b"BITPIX  =           1000000000"
    )
    with pytest.raises(WrongLayout, match="BITPIX"):
        split_hdus("file", body)


TABLE = {"XTENSION": "'BINTABLE'", "NAXIS": "2", "NAXIS1": "16", "NAXIS2": "1", "TFIELDS": "2"}
TABLE |= {"TTYPE1": "'A'", "TFORM1": "'D'", "TTYPE2": "'B'", "TFORM2": "'1D'"}


@pytest.mark.parametrize(
    "changed",
    [
        {"NAXIS2": "9"},
        {"NAXIS2": "1000000000000000000"},
        {"NAXIS1": "8"},
        {"NAXIS1": "0"},
        {"TFIELDS": "0"},
        {"TFIELDS": "-1"},
        {"TFIELDS": "1000000000"},
        {"TTYPE2": "'a'"},
        {"TFORM2": "'1000000000D'"},
        {"TFORM2": "'0D'"},
        {"TFORM2": "'PD(9)'"},
        {"TFORM2": "'16A'"},
        {"XTENSION": "'TABLE'"},
        {"NAXIS": "3"},
    ],
)
def test_table_that_makes_no_sense_is_refused(changed):
    assert len(table_rows(Hdu(0, 0, 16, TABLE), bytes(16))) == 1
    with pytest.raises(WrongLayout) as caught:
        table_rows(Hdu(0, 0, 16, TABLE | changed), bytes(16))
    assert len(str(caught.value)) < 400


def test_message_quotes_no_more_than_a_line_of_a_file():
    many = TABLE | {"TFIELDS": "999"} | {f"TTYPE{n}": f"'{'x' * 60}{n}'" for n in range(1, 1000)}
    with pytest.raises(WrongLayout) as caught:
        table_rows(Hdu(0, 0, 16, many), bytes(16))
    assert len(str(caught.value)) < 400


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
