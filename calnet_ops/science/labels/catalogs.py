"""Readers of label catalogs, chosen by content: what a file is called does not matter."""

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.labels.records import (
    EB_TYPES,
    NO_DETAILS,
    SIMULATED_TIC,
    Details,
    LabelRecord,
    Source,
    Verdict,
)

MORPHOLOGY_EB = 0.5
MORPHOLOGY_EW = 0.7
"""Morphology coefficient from which a binary is semi-detached, and from which it is in contact
(Matijevič et al. 2012, AJ 143, 123, section 4, as Prsa et al. 2022 use it)."""

PLANET_DISPOSITIONS = frozenset({"KP", "CP"})
"""TOI dispositions "known planet" and "confirmed planet"."""

OPEN_DISPOSITIONS = frozenset({"PC", "APC"})
"""TOI dispositions "(ambiguous) planet candidate": nobody knows yet, so nobody should learn."""

TRUE_WORDS = frozenset({"true", "t", "1", "yes", "eb"})
FALSE_WORDS = frozenset({"false", "f", "0", "no", "not_eb", "noneb", "planet"})
UNSURE_WORDS = frozenset({"unsure", "ambiguous"})
"""How tables of verdicts spell them, in lower case. Anything else says nothing."""

TYPE_WORDS = frozenset(eb_type.lower() for eb_type in EB_TYPES)
"""Types in place of verdicts: each is a binary."""

PLANET_TYPE = "EP"
"""Star eclipsed by its planet in the VSX, which flags it like a binary."""

BTJD_ZERO = 2_457_000.0
"""BJD at which BTJD is 0."""

_TIC = re.compile(r"(?:TIC[ _-]*)?0*([1-9][0-9]{0,17})(?:\.0*)?", re.IGNORECASE)
"""A star's number as lists and spreadsheets write it: ``123``, ``123.0``, ``TIC 123``."""

_WHOLE = re.compile(r"[1-9][0-9]{0,17}|[1-8][0-9]{18}")
"""Positive number that 64 bits hold."""

_DESCRIBED = re.compile(r"^ *\d+- *\d+ +\S+ +\S+ +(\w+)")
"""Line of a machine-readable header such as ``11- 25 E15.9  d     P      Orbital period``."""

Row = dict[str, str]
Line = tuple[int, list[str]]
"""Number of a line in the file, from 1, and its cells."""

Reader = Callable[[str, Row], Iterator[LabelRecord]]
"""What one row of a catalog of that name says."""


def is_catalog(text: str) -> bool:
    """Whether the columns are those of a label catalog, whatever its rows hold."""
    return _reader(_table(text)[0]) is not None


def read_catalog(name: str, text: str) -> list[LabelRecord]:
    """What a catalog says, one record a star (and verdict).

    Parameters
    ----------
    name
        Said in records and errors.
    text
        The whole file.

    Raises
    ------
    WrongConfiguration
        If it is none of the catalogs known, or one of its rows cannot be read.
    """
    columns, lines = _table(text)
    reader = _reader(columns)
    if reader is None:
        raise WrongConfiguration(
            name,
            found=f"columns {', '.join(columns[:8]) or 'none'}",
            expected="a label catalog, or a CSV with the columns tic and verdict (or is_eb)",
        )
    number, records = 1, list[LabelRecord]()
    try:
        for number, cells in lines:  # noqa: B007 - the error names it
            records += reader(name, _row(columns, cells))
    except (ValueError, csv.Error) as error:
        raise WrongConfiguration(
            f"{name}, line {number}",
            found=str(error),
            expected=f"{len(columns)} cells with a TIC number such as 123456789",
        ) from error
    return list({(r.tic, r.verdict): r for r in _with_types(columns, records)}.values())


def _reader(columns: list[str]) -> Reader | None:
    """The first whose columns are all there."""
    fitting = (reader for needed, reader in READERS.items() if set(needed) <= set(columns))
    return next(fitting, None)


def _table(text: str) -> tuple[list[str], Iterator[Line]]:
    """Columns, and cells by line, of a catalog in any of the three notations."""
    lines = text.splitlines()
    if len(lines) > 1 and lines[1].startswith("---"):
        return _two_line(lines)
    if text.startswith("Title:"):
        return _machine_readable(lines)
    reader = csv.reader(lines)
    try:
        columns = next(reader, [])
    except csv.Error:  # an image, say
        return [], iter(())
    return columns, ((reader.line_num, cells) for cells in reader if cells)


