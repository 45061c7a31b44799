"""One listed file on its way from the archive to the store, or to quarantine."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from calnet_ops import keys
from calnet_ops.adapters.archive import ARCHIVE, Archive, Fetched, SecondSource
from calnet_ops.adapters.store import Store
from calnet_ops.errors import (
    ArchiveUnavailable,
    DuplicateTarget,
    KeyTaken,
    LeftAlone,
    MissingAtSource,
    OtherSector,
    QuarantinedFile,
    RejectedInput,
    TransientError,
)
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.checks.sector import STORED
from calnet_ops.steps.ingest_looks import (
    Answer,
    Judged,
    ask_archive,
    ask_second,
    refusal,
    silence,
    weigh,
)
from calnet_ops.steps.ingest_outcome import Held, Outcome, read_told, told_of
from calnet_ops.steps.ingest_tables import Row
from calnet_ops.steps.ingest_trust import (
    DIFFERS,
    MISSING,
    SAME,
    SOUND,
    SUSPECT,
    Look,
    is_sampled,
    judge,
)

QUARANTINED = "quarantined"
"""Status of a file that is not `STORED`: nothing else can become of a listed one."""

SIMULATED_CARD = b"SIMDATA =                    T"
"""Tells a simulated file even if it is not to be believed otherwise."""

BY_NAME = "name"
"""Stands for the source where the name is enough to refuse a file; nobody was asked."""

BEFORE = "earlier delivery"
"""Stands for the source where the bytes of one stand because no source has any."""

MEDIA_TYPE = "application/fits"
"""IANA's; RFC 4047."""

