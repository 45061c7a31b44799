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

PATIENCE_S = 900.0
"""Without any move of any run. The longest task, training, took 170 s on 2 cores."""

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
    pulse
        Says what Airflow's runs are at; as long as that changes, patience is renewed.
    """

    console: Console
    check: Callable[[], None]
    pulse: Callable[[], object]
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

    def wait(self, look: Callable[[], Answer | None], what: str) -> Answer:
        """Look until there is an answer.

        Raises
        ------
        ServiceUnavailable
            If there is none and nothing has moved for `PATIENCE_S`.
        """
        moved = reported = time.monotonic()
        seen: object = None
        while (answer := look()) is None:
            self.check()
            now = time.monotonic()
            if now - reported > REPORT_S:
                reported, pulse = now, self.pulse()
                if pulse != seen:
                    seen, moved = pulse, now
                if not self.console.is_terminal:
                    self.say(f"  waiting for {what}")
            if now - moved > PATIENCE_S:
                raise ServiceUnavailable(
                    what, found=f"nothing moved in {PATIENCE_S:.0f} s", expected="an end"
                )
            time.sleep(POLL_S)
        return answer