def _row(columns: list[str], cells: list[str]) -> Row:
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        msg = f"{len(cells)} cells"
        raise ValueError(msg)
    return dict(zip(columns, cells, strict=False))


def _two_line(lines: list[str]) -> tuple[list[str], Iterator[Line]]:
    """Fixed-width columns under a line of dashes: astropy's ``fixed_width_two_line``."""
    edges, start = [], 0
    for dashes in lines[1].split(" "):
        edges.append((start, start + len(dashes)))
        start += len(dashes) + 1
    columns = [lines[0][first:last].strip() for first, last in edges]
    rows = ((number, line) for number, line in enumerate(lines[2:], 3) if line)
    return columns, (
        (number, [line[first:last].strip() for first, last in edges]) for number, line in rows
    )


def _machine_readable(lines: list[str]) -> tuple[list[str], Iterator[Line]]:
    """Machine-readable table of the AJ and ApJ: the rows follow the last rule."""
    rules = [number for number, line in enumerate(lines, 1) if line.startswith("-----")]
    last_rule = rules[-1] if rules else 0
    columns = [match[1] for line in lines[:last_rule] if (match := _DESCRIBED.match(line))]
    rows = ((number, line.split()) for number, line in enumerate(lines[last_rule:], last_rule + 1))
    return columns, ((number, cells) for number, cells in rows if cells)


def _with_types(columns: list[str], records: list[LabelRecord]) -> list[LabelRecord]:
    """Types also of those called EB, where a table calls others EA or EW in the same column."""
    own_types = "tic" not in columns or not {"eb_type", "kind", "type"}.isdisjoint(columns)
    if own_types or not any(record.eb_type for record in records):
        return records
    return [
        replace(record, eb_type="EB") if record.verdict == "EB" and not record.eb_type else record
        for record in records
    ]


def _calnet_class(name: str, row: Row) -> Iterator[LabelRecord]:
    """CALNet's training samples: all binaries."""
    place = Details(ra=_number(row, "RAJ2000"), dec=_number(row, "DEJ2000"))
    yield _binary(name, row["TIC"], row["class"], place)


def _calnet_discovery(name: str, row: Row) -> Iterator[LabelRecord]:
    """CALNet's new binaries; entries that the TIC calls artefact or duplicate are left out."""
    if row["Disp"] not in {"ARTIFACT", "DUPLICATE"}:
        details = Details(
            ra=_number(row, "RAJ2000"),
            dec=_number(row, "DEJ2000"),
            gaia=_whole(row, "Gaia"),
            same_as=_whole(row, "m_TIC"),
        )
        yield _binary(name, row["TIC"], "", details)


def _prsa(name: str, row: Row) -> Iterator[LabelRecord]:
    """Prsa et al. 2022: binaries with a morphology coefficient."""
    details = Details(
        period_d=_positive(row, "period"),
        epoch_btjd=_number(row, "bjd0"),
        depth=_depth(row, "prim_depth_pf") or _depth(row, "prim_depth_2g"),
        ra=_number(row, "ra"),
        dec=_number(row, "dec"),
    )
    yield _binary(name, row["tess_id"], _type_of_morphology(row["morph_coeff"]), details)


def _type_of_morphology(text: str) -> str:
    if not text:
        return ""
    morphology = float(text)
    return "EA" if morphology < MORPHOLOGY_EB else "EB" if morphology < MORPHOLOGY_EW else "EW"


def _justesen(name: str, row: Row) -> Iterator[LabelRecord]:
    """Justesen and Albrecht 2021: detached binaries in short eccentric orbits and others."""
    details = Details(
        period_d=_positive(row, "P"),
        epoch_btjd=_number(row, "t1"),
        depth=_depth(row, "d1", "d2"),
    )
    yield _binary(name, row["TIC"], "", details)


def _toi(name: str, row: Row) -> Iterator[LabelRecord]:
    """TOI table: hosts of planets, and stars that nobody should learn from yet."""
    disposition = row["TFOPWG Disposition"]
    if disposition in PLANET_DISPOSITIONS:
        yield _record(name, row["TIC ID"], "NOT_EB", source="planet_host", note=disposition)
    elif disposition in OPEN_DISPOSITIONS:
        yield _record(name, row["TIC ID"], "UNSURE", note=disposition)


