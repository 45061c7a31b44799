"""Pace of requests and of bytes."""

import threading
import time
from collections.abc import Callable


class Throttle:
    """Lets things through at most so many a second, evenly and in turn, from any thread.

    Each taker reserves the next free moment and sleeps until it comes, so there are no bursts.

    Parameters
    ----------
    per_s
        Requests or bytes a second; None for no limit.
    clock, sleep
        Seconds, and how to let them pass.
    """

    def __init__(
        self,
        per_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._per_s = per_s

    def limit(self, per_s: float | None) -> None:
        """Go on at another pace."""
        with self._lock:
            self._per_s = per_s
            self._free_at = 0.0

    def take(self, amount: float = 1) -> float:
        """Wait until `amount` may pass; seconds waited."""
        if self._per_s is None:
            return 0.0
        with self._lock:
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + amount / self._per_s if self._per_s else start
        if start > now:
            self._sleep(start - now)
        return start - now
