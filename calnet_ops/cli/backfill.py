"""Many sectors at once, through Airflow's queue: ask for them, and watch how far they are."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
)

from calnet_ops.adapters.scheduler import DagRun
from calnet_ops.cli.backfill_meter import Meter, Reading, measure
from calnet_ops.cli.backfill_plan import (
    Order,
    cost,
    duration,
    in_order,
    parse_rate,
    parse_sectors,
    size,
)
from calnet_ops.cli.output import Json, errors, show
from calnet_ops.errors import TransientError
from calnet_ops.keys import sector_key
from calnet_ops.platform import Platform, open_platform
from calnet_ops.steps import backfill as step

POLL_S = 2.0
"""Between two looks at ledger and queue [s]."""

REPORT_S = 60.0
"""Without a terminal, how often a line says how far it is [s]."""

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""


def backfill(
    sectors: Annotated[str, typer.Argument(help="Sectors, such as 1-26,87,97-98.")],
    order: Annotated[Order, typer.Option(help="Which go first.")] = Order.NEWEST,
    max_rate: Annotated[
        str, typer.Option(help="Bytes a second of all tasks together, such as 20MB.")
    ] = "",
    wait: Annotated[bool, typer.Option(help="Show how far it is, to the end.")] = True,
    as_json: Json = False,
) -> None:
    """Bring many sectors into the store, one after the other.

    Airflow does it: Ctrl-C leaves its queue as it is, and running the command again goes on. A
    sector that is there as the archive lists it now is left alone, one whose run failed gets
    another. The exit code is 1 if a sector failed or was halted.

    Example: [bold]calnet-ops backfill 1-106 --max-rate 20MB[/bold]
    """
    wanted = in_order(parse_sectors(sectors), order)
    cap = parse_rate(max_rate) if max_rate else None
    platform = open_platform()
    platform.ledger.migrate()
    items = step.survey(wanted, platform)
    to_do = [item for item in items if item.standing == step.TO_DO]
    errors.print(cost(to_do, cap), highlight=False)
    queued = step.enqueue(to_do, platform, cap)
    if wait:
        items = _follow_until_interrupted(items, platform, cap)
    summary = _summary(items, platform)
    show({"queued": queued, **summary}, as_json=as_json)
    if summary["failed"] or summary["halted"]:
        raise typer.Exit(1)


def _follow_until_interrupted(
    items: list[step.Item], platform: Platform, cap: float | None
) -> list[step.Item]:
    try:
        return _follow(items, platform, cap)
    except KeyboardInterrupt:
        errors.print("The queue stays in Airflow, which goes on. Run this again to see how far.")
        raise typer.Exit(INTERRUPTED) from None


def _follow(items: list[step.Item], platform: Platform, cap: float | None) -> list[step.Item]:
    """Look, until no run about these sectors waits or works; how the sectors stand then."""
    asked = {sector_key(item.sector) for item in items}
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True) as progress:
        view = View(progress, progress.add_task("looking …", total=len(items)), cap)
        while True:
            try:
                runs = [run for key, run in step.active_runs(platform).items() if key in asked]
                items = step.look_again(items, platform)
                shares = step.shares_pulled(runs, platform)
            except TransientError as error:  # the queue is safe while a server is away
                view.say(f"{error.what}: {error.reason}")
            else:
                if not runs:
                    return items
                view.show(items, runs, shares)
            time.sleep(POLL_S)


@dataclass
class View:
    """What a person sees while a back-fill runs: a bar, or on no terminal a line a minute."""

    progress: Progress
    bar: TaskID
    cap: float | None
    meter: Meter | None = None
    spoke: float = field(default_factory=time.monotonic)

    def show(
        self, items: Sequence[step.Item], runs: Sequence[DagRun], shares: Mapping[int, float]
    ) -> None:
        """Sectors, files and bytes that are there, how fast, and how long it will take."""
        now = time.monotonic()
        coming = [item for item in items if item.standing in {step.DONE, step.TO_DO}]
        self.meter = self.meter or Meter(now, measure(coming, shares).n_bytes, self.cap)
        seen = self.meter.read(coming, shares, now)
        working = [run["partition_key"] for run in runs if run["state"] == "running"]
        text = _text(seen, working)
        self.progress.update(self.bar, completed=seen.n_done, total=seen.n_sector)
        self.say(text)
        if not errors.is_terminal and now - self.spoke >= REPORT_S:
            errors.print(f"{seen.n_done}/{seen.n_sector} sectors, {text}", highlight=False)
            self.spoke = now

    def say(self, text: str) -> None:
        """A few words beside the bar."""
        self.progress.update(self.bar, description=text)


def _text(seen: Reading, working: Sequence[str]) -> str:
    left = "?" if seen.left_s is None else duration(seen.left_s)
    return (
        f"{seen.n_file:,} files, {size(seen.n_bytes)}, {size(seen.bytes_per_s)}/s, "
        f"{left} left, now {' '.join(working) or 'waiting'}"
    )


def _summary(items: Sequence[step.Item], platform: Platform) -> dict[str, Any]:
    """Where each sector has ended, the ones that want attention by name."""

    def names(standing: str) -> list[str]:
        return [sector_key(item.sector) for item in items if item.standing == standing]

    done = [item for item in items if item.standing == step.DONE]
    failed = step.failed_runs(items, platform)
    return {
        "done": names(step.DONE),
        "waiting": [key for key in names(step.TO_DO) if key not in failed],
        "failed": failed,
        "halted": names(step.HALTED),
        "filling": names(step.FILLING),
        "not in the archive": names(step.ABSENT),
        "n_file": sum(item.n_file for item in done),
        "n_bytes": sum(item.n_bytes for item in done),
    }
