"""One look at a file: ask a source for it, and check every byte that comes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from calnet_ops.adapters.archive import Fetched, Validators
from calnet_ops.errors import (
    EmptyFile,
    IncompleteDownload,
    NotServed,
    RejectedInput,
    TransientError,
    Truncated,
)
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc
from calnet_ops.steps.ingest_tables import Row
from calnet_ops.steps.ingest_trust import Look

NO_ANSWER = NotServed.reason
"""Stands where the reason would, for a source that could not be asked."""

LONGEST = 100
"""Characters kept of what a server says of a file's version; real ones have 30."""

LONGEST_MESSAGE = 300
"""Characters kept of a message; the longest of ours about a real file has 200."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is in a file that is believed."""

    facts: spoc.SpocFacts
    statistics: Row


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look gave."""

    look: Look
    body: bytes = b""
    n_bytes: int = 0
    """Of the body, also if it is not kept because an earlier look gave the same."""
    n_try: int = 1
    """Requests it took, 0 if nobody was asked."""
    validators: Validators = field(default_factory=Validators)
    judged: Judged | None = None
    """None if it is not believed."""
    message: str = ""
    """Why not, in full."""


def ask_archive(file_name: str, source: str, fetch: Callable[[], Fetched | None]) -> Answer | None:
    """Look at what the archive sends; None if it says that nothing has changed.

    Raises
    ------
    TransientError
        If it sends nothing. A body that was cut at every try is an answer, though not a whole one.
    """
    try:
        fetched = fetch()
    except IncompleteDownload as error:
        cut = Truncated(file_name, found=error.found, expected=error.expected)
        look = Look(source, cut.reason, answered=False)
        return Answer(look, n_try=error.n_try, message=_short(str(cut)))
    except RejectedInput as error:  # missing, or far too large
        return refusal(source, error)
    return None if fetched is None else weigh(file_name, source, fetched)


def ask_second(file_name: str, source: str, fetch: Callable[[], Fetched]) -> Answer:
    """Look at what the second source sends; if it does not answer, that is written down."""
    try:
        fetched = fetch()
    except TransientError as error:
        return silence(source, error)
    except RejectedInput as error:
        return refusal(source, error)
    return weigh(file_name, source, fetched)


def weigh(file_name: str, source: str, fetched: Fetched) -> Answer:
    """Check every byte of a body, and compute its statistics if it is believed."""
    body, said = fetched.body, fetched.validators
    digest = sha256_hex(body)
    judged, reason, message = None, "", ""
    try:
        judged = _judged(file_name, body, digest)
    except RejectedInput as error:
        reason, message = error.reason, _short(str(error))
        digest = "" if isinstance(error, EmptyFile) else digest
    etag, modified = _short(said.etag, LONGEST), _short(said.last_modified, LONGEST)
    validators = Validators(etag, modified, said.n_bytes)
    look = Look(source, reason, digest)
    return Answer(look, body, len(body), fetched.n_try, validators, judged, message)


def silence(source: str, error: TransientError) -> Answer:
    """Answer of a source that does not give one."""
    look = Look(source, NO_ANSWER, answered=False)
    return Answer(look, n_try=error.n_try, message=_short(str(error)))


def refusal(source: str, error: RejectedInput, *, n_try: int = 1) -> Answer:
    """Answer without any bytes."""
    return Answer(Look(source, error.reason), n_try=n_try, message=_short(str(error)))


def _short(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Text from outside, or with some in it, in bounds and in ASCII: it goes into S3 metadata."""
    return text.encode("ascii", "backslashreplace").decode()[:longest]


def _judged(file_name: str, body: bytes, digest: str) -> Judged:
    facts, light_curve = spoc.verify_and_read(file_name, body)
    statistics = file_statistics(light_curve)
    return Judged(facts, statistics | {"file_name": file_name, "sha256": digest})
