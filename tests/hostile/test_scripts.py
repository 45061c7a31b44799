"""A script is parsed and never run, and no name in it leads out of its folder."""

import os
import time
import tracemalloc
from pathlib import PurePosixPath

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.adapters.archive.script import parse_script
from calnet_ops.errors import ArchiveUnavailable, ForeignProduct, WrongConfiguration
from calnet_ops.keys import SpocName
from tests.support.mirrors import Answer
from tests.support.spoc_files import spoc_name

NAME = spoc_name()
FIRST = "#!/bin/sh\n"
LINE = (
    f"curl -C - -L -o {NAME} "
    f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{NAME}\n"
)

TRICKS = (
    *(
        "touch marker",
        "; touch marker",
        "&& touch marker",
        "| sh",
        "$(touch marker)",
        "`touch marker`",
    ),
    *(
        "> marker",
        "\ntouch marker\n",
        "\rtouch marker\r",
        "\\\ntouch marker",
        "\x00touch marker",
        "#",
    ),
    *(
        "\x0btouch marker",
        "\x85touch marker",
        "\u2028touch marker",
        "'$(touch marker)'",
        "${IFS}marker",
    ),
    *(
        "../../marker",
        "/etc/passwd",
        "~/marker",
        "-o marker",
        "--config=marker",
        "a/b",
        "a\\b",
        "..",
    ),
    *("CON", "nul.", ".hidden", "a b", "a%2Fb", "a%00b", "a?b", "a#b", "a&b", "a=b", "a@b", "a:b"),
    *(
        "\u202emarker",
        "ｔess",
        "tess\u0455",
        "tess\u200b",
        "\ud800",
        "İ",
        "ﬁle",
        "\t",
        "\x1b[2J",
        "",
    ),
    "x" * 10_000,
)
"""What a file is not called."""


def script(*lines: str) -> bytes:
    return (FIRST + "".join(lines)).encode("utf-8", "surrogatepass")


def line_of(tic: int) -> str:
    """Line of a star."""
    return LINE.replace(NAME, spoc_name(tic))


def is_plain(name: str) -> bool:
    """Whether a name is one part of a path, and stays one in the store."""
    return PurePosixPath(keys.raw(87, 1, name)).parts == ("tess", "lc", "s087", name)


def parsed(body: bytes) -> list[str] | None:
    """Names in a script; None if it is refused in a line that can be shown to a person.

    A strange name that is plain may pass: it is that of no light curve, so it is not asked for.
    """
    try:
        names = [file.file_name for file in parse_script("script", body)]
    except ArchiveUnavailable as error:
        text = str(error)
        assert len(text) < 1000
        assert text.isprintable()
        return None
    assert all(is_plain(name) for name in names)
    return names


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("place", ["for", "before", "behind", "in"])
def test_tricks_in_names_are_refused_and_not_run(trick, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = {"for": trick, "before": trick + NAME, "behind": NAME + trick}.get(place, "")
    name = name or f"{NAME[:20]}{trick}{NAME[20:]}"
    names = parsed(script(LINE, LINE.replace(NAME, name), LINE))
    assert names is None or names == list(dict.fromkeys([NAME, name]))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_beside_good_lines_are_refused_and_not_run(trick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for body in (script(LINE, f"{trick}\n", LINE), script(LINE[:-1], f" {trick}\n", LINE)):
        with pytest.raises(ArchiveUnavailable):
            parse_script("script", body)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["$(touch marker).fits", "../../marker", "a\ntouch marker\n"])
def test_served_script_of_such_a_name_is_not_believed_in_any_line(scripted, name, tmp_path):
    server, archive = scripted(*[Answer(body=script(LINE, LINE.replace(NAME, name)))] * 3)
    with pytest.raises(ArchiveUnavailable, match="line 3"):
        archive.fetch_script(87)
    assert all(asked["path"].endswith("tesscurl_sector_87_lc.sh") for asked in server.asked)
    assert not any(tmp_path.iterdir())


def test_longest_script_that_is_read_is_parsed_in_bounded_time_and_memory():
    n_line = 16 * 2**20 // len(LINE)
    began = time.process_time()
    assert len(parse_script("script", script(*map(line_of, range(n_line))))) == n_line
    assert time.process_time() - began < 10
    body = script(*map(line_of, range(n_line // 16)))  # memory is slow to trace, and grows evenly
    tracemalloc.start()
    files = parse_script("script", body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(files) == n_line // 16
    assert 16 * peak < 64 * 2**20


@pytest.mark.parametrize("length", [None, "197000010", "10000000000"])
def test_script_of_a_million_lines_is_not_read_to_its_end(scripted, length):
    body = (FIRST + LINE * 100_000).encode()  # 20 MB of them stand for all
    _, archive = scripted(Answer(body=body, headers={"Content-Length": length}))
    tracemalloc.start()
    with pytest.raises(ArchiveUnavailable, match="bytes"):
        archive.fetch_script(87)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20


def test_mutated_scripts_end_in_a_list_or_a_named_reason():
    rng = np.random.default_rng(11)
    sound = script(*(LINE.replace("0284", f"{number:04d}") for number in range(3)))
    pieces = [trick.encode("utf-8", "surrogatepass") for trick in TRICKS]
    n_value = 0
    for _ in range(3000):
        body = bytearray(sound)
        for _ in range(rng.integers(1, 4)):
            at, piece = int(rng.integers(len(body))), pieces[rng.integers(len(pieces))]
            if rng.random() < 0.5:
                body[at : at + len(piece) * int(rng.integers(2))] = piece
            elif rng.random() < 0.5:
                body[at] = rng.integers(256)
            else:
                del body[at : at + int(rng.integers(1, 200))]
        n_value += parsed(bytes(body)) is not None
    assert n_value


LOOK_ALIKES = (
    f"{NAME}\n",
    f"\n{NAME}",
    f"{NAME} ",
    f"{NAME}\0",
    NAME.replace("0", "０"),
    NAME.replace("0", "٠"),
    NAME.replace("-s0", "-ѕ0"),
    NAME.replace("-", "‐"),
    NAME.replace("s_lc", "a_fast-lc"),
    NAME.upper(),
    f"../{NAME}",
    f"/tmp/{NAME}",
    NAME * 100,
    "9" * 10_000,
)
"""Names that look like that of a light curve, to people or to careless patterns."""


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_look_alikes_of_a_name_are_foreign(name):
    with pytest.raises(ForeignProduct) as caught:
        SpocName.parse(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text", ["s087\n", "²", "٣", "９", "s９９９", "-1", "1e3", "0", "s0000", "9" * 5000]
)
def test_look_alikes_of_a_sector_are_refused(text):
    with pytest.raises(WrongConfiguration) as caught:
        keys.parse_sector(text)
    assert len(str(caught.value)) < 200


def test_mutated_names_end_in_the_same_name_or_a_named_reason():
    rng = np.random.default_rng(12)
    signs = "0123456789-_.stesclfi/\\ \n\t\0٠０ѕ‐" + os.sep
    for _ in range(5000):
        name = list(NAME)
        for at in rng.integers(0, len(NAME), rng.integers(1, 4)):
            name[at] = signs[rng.integers(len(signs))] * int(rng.integers(3))
        text = "".join(name)
        try:
            assert str(SpocName.parse(text)) == text
        except ForeignProduct:
            continue
        assert is_plain(text)
