"""Leave an archive alone that is down."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from calnet_ops.errors import ArchiveUnavailable

N_FAILURE = 10
"""Consecutive failures of a host, over all threads: two products tried five times each."""

FIRST_S = 30.0
CAP_S = 900.0
"""A host is left alone for half a minute, then, doubling, for up to a quarter of an hour."""


@dataclass
class _Host:
    n_failure: int = 0
    n_trial: int = 0
    closed_until: float = 0.0


class Breaker:
    """Counts the failures of each host and refuses requests to one that keeps failing.

    When a host has been left alone long enough, one request is let through. If it succeeds, all
    is as before; if it fails, or never comes back, the next wait is twice as long.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def ask(self, host: str) -> None:
        """Make sure that a host may be asked now.

        Raises
        ------
        ArchiveUnavailable
            If it failed too often and too recently.
        """
        with self._lock:
            seen = self._hosts.setdefault(host, _Host())
            if seen.n_failure < N_FAILURE:
                return
            now = self._clock()
            if now < seen.closed_until:
                raise ArchiveUnavailable(
                    host,
                    found=f"{seen.n_failure} failures in a row",
                    expected=f"no request for another {seen.closed_until - now:.0f} s",
                )
            seen.n_trial += 1
            seen.closed_until = now + min(CAP_S, FIRST_S * 2**seen.n_trial)

    def count(self, host: str, *, failed: bool) -> None:
        """Note how a request went."""
        with self._lock:
            seen = self._hosts.setdefault(host, _Host())
            if not failed:
                self._hosts[host] = _Host()
                return
            seen.n_failure += 1
            if seen.n_failure == N_FAILURE:
                seen.closed_until = self._clock() + FIRST_S
