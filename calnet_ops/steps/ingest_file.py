"""One listed file on its way from the archive to the store, or to quarantine."""

from dataclasses import dataclass
from typing import Any

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import Archive, Fetched
from calnet_ops.adapters.store import Store
from calnet_ops.errors import DuplicateTarget, OtherSector, RejectedInput
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.checks.sector import STORED
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc

QUARANTINED = "quarantined"
"""Status of a file that is not `STORED`: nothing else can become of a listed one."""

SIMULATED_CARD = b"SIMDATA =                    T"
"""Tells a simulated file even if it is not to be believed otherwise."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    row: dict[str, Any]
    """Its row in the manifest."""
    statistics: dict[str, Any] | None
    """Its row in the statistics table; None if it is not believed."""


@dataclass(frozen=True, slots=True)
class Puller:
    """Pulls the files of one delivery.

    Its threads share it: it holds nothing that changes.
    """

    sector: int
    delivery: int
    archive: Archive
    store: Store
    held: dict[tuple[str, str], str]
    """Key of each file of the last delivery, by file name and sha256."""

    def pull(self, listed: dict[str, Any]) -> Outcome:
        """Fetch a file, decide whether to believe it, and keep it where it belongs.

        Parameters
        ----------
        listed
            Its row in the plan.

        Raises
        ------
        TransientError
            If archive or store fail; nothing is half-written then.
        """
        try:
            fetched = self.archive.fetch_product(listed["url"])
        except RejectedInput as error:
            return self._set_aside(listed, Fetched(b"", 1), error)
        try:
            return self._keep(listed, fetched)
        except RejectedInput as error:
            return self._set_aside(listed, fetched, error)

    def _keep(self, listed: dict[str, Any], fetched: Fetched) -> Outcome:
        name, body = listed["file_name"], fetched.body
        if listed["duplicate_of"]:
            raise DuplicateTarget(
                name, found=listed["duplicate_of"], expected="one file for each star in a sector"
            )
        facts = spoc.verify(name, body)
        if facts.sector != self.sector:
            raise OtherSector(
                name, found=f"sector {facts.sector}", expected=f"sector {self.sector}"
            )
        statistics = file_statistics(spoc.read(body))
        digest = sha256_hex(body)
        key = self.held.get((name, digest)) or keys.raw(self.sector, self.delivery, name)
        self.store.save_new(key, body, "application/fits")
        row = self._row(listed, fetched, digest) | {
            "status": STORED,
            "key": key,
            "date": facts.date,
            "procver": facts.procver,
            "data_rel": facts.data_rel,
            "simulated": facts.simulated,
        }
        return Outcome(row, statistics | {"file_name": name, "sha256": digest})

    def _set_aside(self, listed: dict[str, Any], fetched: Fetched, error: RejectedInput) -> Outcome:
        name, body = listed["file_name"], fetched.body
        digest = sha256_hex(body) if body else ""
        key = keys.quarantine(self.sector, digest, name) if body else ""
        if body:
            self.store.save_new(key, body)
        log.info("file_quarantined", sector=self.sector, file_name=name, reason=error.reason)
        row = self._row(listed, fetched, digest) | {
            "status": QUARANTINED,
            "reason": error.reason,
            "message": str(error),
            "key": key,
            "simulated": SIMULATED_CARD in body[:5760],
        }
        return Outcome(row, None)

    def _row(self, listed: dict[str, Any], fetched: Fetched, digest: str) -> dict[str, Any]:
        return {
            "file_name": listed["file_name"],
            "tic": listed["tic"],
            "url": listed["url"],
            "sector": self.sector,
            "delivery": self.delivery,
            "reason": "",
            "message": "",
            "n_bytes": len(fetched.body),
            "sha256": digest,
            "n_try": fetched.n_try,
            "date": "",
            "procver": "",
            "data_rel": None,
        }
