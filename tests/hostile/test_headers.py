"""Absurd headers are refused by name, in little time and memory whatever they promise."""

import bz2
import gzip
import time
import tracemalloc

import pytest

from calnet_ops.errors import QuarantinedFile, RejectedInput, Truncated, WrongLayout
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.hdus import BLOCK, CARD, split_hdus
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.mutations import reseal
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

NAME = spoc_name()

HUGE = ("1" + "0" * 18, "9" * 68, "-1", "0", "1E400", "NaN", "1.5", "'8'", "'9'", "T", "''", "")
"""Sizes as no file has them."""


@pytest.fixture(scope="module")
def sound() -> bytes:
    arrays = {name: values[:20] for name, values in spoc_arrays().items()}
    return spoc_bytes(arrays)


def card(body: bytes, keyword: str, value: str, number: int = 0) -> bytes:
    """File with another value in a card of that unit, its checksum right again."""
    hdu = split_hdus("sound", body)[number]
    at = body.index(keyword.encode().ljust(8), hdu.start, hdu.data_start)
    line = f"{keyword:8}= {value:>20}".encode("latin-1").ljust(CARD)[:CARD]
    return reseal(body[:at] + line + body[at + CARD :], [0, hdu.start, hdu.stop])


def refused(body: bytes) -> RejectedInput:
    """Reason for which each way to read a file refuses it, within bounds."""
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(QuarantinedFile) as caught:
        spoc.verify(NAME, body)
    with pytest.raises(QuarantinedFile):
        read_any("file", body)
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 3 * len(body) + 2_000_000
    assert len(str(caught.value)) < 600
    return caught.value


SIZES = [
    *(
        ("NAXIS", 0, "0"),
        ("NAXIS", 1, "2"),
        ("NAXIS1", 1, ""),
        ("NAXIS2", 1, ""),
        ("BITPIX", 1, "8"),
    ),
    *(
        ("PCOUNT", 1, "0"),
        ("GCOUNT", 1, "1"),
        ("TFIELDS", 1, ""),
        ("NAXIS1", 2, ""),
        ("NAXIS2", 2, ""),
    ),
]
"""Card, unit and what is right there."""


@pytest.mark.parametrize(
    ("keyword", "number", "value"),
    [
        (keyword, number, value)
        for keyword, number, right in SIZES
        for value in HUGE
        if value != right
    ],
)
def test_absurd_sizes_are_refused(sound, keyword, number, value):
    refused(card(sound, keyword, value, number))


@pytest.mark.parametrize("value", [*HUGE[:3], *HUGE[4:9], "'x'", "3"])
def test_absurd_number_of_units_is_refused(sound, value):
    refused(card(sound, "NEXTEND", value))


@pytest.mark.parametrize("form", ["1000000000D", "0D", "PD(9)", "QE(10)", "D" * 60, "-1E", "16X"])
def test_absurd_forms_of_columns_are_refused(sound, form):
    assert isinstance(refused(card(sound, "TFORM1", f"'{form}'", 1)), WrongLayout)


@pytest.mark.parametrize("column", ["TIME", "time", "PDCSAP_FLUX"])
def test_column_that_is_there_twice_is_refused(sound, column):
    assert isinstance(refused(card(sound, "TTYPE2", f"'{column}'", 1)), WrongLayout)


@pytest.mark.parametrize("text", ["'\xff\xfe'", "'\x1b[31m'", "'a\nb'", "'\0'", "'no end"])
@pytest.mark.parametrize("keyword", ["EXTNAME", "ORIGIN", "OBJECT", "PROCVER", "DATE"])
def test_bytes_that_are_no_text_are_refused_and_not_repeated(sound, keyword, text):
    error = refused(card(sound, keyword, text))
    assert str(error).isprintable()
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(2**26), compresslevel=1),
        bz2.compress(bytes(2**24)),
        b"%PDF-1.4",
        b"\0" * 2**22,
    ],
    ids=["gzip", "bzip2", "PDF", "zeros"],
)
def test_other_formats_are_refused_and_not_unpacked(body):
    refused(body)


def test_ten_thousand_cards_are_refused(sound):
    primary = split_hdus("sound", sound)[0]
    header = sound[: sound.index(b"END     ")]
    cards = b"".join(f"KEY{n:<5}= {n:>20}".encode().ljust(CARD) for n in range(10_000))
    body = (header + cards + b"END").ljust(-(-(len(header + cards) + 3) // BLOCK) * BLOCK)
    assert "END card in 64 blocks" in refused(body + sound[primary.stop :]).found


def test_endless_header_is_refused_without_reading_all_of_it():
    body = b"SIMPLE  =                    T".ljust(CARD) + b" " * 16_000_000
    assert isinstance(refused(body), WrongLayout)
    ends = b"SIMPLE  =                    T".ljust(CARD) + b"aEND    " * 2_000_000
    assert isinstance(refused(ends), WrongLayout)


def test_header_without_end_is_refused(sound):
    refused(sound.replace(b"END     ", b"ENDX    ", 1))
    assert isinstance(refused(sound.replace(b"END     ", b"ENDX    ")), Truncated | WrongLayout)


def test_chain_of_continued_strings_is_refused_or_read_as_its_first_part(sound):
    at = sound.index(b"PROCVER")
    chain = b"PROCVER = 'a&'".ljust(CARD) + b"CONTINUE  'b&'".ljust(CARD) * 7
    primary = split_hdus("sound", sound)[0]
    body = reseal(sound[:at] + chain + sound[at + len(chain) :], [0, primary.stop])
    with pytest.raises(QuarantinedFile):
        spoc.verify(NAME, body)  # cards that were there are lost
    at = sound.index(b"END     ") - 1
    header = sound[: at + 1] + b"CONTINUE  'b&'".ljust(CARD) * 3 + b"END".ljust(CARD)
    body = header.ljust(primary.stop) + sound[primary.stop :]
    assert spoc.verify(NAME, reseal(body, [0, primary.stop])).procver == "spoc-5.0.1"


def test_units_without_end_are_refused_soon():
    unit = b"XTENSION= 'IMAGE'".ljust(CARD) + b"BITPIX  = 8".ljust(CARD)
    unit = (unit + b"NAXIS   = 0".ljust(CARD) + b"END").ljust(BLOCK)
    body = unit.replace(b"XTENSION= 'IMAGE'", b"SIMPLE  =                    T"[:17], 1)
    body = b"SIMPLE  =                    T".ljust(CARD) + body[CARD:] + unit * 5000
    assert isinstance(refused(body), WrongLayout)
