"""Leave an archive alone that is down."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from calnet_ops.errors import LeftAlone

N_FAILURE = 10
"""Addresses of a host that failed since it last answered, over all threads. Addresses, not tries:
a few files that are never served are no host that is down. More than a task has in flight (4), so
that such files alone do not close it while it answers for others now and then."""

FIRST_S = 30.0
CAP_S = 900.0
"""A host is left alone for half a minute, then, doubling, for up to a quarter of an hour."""

LONGEST_S = 3600.0
"""A host that asks to be left alone is, but not for longer: a wrong Retry-After of years must not
stop everything."""


@dataclass
class _Host:
    asked_until: float = 0.0
    """Until when it wants no request."""
    failed: set[str] = field(default_factory=set)
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

    def ask(self, host: str, *, on_trial: bool = False) -> None:
        """Make sure that a host may be asked now.

        Parameters
        ----------
        host
            Its name, with its port.
        on_trial
            The request is made to find out whether the host is down, so its failures do not stand
            against it. What it asked for itself does.

        Raises
        ------
        LeftAlone
            If it failed too often and too recently, or asked for a rest.
        """
        with self._lock:
            seen = self._hosts.setdefault(host, _Host())
            now = self._clock()
            if now < seen.asked_until:
                refusal = _refusal(host, "it asks to be left alone", seen.asked_until - now)
                refusal.retry_after_s = seen.asked_until - now
                raise refusal
            if on_trial or len(seen.failed) < N_FAILURE:
                return
            if now < seen.closed_until:
                found = f"{len(seen.failed)} addresses that failed in a row"
                raise _refusal(host, found, seen.closed_until - now)
            seen.n_trial += 1
            seen.closed_until = now + min(CAP_S, FIRST_S * 2**seen.n_trial)

    def count(self, host: str, url: str, *, failed: bool) -> None:
        """Note how a request went."""
        with self._lock:
            seen = self._hosts.setdefault(host, _Host())
            if not failed:
                self._hosts[host] = _Host(seen.asked_until)
                return
            if len(seen.failed) == N_FAILURE - 1 and url not in seen.failed:
                seen.closed_until = self._clock() + FIRST_S
            seen.failed.add(url)

    def leave(self, host: str, seconds: float) -> None:
        """Note that a host asks for a rest [s]; it gets up to `LONGEST_S`."""
        with self._lock:
            seen = self._hosts.setdefault(host, _Host())
            until = self._clock() + min(LONGEST_S, seconds)
            seen.asked_until = max(seen.asked_until, until)


def _refusal(host: str, found: str, left_s: float) -> LeftAlone:
    return LeftAlone(host, found=found, expected=f"no request for another {left_s:.0f} s")
