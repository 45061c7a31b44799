"""Work that may not be done twice at the same time, by whichever process on whichever machine."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import structlog

from calnet_ops.adapters.ledger import Ledger
from calnet_ops.errors import TransientError, WorkUnderWay
from calnet_ops.platform import Platform

LASTS = timedelta(minutes=3)
"""A lease whose holder was killed is free after this. Renewed three times as often, it outlasts
two renewals that a busy database made late."""

log = structlog.get_logger()


def this_process() -> str:
    """Name of a holder: machine, process, and a word that tells one call from the next."""
    return f"{socket.gethostname()[:200]} process {os.getpid()} {secrets.token_hex(4)}"


@contextmanager
def one_at_a_time(
    work: str, platform: Platform, holder: str = "", lasts: timedelta = LASTS
) -> Iterator[None]:
    """Hold the lease of a piece of work, renewed until the work ends or the process is killed.

    Parameters
    ----------
    work
        Its name.
    holder
        Who does it; by default this very call. One who comes again under the same name, as a task
        that is tried again, takes its own lease over.
    lasts
        How long a lease stays when nobody renews it.

    Raises
    ------
    WorkUnderWay
        If somebody else is at it.
    """
    holder, leases = holder or this_process(), platform.ledger.leases
    if not leases.take(work, holder, platform.now(), lasts):
        held = leases.held(work, platform.now())
        raise WorkUnderWay(
            work,
            found=f"{held.holder}, since {held.since_utc:%Y-%m-%d %H:%M} UTC" if held else "one",
            expected="nobody else at it",
            cure=f"Wait for its end. If that process was killed, {lasts.seconds // 60} min do.",
        )
    done = Event()
    renewal = Thread(target=_renew, args=(work, holder, lasts, done, platform), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
        leases.release(work, holder)


def _renew(work: str, holder: str, lasts: timedelta, done: Event, platform: Platform) -> None:
    ledger: Ledger = platform.ledger
    while not done.wait(lasts.total_seconds() / 3):
        try:
            if not ledger.leases.take(work, holder, platform.now(), lasts):
                # whoever has it now began when ours was over: results are write-once, both end
                log.error("lease_lost", work=work, holder=holder)
        except TransientError as error:
            log.warning("lease_not_renewed", work=work, error=str(error))
