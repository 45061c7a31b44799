"""Files made wrong in every way a seed can think of, with checksums that are right again."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from calnet_ops.errors import RejectedInput
from calnet_ops.science.lightcurve.hdus import BLOCK, CARD, split_hdus

NASTY = (
    *(
        "0",
        "-1",
        "1",
        "7",
        "8",
        "100",
        "999",
        "1000",
        "99999",
        "2147483648",
        "9" * 18,
        "-" + "9" * 18,
    ),
    *(
        "9" * 68,
        "1" + "0" * 67,
        "1.5",
        "1E400",
        "-1E400",
        "1D5",
        "NaN",
        "INF",
        "1_000",
        "+5",
        "--5",
    ),
    *("T", "F", "", "/", "''", "'", "'8'", "'99999999999999999999'", "'no end", "'a''b'", "'x&'"),
    *(
        "'D'",
        "'1D'",
        "'0D'",
        "'1000000000D'",
        "'PD(9)'",
        "'QE(1)'",
        "'16A'",
        "'X'",
        "'1J'",
        "'-1E'",
    ),
    *(
        "'TIME'",
        "'time'",
        "'QUALITY'",
        "'PDCSAP_FLUX'",
        "'TIC 5'",
        "'BINTABLE'",
        "'TABLE'",
        "'IMAGE'",
    ),
    *("'NASA/Ames'", "'MIT/QLP'", "'PRIMARY'", "'LIGHTCURVE'", "'APERTURE'", "'a/b'", "'e-/s'"),
    *("'\x1b[2J'", "'\xb2\xff'", "'\n\r'", "'\0'", "\xb2", "1\xa02", "=", "= =", "(1,2)", "1+2j"),
)
"""Values of cards that no light curve has, or not there."""

SIZES = (
    *("NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "BITPIX", "TFIELDS", "NEXTEND"),
    *("XTENSION", "EXTNAME", "ORIGIN", "TICID", "SECTOR", "CAMERA", "CCD", "DATA_REL", "TIMEDEL"),
    *("OBJECT", "TESSMAG", "RA_OBJ", "TEFF", "CROWDSAP", "CDPP1_0", "SIMDATA", "CHECKSUM", "END"),
    *("TTYPE1", "TFORM1", "TUNIT1", "TTYPE3", "TFORM3", "TTYPE8", "TFORM10", "TUNIT8", "CONTINUE"),
)
"""Cards that readers ask for: they are hit more often than the rest."""

TEXTS = (
    b"<html><body>503 Service Unavailable</body></html>",
    b"\n<Error><Code>InvalidRange</Code><Message>The requested range cannot be satisfied.",
    b'{"status": "ERROR", "msg": "timed out"}',
    b"curl: (18) transfer closed with outstanding read data remaining\n",
    b"END" + b" " * 77,
    b"SIMPLE  =                    T",
    b"XTENSION= 'BINTABLE'",
    bytes(BLOCK),
)
"""What gets between the bytes of a file."""

NUMBERS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e308, 5e-324, 2457000.5, 1e300)
"""Values of cells."""

Mutation = Callable[[bytearray, np.random.Generator], None]


class Mutator:
    """Wrong versions of one file, each by its number alone.

    Parameters
    ----------
    body
        A sound file.
    seed
        Of all that is drawn.
    """

    def __init__(self, body: bytes, seed: int = 0) -> None:
        self.body = body
        self.seed = seed
        hdus = split_hdus("sound", body)
        self.edges = [0, *(hdu.stop for hdu in hdus)]

    def version(self, number: int) -> bytes:
        """File with one to three things wrong; two of three have good checksums all the same."""
        rng = np.random.default_rng([self.seed, number])
        bad = bytearray(self.body)
        for _ in range(rng.integers(1, 4)):
            MUTATIONS[rng.integers(len(MUTATIONS))](bad, rng)
        if rng.random() < 2 / 3:
            return reseal(bad, self.edges)
        return bytes(bad)


def reseal(body: bytes | bytearray, edges: Sequence[int]) -> bytes:
    """Make the sum of each unit between two edges right by its last word, which is padding."""
    bad = bytearray(body)
    for start, stop in pairwise(edge for edge in edges if edge <= len(bad)):
        bad[stop - 4 : stop] = bytes(4)
        words = np.frombuffer(bytes(bad[start:stop]), ">u4")
        rest = int(words.sum(dtype=np.uint64)) % 0xFFFFFFFF
        bad[stop - 4 : stop] = (0xFFFFFFFF - rest).to_bytes(4, "big")
    return bytes(bad)


def flip_bits(bad: bytearray, rng: np.random.Generator) -> None:
    """Up to eight bits."""
    for _ in range(rng.integers(1, 9) if bad else 0):
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))


def splice(bad: bytearray, rng: np.random.Generator) -> None:
    """Some text over the file, or between two bytes of it."""
    text = TEXTS[rng.integers(len(TEXTS))]
    at = int(rng.integers(len(bad) + 1))
    bad[at : at + len(text) * int(rng.integers(2))] = text


def copy_bytes(bad: bytearray, rng: np.random.Generator) -> None:
    """A piece of the file over another."""
    start, at, length = (int(number) for number in rng.integers(0, [len(bad) + 1] * 2 + [9000]))
    piece = bytes(bad[start : start + length])
    bad[at : at + len(piece)] = piece


def move_blocks(bad: bytearray, rng: np.random.Generator) -> None:
    """A block lost, doubled, or in the place of another."""
    n_block = len(bad) // BLOCK
    if not n_block:
        return
    first, second = (int(number) * BLOCK for number in rng.integers(0, n_block, 2))
    one, other = bytes(bad[first : first + BLOCK]), bytes(bad[second : second + BLOCK])
    way = int(rng.integers(4))
    if way == 0:
        del bad[first : first + BLOCK]
    elif way == 1:
        bad[first:first] = one
    else:
        bad[first : first + BLOCK], bad[second : second + BLOCK] = other, one


def truncate(bad: bytearray, rng: np.random.Generator) -> None:
    """Cut anywhere, or at a block."""
    end = int(rng.integers(len(bad) + 1))
    del bad[end // BLOCK * BLOCK if rng.random() < 1 / 2 else end :]


def edit_card(bad: bytearray, rng: np.random.Generator) -> None:
    """A nasty value, a card with another name, or one too many: in a header, or where one was."""
    wanted = rng.random() < 2 / 3
    keyword = SIZES[rng.integers(len(SIZES))] if wanted else ""
    places = _places(bad, keyword)
    if not places:
        return
    at = places[rng.integers(len(places))]
    name = keyword or SIZES[rng.integers(len(SIZES))]
    value = NASTY[rng.integers(len(NASTY))]
    way = rng.random()
    if way < 2 / 3:
        bad[at + 10 : at + CARD] = value.encode("latin-1")[:70].ljust(70)
    elif way < 5 / 6:
        bad[at : at + CARD] = f"{name:8}= {value}".encode("latin-1")[:CARD].ljust(CARD)
    else:
        bad[at : at + 8] = name.encode().ljust(8)


def edit_cells(bad: bytearray, rng: np.random.Generator) -> None:
    """Some numbers no star gives, wherever a row may lie."""
    number = np.array(NUMBERS[rng.integers(len(NUMBERS))])
    with np.errstate(over="ignore"):
        cell = number.astype(">f8" if rng.random() < 1 / 2 else ">f4").tobytes()
    for _ in range(rng.integers(1, 20)):
        at = int(rng.integers(len(bad) + 1)) // 4 * 4
        bad[at : at + len(cell)] = cell


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bits, splice, copy_bytes, move_blocks, truncate),
    *(edit_card, edit_card, edit_card, edit_card, edit_cells, edit_cells),
)
"""Ways to go wrong; those twice or more as often that get past the first checks."""


def _places(bad: bytearray, keyword: str) -> list[int]:
    """Where cards of a name begin; of no name, of any card in the first blocks."""
    if not keyword:
        return list(range(0, min(len(bad), 9 * BLOCK) - CARD + 1, CARD))
    places: list[int] = []
    at = bad.find(keyword.encode().ljust(8))
    while at >= 0 and len(places) < 9:
        if at % CARD == 0:
            places.append(at)
        at = bad.find(keyword.encode().ljust(8), at + 1)
    return places


def shorten(body: bytes, n_row: int) -> bytes:
    """The first rows of a light curve only, so that a mutation is more likely to hit a header."""
    hdus = split_hdus("sound", body)
    table = hdus[1]
    n_byte = table.integer("NAXIS1") * n_row
    head = bytearray(body[table.start : table.data_start])
    at = head.index(b"NAXIS2  = ")
    head[at + 10 : at + 30] = f"{n_row:20d}".encode()
    rows = body[table.data_start : table.data_start + n_byte]
    hdu = head + rows.ljust(-(-n_byte // BLOCK) * BLOCK, b"\0")
    short = body[: table.start] + bytes(hdu) + body[table.stop :]
    return reseal(short, Mutator(short).edges) if "CHECKSUM" in table.cards else short


def outcome(read: Callable[[], object]) -> str:
    """Reason for which bytes are refused, or ``value``; whatever else is raised goes through."""
    try:
        read()
    except RejectedInput as error:
        text = str(error)
        assert text.isprintable()
        assert len(text) < 1000, text
        return error.reason
    return "value"
