"""The entries of a zip file from elsewhere, without trusting a word of it."""

import io
import re
import zipfile
from collections.abc import Callable

from calnet_ops.errors import ModelRefused

MAX_FILE = 512 * 2**20
"""Largest file [bytes]. The published network, trained, has 140 MB: weights and three copies of the
optimiser's."""

MAX_ENTRIES = 256
"""Most entries. A Keras file has 3, a PyTorch file of the port 40."""

_PATH = re.compile(r"(^|[\\/])\.\.([\\/]|$)|^[\\/]|^[A-Za-z]:|\0").search


def read_zip(what: str, body: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Contents of a zip file by name.

    Parameters
    ----------
    what
        Name of the file, for messages.
    body
        Its bytes.
    wanted
        Which entries may be in it.

    Raises
    ------
    ModelRefused
        If it is damaged, holds anything else, or would unfold to more than `MAX_FILE`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            _check(what, entries, wanted)
            contents = {one.filename: _read(what, archive, one) for one in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ModelRefused(
            what, found=f"a damaged zip file ({error!s:.80})", expected="a sound one"
        ) from error
    return contents


def _check(what: str, entries: list[zipfile.ZipInfo], wanted: Callable[[str], bool]) -> None:
    names = [one.filename for one in entries]
    if len(names) > MAX_ENTRIES or len(set(names)) < len(names):
        raise ModelRefused(
            what,
            found=f"{len(names)} entries, some of the same name or too many",
            expected=f"at most {MAX_ENTRIES}, each once",
        )
    for name in names:
        if _PATH(name):
            raise ModelRefused(
                what, found=f"an entry that leads elsewhere: {name:.80}", expected="plain names"
            )
        if not wanted(name):
            raise ModelRefused(
                what,
                found=f"an entry {name:.80}",
                expected="a network and its weights, and no further files",
            )
    total = sum(one.file_size for one in entries)
    if total > MAX_FILE:
        raise _too_large(what, total)


def _read(what: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size + 1)  # sizes in headers may be lies
    if len(content) > entry.file_size:
        raise _too_large(what, len(content))
    return content


def _too_large(what: str, n_bytes: int) -> ModelRefused:
    return ModelRefused(
        what,
        found=f"contents of {n_bytes / 2**20:.0f} MiB",
        expected=f"at most {MAX_FILE / 2**20:.0f} MiB",
    )
