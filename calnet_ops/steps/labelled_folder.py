"""A folder of labelled light curves: its manifest, and which of its files can be believed."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calnet_ops.errors import WrongConfiguration
from calnet_ops.lineage import sha256_hex

MANIFEST = "manifest.csv"
"""Name of the list of files."""

REQUIRED = ("path", "tic", "label")
"""Columns that a manifest must have; of the others, those that are known are used if there."""

TRUTH = {"EB": True, "PLANET": False, "NONEB": False}
"""Whether a star with this label is a binary. Other labels (AMBIGUOUS) are told, not counted."""

NO_LABEL = frozenset({"", "UNLABELLED"})
"""Labels of files of which nothing is known: they are left out."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A row of a manifest."""

    path: Path
    name: str
    """As the manifest has it."""
    tic: int
    label: str
    """In capitals."""
    clean: bool
    """Whether sources that know nothing of each other agree."""
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
    """Labelled files of a folder, in the order of its manifest.

    Parameters
    ----------
    folder
        With a ``manifest.csv``: columns path (relative to the folder), tic and label (EB, PLANET,
        NONEB, AMBIGUOUS); and if there clean, product, sha256, bytes, tmag, ra, dec, and of
        injections kind, base_tic, period_d, depth. Others are ignored.

    Raises
    ------
    WrongConfiguration
        If there is no manifest, it lacks a column, or no file has a label.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise WrongConfiguration(
            str(folder), found=f"no {MANIFEST}", expected=f"{MANIFEST} with path, tic and label"
        )
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise WrongConfiguration(
                str(manifest), found=f"no column {', '.join(missing)}", expected=" ".join(REQUIRED)
            )
        rows = [row for row in reader if _text(row, "label").upper() not in NO_LABEL]
    if not rows:
        raise WrongConfiguration(
            str(manifest), found="no labelled file", expected=f"labels such as {', '.join(TRUTH)}"
        )
    return [_read_row(folder, row) for row in rows]


def _read_row(folder: Path, row: Mapping[str, str | None]) -> LabelledFile:
    name, tic = _text(row, "path"), _whole(row, "tic")
    path = folder / name
    return LabelledFile(
        path=path,
        name=name,
        tic=tic,
        label=_text(row, "label").upper(),
        clean=_text(row, "clean").lower() in {"true", "1", "yes", "t"},
        product=_text(row, "product"),
        kind=_text(row, "kind"),
        base_tic=_whole(row, "base_tic") or tic,
        tmag=_number(row, "tmag"),
        period=_number(row, "period_d"),
        depth=_number(row, "depth"),
        ra=_number(row, "ra"),
        dec=_number(row, "dec"),
        problem=_problem(path, row),
    )


def _problem(path: Path, row: Mapping[str, str | None]) -> str:
    """What is wrong with a file before it is read as a light curve."""
    if not _whole(row, "tic"):
        return f"manifest: found tic {_text(row, 'tic')!r}, expected a number"
    if not path.is_file():
        return f"{path}: no such file"
    size, digest = _text(row, "bytes"), _text(row, "sha256").lower()
    if size.isdigit() and path.stat().st_size != int(size):
        return f"{path.name}: found {path.stat().st_size} bytes, expected {size} (manifest)"
    if digest:
        found = sha256_hex(path.read_bytes())
        if found != digest:
            return f"{path.name}: found sha256 {found[:12]}…, expected {digest[:12]}… (manifest)"
    return ""


def _text(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _whole(row: Mapping[str, str | None], name: str) -> int:
    text = _text(row, name)
    return int(text) if text.isdigit() else 0


def _number(row: Mapping[str, str | None], name: str) -> float:
    try:
        return float(_text(row, name) or math.nan)
    except ValueError:
        return math.nan
