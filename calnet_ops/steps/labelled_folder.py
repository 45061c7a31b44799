"""A folder of labelled light curves: its manifest, and which of its files can be believed."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from calnet_ops.errors import WrongConfiguration
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.labels.catalogs import FALSE_WORDS, TRUE_WORDS, TYPE_WORDS, UNSURE_WORDS

MANIFEST = "manifest.csv"
"""Name of the list of files."""

REQUIRED = ("path", "tic", "label")
"""Columns that a manifest must have; of the others, those that are known are used if there."""

TRUTH = {"EB": True, "PLANET": False, "NONEB": False}
"""Whether a star with this label is a binary. Other labels (AMBIGUOUS) are told, not counted."""

WORDS = {
    **dict.fromkeys(TRUE_WORDS | TYPE_WORDS | {"eclipsing_binary", "binary"}, "EB"),
    **dict.fromkeys(FALSE_WORDS | {"non_eb", "no_eb", "not_an_eb", "quiet", "constant"}, "NONEB"),
    **dict.fromkeys(("planet", "planet_host"), "PLANET"),
    **dict.fromkeys(UNSURE_WORDS, "AMBIGUOUS"),
    **dict.fromkeys(("", "unlabelled", "unlabeled"), ""),
}
"""Label that a word means; words are in lower case, joined by underscores. Any other word is a
label of its own. Of files without one nothing is known: they are left out."""

_WHOLE = re.compile(r"(?:TIC[ _-]*)?0*([1-9][0-9]{0,17})(?:\.0*)?", re.IGNORECASE).fullmatch
"""Positive number that 64 bits hold."""

DELIMITERS = ",;\t"
"""What cells may be parted by; spreadsheets of some countries write semicolons."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A row of a manifest."""

    path: Path
    name: str
    """As the manifest has it."""
    tic: int
    label: str
    """In capitals; empty if it has none."""
    clean: bool | None
    """Whether sources that know nothing of each other agree; None if the manifest does not say."""
    product: str
    """What the manifest calls it; empty if it does not."""
    kind: str
    """EA, EB or EW of an injection, how a negative was made; empty on other stars."""
    base_tic: int
    """Real star that an injection was made on; else the star itself."""
    tmag: float
    period: float
    """[d]"""
    depth: float
    ra: float
    """[deg]"""
    dec: float
    problem: str
    """Why it cannot be used; empty if it can."""


def read_folder(folder: Path) -> list[LabelledFile]:
    """Files of a folder, in the order of its manifest.

    Parameters
    ----------
    folder
        With a ``manifest.csv``: columns path (relative to the folder), tic and label (EB, PLANET,
        NONEB, AMBIGUOUS); and if there clean, product, sha256, bytes, tmag, ra, dec, and of
        injections kind, base_tic, period_d, depth. Others are ignored; capitals and blanks around
        names and values are of no account.

    Raises
    ------
    WrongConfiguration
        If there is no manifest, it cannot be read or lacks a column, or no file has a label.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise _no_manifest(folder)
    try:
        rows = list(_rows(manifest))
    except (OSError, csv.Error) as error:
        raise WrongConfiguration(
            str(manifest), found=str(error), expected="a readable table of comma-separated values"
        ) from error
    seen = set[tuple[str, int]]()
    files = [_read_row(folder, row, seen) for row in rows]
    if not any(file.label for file in files):
        found = f"no labelled file in {len(files)} rows"
        raise WrongConfiguration(
            str(manifest), found=found, expected=f"labels such as {', '.join(TRUTH)}"
        )
    return files


def _no_manifest(folder: Path) -> WrongConfiguration:
    """Say what there is instead, and where the nearest one is."""
    cure, found = "", f"no {MANIFEST}" if folder.is_dir() else "no such folder"
    if folder.is_file():
        found, cure = "a file", f"Give the folder of the file, {folder.parent}."
    elif (folder.resolve().parent / MANIFEST).is_file():
        cure = f"There is one in {folder.parent}: give that folder."
    expected = f"a folder with {MANIFEST}, which has path, tic and label"
    return WrongConfiguration(str(folder), found=found, expected=expected, cure=cure)


def _rows(manifest: Path) -> Iterator[dict[str, str | None]]:
    """Rows that are not empty, by the names of the columns in lower case."""
    # what is not UTF-8 is in a column that we do not read, or in a name that no file will have
    text = manifest.read_bytes().decode("utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, ""), delimiter=max(DELIMITERS, key=first.count))
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        found = f"no column {', '.join(missing)} among {', '.join(names[:20]) or 'none'}"
        raise WrongConfiguration(str(manifest), found=found, expected=", ".join(REQUIRED))
    reader.fieldnames = names
    for row in reader:
        if any(_text(row, name) for name in REQUIRED):
            yield row


def _read_row(
    folder: Path, row: Mapping[str, str | None], seen: set[tuple[str, int]]
) -> LabelledFile:
    name, tic, label = _text(row, "path"), _whole(row, "tic"), _label(_text(row, "label"))
    path = folder / name
    twice = (name, tic) in seen
    seen.add((name, tic))
    return LabelledFile(
        path=path,
        name=name,
        tic=tic,
        label=label,
        clean=_yes(_text(row, "clean")),
        product=_text(row, "product"),
        kind=_text(row, "kind"),
        base_tic=_whole(row, "base_tic") or tic,
        tmag=_number(row, "tmag"),
        period=_number(row, "period_d"),
        depth=_number(row, "depth"),
        ra=_number(row, "ra"),
        dec=_number(row, "dec"),
        problem=f"{name}: listed twice in the manifest" if tic and twice else _problem(path, row),
    )


def _problem(path: Path, row: Mapping[str, str | None]) -> str:
    """What is wrong with a file before it is read as a light curve."""
    name = _text(row, "path")
    if not _whole(row, "tic"):
        return f"manifest: found tic {_text(row, 'tic')[:80]!r}, expected a number"
    if not _label(_text(row, "label")):
        return f"{name}: no label in the manifest"
    try:
        if not name or not path.is_file():
            return f"manifest: found path {name!r}, no such file; expected one in its folder"
        return _changed(path, row)
    except OSError as error:
        return f"{name[:200]}: cannot be read: {error.strerror}"


def _changed(path: Path, row: Mapping[str, str | None]) -> str:
    """Whether a file is another than the manifest lists, if it says."""
    size, digest = _whole(row, "bytes"), _text(row, "sha256").lower()
    if size and path.stat().st_size != size:
        return f"{path.name}: found {path.stat().st_size} bytes, expected {size} (manifest)"
    found = sha256_hex(path.read_bytes()) if digest else ""
    if found != digest:
        return f"{path.name}: found sha256 {found[:12]}…, expected {digest[:12]}… (manifest)"
    return ""


def _label(word: str) -> str:
    return WORDS.get(re.sub(r"[\W_]+", "_", word.lower()).strip("_"), word.upper())


def _yes(word: str) -> bool | None:
    return word.lower() in {"true", "1", "yes", "t"} if word else None


def _text(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _whole(row: Mapping[str, str | None], name: str) -> int:
    """Whole number as spreadsheets write it, ``TIC 123`` or ``123.0``; 0 if it is none."""
    match = _WHOLE(_text(row, name))
    return int(match[1]) if match else 0


def _number(row: Mapping[str, str | None], name: str) -> float:
    try:
        return float(_text(row, name) or math.nan)
    except ValueError:
        return math.nan
