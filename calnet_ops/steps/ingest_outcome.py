"""What became of a file, as the manifest, the delivery before and the object itself tell it."""

from collections.abc import Mapping
from dataclasses import dataclass

from calnet_ops.adapters.archive import ARCHIVE
from calnet_ops.science.checks.sector import STORED
from calnet_ops.steps.ingest_tables import MANIFEST, Row
from calnet_ops.steps.ingest_trust import SOUND

TOLD = ("etag", "last_modified", "source", "trust", "evidence", "compared", "reason", "message")
"""Columns of text that are kept with the object too, so that its row in the manifest can be
written again from the store alone. All of them together are shorter than S3 allows (2 KB)."""

COUNTED = ("delivery", "n_try", "n_look")
"""Columns of numbers that are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    row: Row
    """Its row in the manifest."""
    statistics: Row | None
    """Its row in the statistics table; None if it is not believed."""
    n_request: int = 0
    """Requests to archive and second source, tries included, redirects not."""
    n_bytes: int = 0
    """That came over the network."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the delivery before has of the files of a shard."""

    rows: Mapping[str, Row]
    """Of its manifest, by file name."""
    statistics: Mapping[str, Row]
    """Of its statistics table, by file name."""

    def outcome(self, file_name: str) -> Outcome | None:
        """Its last word on a file, if that is all there and of this version of the software."""
        row, statistics = self.rows.get(file_name, {}), self.statistics.get(file_name)
        if not set(MANIFEST.names) <= row.keys() or (row["status"] == STORED) != bool(statistics):
            return None
        return Outcome(row, statistics)

    def has(self, file_name: str, digest: str) -> Row | None:
        """Row of a file, if it is stored with these bytes."""
        row = self.rows.get(file_name, {})
        return row if (row.get("status"), row.get("sha256")) == (STORED, digest) else None


def told_of(row: Row) -> dict[str, str]:
    """What is kept of a row with the object that it is about."""
    return {column: str(row[column]) for column in (*TOLD, *COUNTED)}


def read_told(told: Mapping[str, str]) -> Row:
    """Columns of a row from what was kept of it; of an older version's objects there is little."""
    defaults = {"source": ARCHIVE, "trust": SOUND}
    texts = {column: told.get(column, defaults.get(column, "")) for column in TOLD}
    return texts | {column: int(told[column]) for column in COUNTED if column in told}
