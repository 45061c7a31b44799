"""The one retry policy towards the archive."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from calnet_ops.errors import ArchiveUnavailable, TransientError

T = TypeVar("T")

CAP_S = 60.0
"""A server that asks for a longer wait [s] is left alone, and the task fails; it is tried again
by Airflow, not earlier than asked."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try, and how long to wait in between."""

    n_try: int = 5
    """Then the task fails, and Airflow tries it again later."""
    first_s: float = 2.0
    """Longest wait after the first failure; doubled after each further one."""
    cap_s: float = CAP_S
    """Longest wait. If the server asks for more, nothing is tried again: a task that waits longer
    holds a worker."""

    def wait_s(self, n_try: int, asked_s: float = 0.0) -> float:
        """Seconds to wait after a failed try.

        Anything up to the longest, so that workers that failed together do not come back together
        (full jitter).
        """
        backoff = self.first_s * 2 ** (n_try - 1) * random.random()  # noqa: S311
        return max(min(self.cap_s, backoff), asked_s)


class Again(Exception):  # an order, not an error
    """Try again; `error` tells what went wrong, if no try is left."""

    def __init__(self, error: TransientError, asked_s: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.asked_s = asked_s


def insist(action: Callable[[int], T], what: str, patience: Patience) -> T:
    """Call `action` with the number of the try until it succeeds.

    Raises
    ------
    TransientError
        If every try failed, or the server asks for a longer wait than `patience` has.
    """
    for n_try in range(1, patience.n_try + 1):
        asked_s = 0.0
        try:
            return action(n_try)
        except Again as again:
            error, asked_s = again.error, again.asked_s
            error.retry_after_s = asked_s
            if asked_s > patience.cap_s:
                break
        except httpx.RequestError as failure:
            found = str(failure) or type(failure).__name__
            error = ArchiveUnavailable(what, found=found, expected="an answer")
        if n_try < patience.n_try:
            time.sleep(patience.wait_s(n_try, asked_s))
    error.n_try = n_try
    raise error
