"""Calls of MLflow's webhook: each delivery counts once, whichever process receives it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from calnet_ops.adapters.ledger.tables import hook_call

KEPT = timedelta(days=30)
"""A call is refused by its age after minutes; it is kept longer to say, in the record of a
promotion that was held up, which call told of it."""


@dataclass(frozen=True, slots=True)
class HookCall:
    """An alias moved, says MLflow."""

    delivery: str
    """Id that MLflow gave to this delivery; the same when it tries again."""
    alias: str
    action: str
    """``created`` (also when it moved) or ``deleted``."""
    version: int
    """That the alias points at now; 0 when it was deleted."""
    sent_utc: datetime
    at_utc: datetime
    """When it was received."""


class HookCalls:
    """Deliveries received.

    Parameters
    ----------
    begin
        Opens a transaction.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._begin = begin

    def add(self, call: HookCall) -> bool:
        """Note a delivery; False if it came before. Those of long ago are forgotten."""
        try:
            with self._begin() as connection:
                old = hook_call.c.at_utc < call.at_utc - KEPT
                connection.execute(delete(hook_call).where(old))
                connection.execute(insert(hook_call), [asdict(call)])
        except IntegrityError:
            return False
        return True

    def forget(self, delivery: str) -> None:
        """Let MLflow deliver this one again."""
        with self._begin() as connection:
            connection.execute(delete(hook_call).where(hook_call.c.delivery == delivery))

    def latest(self, alias: str) -> HookCall | None:
        """The call that was sent last about an alias."""
        chosen = select(hook_call).where(hook_call.c.alias == alias)
        newest = chosen.order_by(hook_call.c.sent_utc.desc(), hook_call.c.at_utc.desc()).limit(1)
        with self._begin() as connection:
            rows = [HookCall(**row) for row in connection.execute(newest).mappings()]
        return rows[0] if rows else None
