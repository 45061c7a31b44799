"""Labels: what catalogs say goes into the ledger, and what all said is frozen to a set."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Decision
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.labels.catalogs import is_catalog, read_catalog
from calnet_ops.science.labels.consensus import Consensus, consensus
from calnet_ops.science.labels.records import Details, LabelRecord, settle

VERSION = 2
"""Raised when the same decisions give another label set."""

STEP = "labels"
"""Name of this step in the ledger."""

LABEL_SET = pa.schema(
    [
        ("tic", pa.int64()),
        ("verdict", pa.string()),
        ("eb_type", pa.string()),
        ("source", pa.string()),
        ("simulated", pa.bool_()),
        ("n_vote", pa.int32()),
        ("set_aside", pa.string()),
        ("period_d", pa.float64()),
        ("epoch_btjd", pa.float64()),
        ("depth", pa.float64()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("gaia", pa.int64()),
        ("same_as", pa.int64()),
    ]
)
"""Columns of a label set, one row a star, sorted by TIC."""

GZIP = b"\x1f\x8b"
"""First bytes of a compressed file."""

Word = tuple[str, str, Details]
"""Verdict, type, and what else is known."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReadLabels:
    """What was read of a file or a folder."""

    records: tuple[LabelRecord, ...]
    files_ignored: tuple[str, ...] = ()
    """Files of the folder that are no label catalogs."""

    def __iter__(self) -> Iterator[LabelRecord]:
        return iter(self.records)


class LoadedLabels(TypedDict):
    """What became of the records of some catalogs."""

    n_record: int
    n_new: int
    """Appended to the ledger; the rest was there already."""
    n_set_aside: int
    """Words about hosts of planets that are kept, but not counted."""
    files_ignored: list[str]
    """Files of the folder that are no label catalogs."""


class LabelSetRecord(TypedDict):
    """A frozen set of labels."""

    set_id: str
    key: str
    n_eb: int
    n_not_eb: int
    n_conflict: int
    """Stars left out because those heard contradict each other."""
    n_unsure: int
    n_set_aside: int
    """Hosts of planets that somebody calls a binary, and that count as none."""
    simulated: bool
    """Whether any of its stars never was."""


def read_labels(source: Path) -> ReadLabels:
    """Read a label catalog, or all catalogs in a folder. Either may be compressed with gzip.

    Whatever else lies in a folder, such as a README, is left out and named.

    Raises
    ------
    WrongConfiguration
        If there is no catalog, or one cannot be read.
    """
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    files = [file for file in files if file.is_file() and not file.name.startswith(".")]
    texts = {file: _body(file) for file in files}
    catalogs = [file for file in files if is_catalog(texts[file].decode(errors="replace"))]
    if source.is_file():
        catalogs = files  # whose columns, if nobody knows them, are named by `read_catalog`
    if not catalogs:
        found = f"none in {', '.join(file.name for file in files[:8])}" if files else "no file"
        raise WrongConfiguration(str(source), found=found, expected="label catalogs")
    return ReadLabels(
        tuple(record for file in catalogs for record in _records(file, texts[file])),
        tuple(file.name for file in files if file not in catalogs),
    )


def _body(file: Path) -> bytes:
    """Content, uncompressed, without the mark that spreadsheets put before UTF-8."""
    try:
        body = file.read_bytes()
        body = gzip.decompress(body) if body.startswith(GZIP) else body
    except (OSError, EOFError, zlib.error) as error:
        raise WrongConfiguration(
            str(file), found=str(error), expected="a readable label catalog"
        ) from error
    return body.removeprefix(b"\xef\xbb\xbf")


def _records(file: Path, body: bytes) -> list[LabelRecord]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise WrongConfiguration(
            f"{file.name}, line {line}", found=str(error), expected="text in UTF-8"
        ) from error
    return read_catalog(file.name.removesuffix(".gz"), text)


def load_labels(records: Iterable[LabelRecord] | ReadLabels, platform: Platform) -> LoadedLabels:
    """Append what catalogs say to the ledger.

    What a catalog has said before is not said again, so loading twice changes nothing.
    """
    settled = settle(records)
    known = _last_words(platform.ledger.decisions())
    new = [
        record
        for record in (*settled.records, *settled.set_aside)
        if known.get((record.tic, record.catalog)) != _word(record)
    ]
    platform.ledger.add_decisions([_decision(record) for record in new])
    loaded = LoadedLabels(
        n_record=len(settled.records),
        n_new=len(new),
        n_set_aside=len(settled.set_aside),
        files_ignored=list(records.files_ignored) if isinstance(records, ReadLabels) else [],
    )
    log.info("labels_loaded", **loaded)
    return loaded


def freeze_labels(platform: Platform) -> LabelSetRecord:
    """Weigh all decisions of the ledger and keep one verdict a star.

    The id of the set comes from its content: decisions that change no verdict make no new set.

    Raises
    ------
    MissingInput
        If nobody has said anything that counts.
    """
    agreed = consensus(platform.ledger.decisions())
    if not agreed.rows:
        raise MissingInput(
            "label set",
            found="no star with a verdict",
            expected="labels in the ledger",
            cure="Run: calnet-ops labels load FOLDER",
        )
    table = pa.Table.from_pylist([dict(row) for row in agreed.rows], schema=LABEL_SET)
    set_id = lineage_id("freeze", VERSION, rows=table.to_pylist())
    record = _record(set_id, agreed)
    platform.store.save_table(record["key"], table)
    platform.ledger.record(STEP, 0, record["key"], facts={**record})
    log.info("labels_frozen", **record)
    return record


def _record(set_id: str, agreed: Consensus) -> LabelSetRecord:
    verdicts = [row["verdict"] for row in agreed.rows]
    return LabelSetRecord(
        set_id=set_id,
        key=keys.label_set(set_id),
        n_eb=verdicts.count("EB"),
        n_not_eb=verdicts.count("NOT_EB"),
        n_conflict=agreed.n_conflict,
        n_unsure=agreed.n_unsure,
        n_set_aside=sum(bool(row["set_aside"]) for row in agreed.rows),
        simulated=any(row["simulated"] for row in agreed.rows),
    )


def _last_words(decisions: Iterable[Decision]) -> dict[tuple[int, str], Word]:
    """What each voter said last about each star."""
    return {(decision.tic, decision.vetter): _word(decision) for decision in decisions}


def _word(said: Decision | LabelRecord) -> Word:
    return said.verdict, said.eb_type, said.details


def _decision(record: LabelRecord) -> dict[str, Any]:
    return {
        "tic": record.tic,
        "sector": 0,
        "verdict": record.verdict,
        "eb_type": record.eb_type,
        "vetter": record.catalog,
        "source": record.source,
        "simulated": record.simulated,
        "note": record.note,
        **asdict(record.details),
    }
