"""One verdict a star from all that was ever said about it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from calnet_ops.science.labels.records import Details

RANK = ("person", "planet_host", "catalog", "simulated")
"""Who is heard first. A person has looked at the very light curve; lists of confirmed planets
rest on spectra, so they outweigh lists of binaries, which hold 88 and 523 of their hosts
(CALNet's training list and discoveries); simulated words count only where nobody else spoke."""

DECIDED = frozenset({"EB", "NOT_EB"})
"""Verdicts a network can learn from."""

EPHEMERIS = ("period_d", "epoch_btjd", "depth")
"""Fields of `Details` that belong together: a period of one source and an epoch of another tell
nothing."""

WITHDRAWN = "WITHDRAWN"
"""Verdict with which voters take back their word, as if they had never spoken."""


class Vote(Protocol):
    """What is read of a decision of the ledger."""

    @property
    def tic(self) -> int:
        """Star."""

    @property
    def verdict(self) -> str:
        """``EB``, ``NOT_EB``, ``UNSURE`` or `WITHDRAWN`."""

    @property
    def eb_type(self) -> str:
        """``EA``, ``EB``, ``EW`` or empty."""

    @property
    def vetter(self) -> str:
        """Person or catalog."""

    @property
    def source(self) -> str:
        """One of `RANK`."""

    @property
    def simulated(self) -> bool:
        """Whether the star never was."""

    @property
    def details(self) -> Details:
        """Ephemeris, place and other names, as far as known."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """The verdicts, and how many stars have none."""

    rows: tuple[Mapping[str, Any], ...]
    """Label set, one row a star, by star: tic, verdict, eb_type, source, simulated, n_vote, the
    fields of `Details`, and set_aside: for the host of a planet that others call a binary, who."""
    n_conflict: int
    """Stars left out because those heard contradict each other."""
    n_unsure: int
    """Stars left out because those heard are not sure."""


def consensus(votes: Iterable[Vote]) -> Consensus:
    """Weigh what was said, star by star.

    The newest word of each voter counts, unless it takes back the one before. Of the voters
    only the highest `RANK` present is heard. Among those, all must agree: contradiction leaves
    the star out, and so does a word of "unsure", as nobody surer of the same rank may be
    overruled by silence.

    Parameters
    ----------
    votes
        Oldest first, as the ledger gives them.
    """
    by_star: dict[int, dict[tuple[str, str], Vote]] = {}
    for vote in votes:
        by_star.setdefault(vote.tic, {})[vote.source, vote.vetter] = vote
    rows, outcomes = [], Counter[str]()
    for tic in sorted(by_star):
        standing = [vote for vote in by_star[tic].values() if vote.verdict != WITHDRAWN]
        if not standing:
            continue
        heard = _heard(standing)
        verdict = _verdict(heard)
        outcomes[verdict] += 1
        if verdict in DECIDED:
            rows.append(_row(verdict, heard, standing))
    return Consensus(tuple(rows), outcomes["CONFLICT"], outcomes["UNSURE"])


def _heard(votes: list[Vote]) -> list[Vote]:
    """Those of the highest rank."""
    first = min(RANK.index(vote.source) for vote in votes)
    return [vote for vote in votes if RANK.index(vote.source) == first]


def _verdict(heard: list[Vote]) -> str:
    verdicts = {vote.verdict for vote in heard}
    if verdicts >= DECIDED:
        return "CONFLICT"
    return "UNSURE" if "UNSURE" in verdicts else verdicts.pop()


def _row(verdict: str, heard: list[Vote], standing: list[Vote]) -> dict[str, Any]:
    types = Counter(vote.eb_type for vote in heard if vote.eb_type)
    # The most frequent type; the first of the alphabet among equals, so that order never tells.
    eb_type = min(types, key=lambda name: (-types[name], name)) if types else ""
    return {
        "tic": heard[0].tic,
        "verdict": verdict,
        "eb_type": eb_type if verdict == "EB" else "",
        "source": heard[0].source,
        "simulated": any(vote.simulated for vote in heard),
        "n_vote": len(heard),
        "set_aside": ", ".join(_overruled(heard, standing)),
        **_details(verdict, standing),
    }


def _overruled(heard: list[Vote], standing: list[Vote]) -> list[str]:
    """Who calls the host of a planet a binary and is not heard."""
    if heard[0].source != "planet_host":
        return []
    return sorted(vote.vetter for vote in standing if vote.verdict == "EB")


def _details(verdict: str, standing: list[Vote]) -> dict[str, Any]:
    """Ephemeris of the one voter who knows most of it, and the first place and names given.

    Those who are not heard count as well if they say the same: a person gives no periods.
    """
    agreeing = sorted(
        (vote for vote in standing if vote.verdict == verdict),
        key=lambda vote: (-_n_known(vote.details), RANK.index(vote.source), vote.vetter),
    )
    best = agreeing[0].details
    row: dict[str, Any] = {name: getattr(best, name) for name in EPHEMERIS}
    for name in ("ra", "dec", "gaia", "same_as"):
        said = (getattr(vote.details, name) for vote in agreeing)
        row[name] = next((value for value in said if value is not None), None)
    return row


def _n_known(details: Details) -> int:
    return sum(getattr(details, name) is not None for name in EPHEMERIS)
