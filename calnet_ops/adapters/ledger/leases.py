"""Work that only one process may do at a time, across machines."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from calnet_ops.adapters.ledger.tables import lease


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may do a piece of work, and until when unless it is renewed."""

    name: str
    holder: str
    since_utc: datetime
    until_utc: datetime


class Leases:
    """Leases by name. One whose holder was killed is free when its time is over.

    Parameters
    ----------
    begin
        Opens a transaction.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._begin = begin

    def take(self, name: str, holder: str, now: datetime, lasts: timedelta) -> bool:
        """Take a lease, or renew one's own; False if somebody else has it.

        Parameters
        ----------
        name
            Of the work.
        holder
            Who; the same holder may take it again at any time.
        now
            UTC without a zone.
        lasts
            After this the lease is free, unless it is renewed.
        """
        until = now + lasts
        mine = update(lease).where(lease.c.name == name, lease.c.holder == holder)
        free = update(lease).where(lease.c.name == name, lease.c.until_utc <= now)
        with self._begin() as connection:
            if connection.execute(mine.values(until_utc=until)).rowcount:
                return True
            taken = free.values(holder=holder, since_utc=now, until_utc=until)
            if connection.execute(taken).rowcount:
                return True
        try:
            with self._begin() as connection:
                row = {"name": name, "holder": holder, "since_utc": now, "until_utc": until}
                connection.execute(insert(lease), [row])
        except IntegrityError:
            return False
        return True

    def release(self, name: str, holder: str) -> None:
        """Give a lease back, if it is still one's own."""
        with self._begin() as connection:
            mine = (lease.c.name == name, lease.c.holder == holder)
            connection.execute(delete(lease).where(*mine))

    def held(self, name: str, now: datetime) -> Lease | None:
        """The lease in force, if any."""
        chosen = select(lease).where(lease.c.name == name, lease.c.until_utc > now)
        with self._begin() as connection:
            rows = [Lease(**row) for row in connection.execute(chosen).mappings()]
        return rows[0] if rows else None
