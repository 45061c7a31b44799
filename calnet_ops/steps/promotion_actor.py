"""Who moved the alias, when, and how we learned of it: as much as can be known."""

from dataclasses import dataclass
from datetime import datetime

from calnet_ops.adapters.ledger import HookCall, Ledger
from calnet_ops.adapters.registry import CHAMPION, Moved
from calnet_ops.errors import CalnetError, WrongConfiguration
from calnet_ops.platform import Platform, secret

SECRET_VARIABLE = "CALNET_MLFLOW_WEBHOOK_SECRET"  # noqa: S105
"""Signs the webhook's calls and the notes of MLflow's login."""

WEBHOOK, POLL, COMMAND = "webhook", "poll", "command"
"""What made us look."""

ACTOR_MAX = 512
"""Longest text that the ledger takes."""


@dataclass(frozen=True, slots=True)
class Move:
    """A move of the alias."""

    actor: str
    """A name in MLflow's login; or ``one of: ...`` those who may move it; or ``unknown: ...``."""
    seen_by: str
    delivery: str
    moved_utc: datetime | None


def find_move(version: int, by_command: bool, platform: Platform) -> Move:
    """Find out who moved the alias to a version.

    MLflow keeps no actor of an alias. In this order: the signed note that the login of our MLflow
    server leaves (`adapters.registry.moved`); those who may move it, by the server's permissions,
    where another login is in use; else it is said that nobody knows.

    Parameters
    ----------
    version
        Where the alias was found; 0 if it was removed.
    by_command
        Whether a command asked, and not the DAG.
    """
    known = platform.ledger.promotions()
    since = known[-1].at_utc if known else datetime.min  # noqa: DTZ901 - as the ledger keeps it
    call = _call(version, since, platform.ledger)
    note = _note(version, since, platform)
    return Move(
        actor=(note.actor if note else _keepers(platform))[:ACTOR_MAX],
        seen_by=COMMAND if by_command else WEBHOOK if call else POLL,
        delivery=call.delivery if call else "",
        moved_utc=note.at_utc if note else call.sent_utc if call else None,
    )


def _call(version: int, since: datetime, ledger: Ledger) -> HookCall | None:
    """The webhook's call about this move: it came after what was noted last."""
    call = ledger.hook_calls.latest(CHAMPION)
    return call if call and call.at_utc > since and call.version == version else None


def _note(version: int, since: datetime, platform: Platform) -> Moved | None:
    """The note about this move. One older than what was noted last was put back by somebody."""
    try:
        note = platform.registry.champion_moved(secret(SECRET_VARIABLE))
    except WrongConfiguration:
        return None
    return note if note and note.at_utc > since and note.version == version else None


def _keepers(platform: Platform) -> str:
    try:
        names = platform.registry.champion_keepers()
    except CalnetError as error:
        return f"unknown: MLflow does not tell who may move the alias ({error.found})"
    if names is None:
        return "unknown: MLflow has no login and keeps no actor of an alias"
    return f"one of: {', '.join(names)}"
