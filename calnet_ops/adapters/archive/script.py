"""Download scripts of MAST: read, never run."""

import io
import re
from urllib.parse import parse_qs, urlsplit

from calnet_ops.adapters.archive import ListedFile
from calnet_ops.errors import ArchiveUnavailable

FIRST_LINE = b"#!/bin/sh\n"
"""What every script begins with; a page of an outage does not."""

PREFIX = ["curl", "-C", "-", "-L", "-o"]
"""Words of a line before the file name and the URL, in the scripts of sectors 1, 14, 56, 91."""

DOWNLOAD_PATH = "/api/v0.1/Download/file"

SAFE_NAME = re.compile(r"\w[\w.+-]{0,199}", re.ASCII)
"""No folder, no space, no shell character, no option."""

PLAIN_URL = re.compile(r"https?://[\w.:-]{1,100}/[!-~]{1,500}", re.ASCII)
"""Printable and of a length that a URL of MAST's has."""


def parse_script(name: str, body: bytes) -> tuple[ListedFile, ...]:
    """Files that a script lists, in its order.

    Parameters
    ----------
    name
        Of the script, for messages.
    body
        Its bytes.

    Raises
    ------
    ArchiveUnavailable
        If it is not a complete download script, if the two places of a line that name the file do
        not agree, or if a file has two addresses; a line may stand twice. A script that is wrong
        in one line is not believed in the others.
    """
    lines = io.BytesIO(body)  # one at a time: a file of nothing but line ends is long, too
    first = lines.readline()
    if first != FIRST_LINE:
        raise ArchiveUnavailable(name, found=repr(first[:60]), expected=repr(FIRST_LINE))
    if not body.endswith(b"\n") or body == FIRST_LINE:
        raise ArchiveUnavailable(
            name,
            found=f"{len(body)} bytes that end in {body[-20:]!r}",
            expected="files, and the end of a line: it was cut off",
        )
    files: dict[str, ListedFile] = {}
    for n, line in enumerate(lines, 2):
        file = _parse_line(f"{name}, line {n}", line[:-1].decode("ascii", "replace"))
        if files.setdefault(file.file_name, file) != file:
            raise ArchiveUnavailable(
                f"{name}, line {n}",
                found=f"another address of {file.file_name}",
                expected="one address for each file",
            )
    return tuple(files.values())


def _parse_line(what: str, line: str) -> ListedFile:
    words = line.split(" ")
    if words[:-2] != PREFIX:
        raise ArchiveUnavailable(what, found=repr(line[:80]), expected="curl -C - -L -o FILE URL")
    file_name, url = words[-2:]
    parts = urlsplit(url if PLAIN_URL.fullmatch(url) else "")
    uri = parse_qs(parts.query).get("uri", [""])[0]
    agree = uri.startswith("mast:") and uri.rpartition("/")[2] == file_name
    if not (SAFE_NAME.fullmatch(file_name) and agree and parts.path.rstrip("/") == DOWNLOAD_PATH):
        raise ArchiveUnavailable(
            what, found=f"-o {file_name[:80]!r} and {url[:200]!r}", expected="one plain name"
        )
    return ListedFile(file_name, url)
