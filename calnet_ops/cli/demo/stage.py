"""Steps of a demonstration, shown as they happen, each with its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console

from calnet_ops.errors import ServiceUnavailable

Answer = TypeVar("Answer")

POLL_S = 1.0
"""Time between two looks at a server."""

REPORT_S = 15.0
"""Without a terminal, a line at least this often says that a step still runs."""


@dataclass
class Stage:
    """Shows the steps and keeps their times.

    Parameters
    ----------
    console
        Where to show them.
    check
        Called at each look; raises if a server has died.
    """

    console: Console
    check: Callable[[], None]
    began: float = field(default_factory=time.monotonic)
    times: dict[str, float] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        """Time since the beginning."""
        return time.monotonic() - self.began

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Show a step while it runs and its time when it is done."""
        start = time.monotonic()
        with self.console.status(f"{label} …"):
            yield
        took = self.times[label] = time.monotonic() - start
        self.say(f"[green]✓[/green] {label} [dim]({took:.0f} s)[/dim]")

    def say(self, text: str) -> None:
        """One line, with the time since the beginning."""
        self.console.print(f"[dim]{self.elapsed_s:5.0f} s[/dim]  {text}", highlight=False)

    def wait(
        self, look: Callable[[], Answer | None], what: str, patience_s: float = 420.0
    ) -> Answer:
        """Look until there is an answer.

        Raises
        ------
        ServiceUnavailable
            If there is none in time.
        """
        start = reported = time.monotonic()
        while (answer := look()) is None:
            self.check()
            now = time.monotonic()
            if now - start > patience_s:
                raise ServiceUnavailable(
                    what, found=f"nothing in {patience_s:.0f} s", expected=what
                )
            if not self.console.is_terminal and now - reported > REPORT_S:
                self.say(f"  waiting for {what}")
                reported = now
            time.sleep(POLL_S)
        return answer
