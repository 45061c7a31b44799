"""The one retry policy towards the archive."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from calnet_ops.errors import ArchiveUnavailable, TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try, and how long to wait in between."""

    n_try: int = 5
    """Then the task fails, and Airflow tries it again later."""
    first_s: float = 1.0
    """Wait after the first failure; doubled after each further one."""
    cap_s: float = 60.0
    """Longest wait, also if the server asks for more: a task that waits longer holds a worker, and
    Airflow tries it again anyway."""

    def wait_s(self, n_try: int, asked_s: float = 0.0) -> float:
        """Seconds to wait after a failed try, with jitter so that workers spread out."""
        backoff = self.first_s * 2 ** (n_try - 1) * random.uniform(0.5, 1.0)  # noqa: S311
        return min(self.cap_s, max(backoff, asked_s))


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
        If every try failed.
    """
    for n_try in range(1, patience.n_try + 1):
        asked_s = 0.0
        try:
            return action(n_try)
        except Again as again:
            error, asked_s = again.error, again.asked_s
        except httpx.RequestError as failure:
            found = str(failure) or type(failure).__name__
            error = ArchiveUnavailable(what, found=found, expected="an answer")
        if n_try < patience.n_try:
            time.sleep(patience.wait_s(n_try, asked_s))
    raise error


def retry_after_s(answer: httpx.Response) -> float:
    """Seconds that a server asks to wait, given as a number or as a date; 0 if it does not."""
    text = answer.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