def _variable_flags(name: str, row: Row) -> Iterator[LabelRecord]:
    """Flags of VSX, ASAS-SN or SIMBAD: T eclipsing, F another variable, - not known."""
    variable_type = row.get("Type") or row.get("V__vartyp") or ""
    if PLANET_TYPE in variable_type.replace("|", " ").split():
        yield _record(name, row["TIC_ID"], "NOT_EB", source="planet_host", note=variable_type)
    elif row["Is_EB"] == "T":
        period = _positive(row, "Period") or _positive(row, "Per")
        yield _binary(name, row["TIC_ID"], variable_type, Details(period_d=period))
    elif row["Is_EB"] == "F":
        yield _record(name, row["TIC_ID"], "NOT_EB", note=variable_type)


def _verdict_column(column: str) -> Reader:
    """Reader of a plain table, ours or the simulator's, by the column of its verdicts."""

    def read(name: str, row: Row) -> Iterator[LabelRecord]:
        if row.get("damage"):  # the simulator's: such a file may bear another star's number
            return
        word = row[column].strip().lower()
        eb_type = row.get("eb_type") or row.get("kind") or row.get("type") or ""
        details = _plain_details(row)
        if word == "planet":
            yield _record(
                name, row["tic"], "NOT_EB", source="planet_host", note=row[column], details=details
            )
        elif word in TRUE_WORDS:
            yield _binary(name, row["tic"], eb_type, details)
        elif word in TYPE_WORDS:
            yield _binary(name, row["tic"], eb_type or word.upper(), details)
        elif word in FALSE_WORDS | UNSURE_WORDS:
            verdict: Verdict = "UNSURE" if word in UNSURE_WORDS else "NOT_EB"
            yield _record(name, row["tic"], verdict, note=row.get("kind", ""), details=details)

    return read


def _plain_details(row: Row) -> Details:
    """Of a plain table; epochs may be given as BJD."""
    epoch = _number(row, "epoch_btjd")
    if epoch is None and (bjd := _number(row, "epoch_bjd_tdb")) is not None:
        epoch = bjd - BTJD_ZERO
    return Details(
        period_d=_positive(row, "period_d") or _positive(row, "period"),
        epoch_btjd=epoch,
        depth=_depth(row, "depth") or _depth(row, "depth_1", "depth_2"),
        ra=_number(row, "ra"),
        dec=_number(row, "dec"),
        gaia=_whole(row, "gaia"),
        same_as=_whole(row, "same_as"),
    )


def _number(row: Row, column: str) -> float | None:
    """Number in a cell; None if it is empty, absent, or text such as ``NON PERIODIC``."""
    try:
        value = float(row.get(column, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _positive(row: Row, column: str) -> float | None:
    value = _number(row, column)
    return value if value is not None and value > 0 else None


def _depth(row: Row, *columns: str) -> float | None:
    """The deepest eclipse that is one: fits gone wrong have depths up to 3e4."""
    depths = [_number(row, column) for column in columns]
    return max((depth for depth in depths if depth is not None and 0 < depth <= 1), default=None)


def _whole(row: Row, column: str) -> int | None:
    """Whole number in a cell; those of Gaia have 19 digits, more than a float."""
    text = row.get(column, "").strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def _binary(name: str, tic: str, eb_type: str, details: Details = NO_DETAILS) -> LabelRecord:
    eb_type = eb_type if eb_type in EB_TYPES else ""
    return _record(name, tic, "EB", eb_type=eb_type, details=details)


def _record(
    name: str,
    tic: str,
    verdict: Verdict,
    *,
    eb_type: str = "",
    source: Source = "catalog",
    note: str = "",
    details: Details = NO_DETAILS,
) -> LabelRecord:
    match = _TIC.fullmatch(tic.strip())
    if match is None:
        msg = f"TIC number {tic!r}"
        raise ValueError(msg)
    number = int(match[1])
    if number >= SIMULATED_TIC:
        source = "simulated"
    return LabelRecord(number, verdict, eb_type, name[:64], source, note, details)


READERS: dict[tuple[str, ...], Reader] = {
    ("TIC", "class"): _calnet_class,
    ("TIC", "m_TIC", "Disp"): _calnet_discovery,
    ("tess_id", "morph_coeff"): _prsa,
    ("TIC", "ecosw"): _justesen,
    ("TIC ID", "TFOPWG Disposition"): _toi,
    ("TIC_ID", "Is_EB"): _variable_flags,
    ("tic", "is_eb"): _verdict_column("is_eb"),
    ("tic", "verdict"): _verdict_column("verdict"),
    ("tic", "label"): _verdict_column("label"),
}
"""Catalogs by the columns that only they have. The first that fits reads the file."""
