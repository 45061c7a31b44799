"""Many sectors at once, through Airflow's queue: ask for them, and watch how far they are."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

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


@dataclass(frozen=True)
class Meter:
    """Tells how far a back-fill is and how fast it goes.

    Parameters
    ----------
    began
        Time of the first look [s].
    had
        Bytes that were in the store by then.
    max_bytes_per_s
        The limit, from which time left is told as long as nothing has been measured [B/s].
    """

    began: float
    had: float
    max_bytes_per_s: float | None = None

    def read(
        self, items: Sequence[step.Item], shares: Mapping[int, float], now: float
    ) -> dict[str, Any]:
        """Sectors, files and bytes in the store, bytes a second and seconds left.

        Parameters
        ----------
        items
            Sectors that are in the store or will be.
        shares
            What part of a sector that is being pulled is there, 0 to 1.
        now
            Time [s].
        """
        parts = [_part(item, shares) for item in items]
        n_bytes = sum(item.n_bytes * part for item, part in zip(items, parts, strict=True))
        rate = max(0.0, n_bytes - self.had) / max(now - self.began, 1e-3)
        left = sum(item.n_bytes for item in items) - n_bytes
        pace = rate or self.max_bytes_per_s
        return {
            "n_done": sum(item.standing == step.DONE for item in items),
            "n_sector": len(items),
            "n_file": round(sum(i.n_file * part for i, part in zip(items, parts, strict=True))),
            "n_bytes": n_bytes,
            "bytes_per_s": rate,
            "left_s": left / pace if pace else None,
        }


def _part(item: step.Item, shares: Mapping[int, float]) -> float:
    return 1.0 if item.standing == step.DONE else shares.get(item.sector, 0.0)


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
    meter, spoke = None, time.monotonic()
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True) as progress:
        bar = progress.add_task("looking …", total=None)
        while True:
            try:
                runs = {k: run for k, run in step.active_runs(platform).items() if k in asked}
                items = step.look_again(items, platform)
                shares = step.shares_pulled(runs.values(), platform)
            except TransientError as error:  # the queue is safe while a server is away
                progress.update(bar, description=f"{error.what}: {error.reason}")
                time.sleep(POLL_S)
                continue
            if not runs:
                return items
            coming = [item for item in items if item.standing in {step.DONE, step.TO_DO}]
            now = time.monotonic()
            meter = meter or Meter(now, _bytes_there(coming, shares), cap)
            seen = meter.read(coming, shares, now)
            text = _text(seen, [key for key, run in runs.items() if run["state"] == "running"])
            progress.update(bar, completed=seen["n_done"], total=seen["n_sector"], description=text)
            if not errors.is_terminal and now - spoke >= REPORT_S:
                errors.print(f"{seen['n_done']}/{seen['n_sector']} sectors, {text}")
                spoke = now
            time.sleep(POLL_S)


def _bytes_there(items: Sequence[step.Item], shares: Mapping[int, float]) -> float:
    return sum(item.n_bytes * _part(item, shares) for item in items)


def _text(seen: Mapping[str, Any], working: Sequence[str]) -> str:
    left = duration(seen["left_s"]) if seen["left_s"] is not None else "?"
    return (
        f"{seen['n_file']:,} files, {size(seen['n_bytes'])}, {size(seen['bytes_per_s'])}/s, "
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
