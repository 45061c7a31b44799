"""Which model was in production when, by the ledger; MLflow keeps only where an alias stands."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict

from calnet_ops.adapters.ledger import Promotion
from calnet_ops.platform import Platform

MINUTES = "minutes"


class Reign(TypedDict):
    """A stretch of time in which one version was in production."""

    since: str
    """UTC, to the minute."""
    until: str
    """UTC; empty while it lasts."""
    version: int
    model_id: str
    threshold: float
    simulated: bool
    """Whether simulated stars had a part in its training."""
    reason: str
    """Why it was promoted: the gate's word, what the gate had against it, or a rollback."""
    override: str
    """Why a person put it there against the gate; empty if the gate had no objection."""
    actor: str
    seen_by: str
    """``webhook``, ``poll`` or ``command``; empty before this was kept."""
    previous_version: int
    """In production before; 0 if there was none."""
    n_refused: int
    """Moves of the alias that were refused meanwhile."""


def model_history(platform: Platform, on: date | None = None) -> list[Reign]:
    """Versions in production, oldest first.

    Parameters
    ----------
    on
        A day in UTC: only the versions that were in production at some time of it. There are
        several if the alias was moved on that day.
    """
    moves = platform.ledger.promotions()
    promoted = [item for item in moves if item.action == "promoted"]
    refused = [item.at_utc for item in moves if item.action == "refused"]
    ends = [*(item.at_utc for item in promoted[1:]), None]
    reigns = []
    for number, (begun, ended) in enumerate(zip(promoted, ends, strict=False)):
        if on is not None and not _touches(begun.at_utc, ended, on):
            continue
        before = promoted[number - 1] if number else None
        last = ended or datetime.max  # noqa: DTZ901 - without a zone, as the ledger keeps it
        n_refused = sum(begun.at_utc <= at < last for at in refused)
        reigns.append(_reign(begun, ended, before, n_refused))
    return reigns


def _touches(begun: datetime, ended: datetime | None, day: date) -> bool:
    """Whether a stretch of time and a day have a moment in common."""
    midnight = datetime.combine(day, time(), UTC).replace(tzinfo=None)
    return begun < midnight + timedelta(days=1) and (ended is None or ended > midnight)


def _reign(
    begun: Promotion, ended: datetime | None, before: Promotion | None, n_refused: int
) -> Reign:
    return Reign(
        since=begun.at_utc.isoformat(" ", MINUTES),
        until=ended.isoformat(" ", MINUTES) if ended else "",
        version=begun.model_version,
        model_id=begun.model_id,
        threshold=begun.threshold,
        simulated=begun.simulated,
        reason=begun.reason,
        override=begun.override,
        actor=begun.actor,
        seen_by=begun.seen_by,
        previous_version=before.model_version if before else 0,
        n_refused=n_refused,
    )