PLAN_FACT = "plan"
"""Fact of an object in quarantine: the plan of which it became this."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Puller:
    """Pulls the files of one delivery.

    Its threads share it: it holds nothing that changes. Each has the bodies of one file in
    memory, one for each look that differs.
    """

    sector: int
    delivery: int
    plan: str
    """Its key: a verdict on a file stands as long as this is what is pulled."""
    archive: Archive
    second: SecondSource | None
    store: Store
    held: Held
    there: frozenset[str]
    """Keys of this delivery that are in the store already."""
    aside: Mapping[str, Sequence[str]]
    """Keys in quarantine, of any delivery, by file name."""
    again: frozenset[str] | None = None
    """If given, the only files to ask for, in full and from both sources."""

    def pull(self, listed: Row) -> Outcome:
        """Fetch a file, decide whether to believe it, and keep it where it belongs.

        Parameters
        ----------
        listed
            Its row in the plan.

        Raises
        ------
        TransientError
            If archive or store fail; nothing is half-written then.
        KeyTaken
            If bytes in the store are no longer those that were written.
        """
        name = listed["file_name"]
        try:
            self._check_name(listed)
        except QuarantinedFile as error:
            return self._set_aside(listed, [refusal(BY_NAME, error, n_try=0)])
        key = keys.raw(self.sector, self.delivery, name)
        if key in self.there:
            return self._read_back(listed, key)
        for key in self.aside.get(name, ()):
            if known := self._read_verdict(listed, key):
                return known
        held = self.held.outcome(name)
        if held and self.again is not None and name not in self.again:
            return held
        return self._ask(listed, held)

    def settle(
        self, listed: Row, error: TransientError, others: Sequence[str], *, anew: bool = True
    ) -> Outcome:
        """Decide on a file that the archive does not give, while it gives others.

        The archive is asked once more, then the second source. A file that nobody gives is
        suspect, and asked for again by the re-poll: it does not hold up its sector.

        Parameters
        ----------
        listed
            Its row in the plan.
        error
            Why the archive did not give it.
        others
            Addresses of other files of the sector.
        anew
            Whether to ask the archive once more.

        Raises
        ------
        TransientError
            If the archive gives none of `others` any more either.
        """
        name = listed["file_name"]
        for _ in range(2 if anew else 0):
            try:
                return self._ask(listed, self.held.outcome(name))
            except ArchiveUnavailable as again:
                error = again
            if not self.archive_gives(others):
                raise error
            if not isinstance(error, LeftAlone):  # it was asked
                break
        answers = [silence(ARCHIVE, error)]
        if self.second:
            answers.append(ask_second(name, self.second.name, partial(self.second.fetch, name)))
            if judged := answers[-1].judged:
                return self._keep(listed, self._believe(listed, answers, judged), answers[-1].body)
        return self._set_aside(listed, answers)

    def archive_gives(self, urls: Iterable[str]) -> bool:
        """Whether the archive answers to a question about any of some files.

        However often it has failed just before: that may be the fault of a few files.
        """
        for url in urls:
            with suppress(TransientError):
                with suppress(RejectedInput):
                    self.archive.probe_product(url, on_trial=True)
                return True
        return False

    def _check_name(self, listed: Row) -> None:
        """Refuse without a request what its name alone gives away."""
        name = keys.SpocName.parse(listed["file_name"])
        if name.sector != self.sector:
            found, expected = f"sector {name.sector}", f"sector {self.sector}"
            raise OtherSector(str(name), found=found, expected=expected)
        if listed["duplicate_of"]:
            found, expected = listed["duplicate_of"], "one file for each star in a sector"
            raise DuplicateTarget(str(name), found=found, expected=expected)

    def _ask(self, listed: Row, held: Outcome | None) -> Outcome:
        """Look at a file until one look is good or nobody is left to ask."""
        name, url = listed["file_name"], listed["url"]
        etag = "" if self._is_named(name) else _etag(held)
        first = ask_archive(name, ARCHIVE, partial(self.archive.fetch_product, url, etag))
        if first is None and held is not None:
            return replace(held, n_request=1)
        answers = [first] if first else []
        if not answers or not answers[-1].judged:
            anew = ask_archive(name, ARCHIVE, partial(self.archive.fetch_product, url))
            answers += [_without_copy(anew, answers)] if anew else []
        if self.second and not answers[-1].judged:
            other = ask_second(name, self.second.name, partial(self.second.fetch, name))
            answers.append(_without_copy(other, answers))
        judged = answers[-1].judged
        if judged is None:
            return self._set_aside(listed, answers)
        outcome = self._compare(self._believe(listed, answers, judged))
        return self._keep(listed, outcome, answers[-1].body)

    def _keep(self, listed: Row, outcome: Outcome, body: bytes) -> Outcome:
        """Store what is believed, unless an earlier delivery brought the same bytes."""
        row, digest = outcome.row, outcome.row["sha256"]
        held = self.held.has(row["file_name"], digest)
        if held:
            return replace(outcome, row=row | {name: held[name] for name in ("key", "delivery")})
        try:
            self.store.save_new(row["key"], body, MEDIA_TYPE, facts=told_of(row), digest=digest)
        except KeyTaken:  # delivered again meanwhile: what is there stands, until the re-poll
            log.warning("key_holds_another_version", key=row["key"], found=digest)
            back = self._read_back(listed, row["key"])
            return replace(back, n_request=outcome.n_request, n_bytes=outcome.n_bytes)
        return outcome

    def _believe(self, listed: Row, answers: list[Answer], judged: Judged) -> Outcome:
        """Row and statistics of a file whose last answer is good."""
        row = self._row(listed, answers) | {
            "status": STORED,
            "key": keys.raw(self.sector, self.delivery, listed["file_name"]),
            "date": judged.facts.date,
            "procver": judged.facts.procver,
            "data_rel": judged.facts.data_rel,
            "simulated": judged.facts.simulated,
        }
        return _outcome(row, judged.statistics, answers)

    def _compare(self, outcome: Outcome) -> Outcome:
        """Ask the second source too, if the file is of the sample or was asked for by name."""
        row, name = outcome.row, outcome.row["file_name"]
        wanted = is_sampled(name) or self._is_named(name)
        if self.second is None or row["source"] != ARCHIVE or not wanted:
            return outcome
        n_bytes = 0
        try:
            body = self.second.fetch(name).body
            n_bytes, digest = len(body), sha256_hex(body)
            found = SAME if digest == row["sha256"] else DIFFERS
        except RejectedInput as error:
            found = MISSING if isinstance(error, MissingAtSource) else DIFFERS
        except TransientError as error:
            log.warning("not_compared", file_name=name, error=str(error))
            found = ""
        return replace(
            outcome,
            row=row | {"compared": found},
            n_request=outcome.n_request + 1,
            n_bytes=outcome.n_bytes + n_bytes,
        )

    def _read_back(self, listed: Row, key: str) -> Outcome:
        """Row and statistics of a file that an earlier run has stored."""
        body, told = self._load(key)
        answer = weigh(listed["file_name"], STORED, Fetched(body, 0))
        if answer.judged is None:  # it was believed once, by other rules
            return self._set_aside(listed, [answer])
        outcome = self._believe(listed, [answer], answer.judged)
        return Outcome(outcome.row | read_told(told), outcome.statistics)

    def _read_verdict(self, listed: Row, key: str) -> Outcome | None:
        """Row of a file that an earlier run of this plan has set aside; None if it was not.

        The verdict stands, also if the archive has thought better of it meanwhile: otherwise
        quarantine would keep bytes that no manifest tells of. The re-poll asks again.
        """
        if self.store.load_facts(key).get(PLAN_FACT) != self.plan:
            return None
        body, told = self._load(key)
        look = Look(told["source"], told["reason"], told["sha256"])
        answer = Answer(look, body, len(body), n_try=0, message=told["message"])
        return Outcome(self._aside(listed, [answer], key) | read_told(told), None)

    def _load(self, key: str) -> tuple[bytes, dict[str, str]]:
        """Bytes that are what they were when they were written, and what is told of them."""
        body, told = self.store.load_with_facts(key)
        digest = sha256_hex(body)
        written = told.get("sha256", digest)
        if digest != written:
            found, expected = f"sha256 {digest}", f"sha256 {written}, as it was written"
            raise KeyTaken(key, found=found, expected=expected, cure="Restore it from the archive.")
        return body, told

    def _set_aside(self, listed: Row, answers: list[Answer]) -> Outcome:
        """Keep what came in quarantine, if anything did; if nothing did, what is held stands."""
        held = self.held.outcome(listed["file_name"])
        if held and held.statistics and not any(item.look.digest for item in answers):
            return _hold_on(held, answers)
        answer = answers[judge([item.look for item in answers]).chosen]
        name, reason, digest = listed["file_name"], answer.look.reason, answer.look.digest
        key = keys.quarantine(self.sector, digest, name) if digest else ""
        row = self._aside(listed, answers, key)
        if digest:
            facts = told_of(row) | {PLAN_FACT: self.plan}
            self.store.save_new(key, answer.body, facts=facts, digest=digest)
        log.info("file_quarantined", sector=self.sector, file_name=name, reason=reason)
        return _outcome(row, None, answers)

    def _aside(self, listed: Row, answers: list[Answer], key: str) -> Row:
        """Row of a file that is not believed."""
        answer = answers[judge([item.look for item in answers]).chosen]
        return self._row(listed, answers) | {
            "status": QUARANTINED,
            "reason": answer.look.reason,
            "message": answer.message,
            "key": key,
            "simulated": SIMULATED_CARD in answer.body[:5760],
        }

    def _row(self, listed: Row, answers: list[Answer]) -> Row:
        """Columns that a file has whether it is believed or not."""
        verdict = judge([answer.look for answer in answers])
        answer = answers[verdict.chosen]
        return {
            "file_name": listed["file_name"],
            "tic": listed["tic"],
            "url": listed["url"],
            "sector": self.sector,
            "delivery": self.delivery,
            "reason": "",
            "message": "",
            "n_bytes": answer.n_bytes,
            "sha256": answer.look.digest,
            "source": answer.look.source,
            "etag": answer.validators.etag,
            "last_modified": answer.validators.last_modified,
            "n_try": sum(answer.n_try for answer in answers),
            "trust": verdict.trust,
            "n_look": sum(answer.n_try > 0 for answer in answers),
            "evidence": verdict.evidence,
            "compared": "",
            "date": "",
            "procver": "",
            "data_rel": None,
        }

    def _is_named(self, file_name: str) -> bool:
        return self.again is not None and file_name in self.again


def _hold_on(held: Outcome, answers: list[Answer]) -> Outcome:
    """Bytes of an earlier delivery of which no source has any now; the re-poll asks again."""
    verdict = judge([answer.look for answer in answers])
    evidence = f"{verdict.evidence}; {BEFORE}: {SOUND}"
    row = held.row | {"trust": SUSPECT, "evidence": evidence}
    log.info("file_held_on_to", file_name=row["file_name"], evidence=evidence)
    return _outcome(row, held.statistics, answers)


def _outcome(row: Row, statistics: Row | None, answers: list[Answer]) -> Outcome:
    n_byte = sum(answer.n_bytes for answer in answers if answer.n_try)
    return Outcome(row, statistics, sum(answer.n_try for answer in answers), n_byte)


def _etag(held: Outcome | None) -> str:
    """What the archive called the bytes that are held, if they are its own and not in doubt."""
    row = held.row if held else {}
    ours = row.get("status") == STORED and row.get("source") == ARCHIVE
    return str(row["etag"]) if ours and row["trust"] != SUSPECT else ""


def _without_copy(answer: Answer, earlier: list[Answer]) -> Answer:
    """Let go of a body that an earlier look gave already."""
    digests = {item.look.digest for item in earlier}
    return replace(answer, body=b"") if answer.look.digest in digests else answer
