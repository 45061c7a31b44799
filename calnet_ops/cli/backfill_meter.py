"""How far a back-fill is, how fast it goes, and how long it will take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calnet_ops.steps.backfill import BYTES_OF_A_FILE, DONE, FILES_OF_A_SECTOR, Item


@dataclass(frozen=True, slots=True)
class Measure:
    """What is in the store, and what is still to come."""

    n_done: int
    """Sectors."""
    n_file: float
    n_bytes: float
    """In the store [B]; of a sector that is being pulled, estimated."""
    bytes_left: float
    """Estimated [B]."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure with its pace."""

    n_done: int
    n_sector: int
    n_file: int
    n_bytes: float
    bytes_per_s: float
    """Since the first look."""
    left_s: float | None
    """Time left; None as long as there is no pace to tell it from."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Tells pace and time left.

    Parameters
    ----------
    began
        Time of the first look [s].
    had
        Bytes that were in the store by then.
    max_bytes_per_s
        The limit, from which time left is told as long as nothing has arrived [B/s].
    """

    began: float
    had: float
    max_bytes_per_s: float | None = None

    def read(self, items: Sequence[Item], shares: Mapping[int, float], now: float) -> Reading:
        """How far it is.

        Parameters
        ----------
        items
            Sectors that are in the store or will be.
        shares
            What part of a sector that is being pulled is there, 0 to 1.
        now
            Time [s].
        """
        seen = measure(items, shares)
        rate = max(0.0, seen.n_bytes - self.had) / max(now - self.began, 1e-3)
        pace = rate or self.max_bytes_per_s
        return Reading(
            n_done=seen.n_done,
            n_sector=len(items),
            n_file=round(seen.n_file),
            n_bytes=seen.n_bytes,
            bytes_per_s=rate,
            left_s=seen.bytes_left / pace if pace else None,
        )


def measure(items: Sequence[Item], shares: Mapping[int, float]) -> Measure:
    """Count what is in the store; sizes that nobody knows yet are taken from those known by now.

    Parameters
    ----------
    items
        Sectors that are in the store or will be.
    shares
        What part of a sector that is being pulled is there, 0 to 1.
    """
    done = [item for item in items if item.standing == DONE]
    n_file, n_bytes = sum(item.n_file for item in done), sum(item.n_bytes for item in done)
    listed = [item.n_file for item in items if item.is_listed]
    usual = sum(listed) / len(listed) if listed else FILES_OF_A_SECTOR
    to_come = [
        (item.n_file if item.is_listed else usual, shares.get(item.sector, 0.0))
        for item in items
        if item.standing != DONE
    ]
    files_there = sum(files * share for files, share in to_come)
    files_left = sum(files for files, _ in to_come) - files_there
    of_a_file = n_bytes / n_file if n_file else BYTES_OF_A_FILE
    return Measure(
        n_done=len(done),
        n_file=n_file + files_there,
        n_bytes=n_bytes + files_there * of_a_file,
        bytes_left=files_left * of_a_file,
    )
