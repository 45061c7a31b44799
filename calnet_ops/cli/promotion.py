"""What is in production, what was, and how another version gets there: the keeper's commands."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from calnet_ops.cli.output import Json, errors, show, show_rows
from calnet_ops.errors import PromotionRefused
from calnet_ops.platform import Platform, open_platform

if TYPE_CHECKING:
    from calnet_ops.steps.promote import PromotionRecord

SHOWN = ("since", "until", "version", "model_id", "reason", "override", "actor")
"""Columns on a terminal; --json has them all."""


def history(
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only what was in production on this day, UTC."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell which model was in production when, put there by whom, and why.

    By calnet-ops' own records, which a rollback or a deleted version does not change.

    Example: [bold]calnet-ops model history --on 2026-11-20[/bold]
    """
    from calnet_ops.steps.model_history import model_history

    reigns = model_history(open_platform(), on.date() if on else None)
    if as_json:
        show_rows([{**reign} for reign in reigns], as_json=True)
        return
    rows = [{name: {**reign}[name] for name in SHOWN} for reign in reigns]
    show_rows(rows, as_json=False, title=f"in production on {on:%Y-%m-%d}, UTC" if on else "")


def follow(as_json: Json = False) -> None:
    """Take note of the alias `champion`, and put it back if its version may not have it.

    Example: [bold]calnet-ops model follow[/bold]
    """
    from calnet_ops.steps import promote

    platform = open_platform()
    record = promote.follow_champion(platform, by_command=True)
    _announce(record, platform)
    show({**record}, as_json=as_json)


def promote(
    version: Annotated[int, typer.Argument(help="Its number; `model list` tells it.")],
    override: Annotated[
        str,
        typer.Option(help="Put it into production against the gate; says why, and is recorded."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Do what the click in the MLflow UI does: give a version the alias `champion`, and follow it.

    A version that has not passed the gate is refused, unless --override says why it has to be.
    It fails (exit code 1) if production did not follow. Airflow is told which sectors to score.

    Example: [bold]calnet-ops model promote 4[/bold]
             [bold]calnet-ops model promote 4 --override "v3 calls every EW a pulsator"[/bold]
    """
    from calnet_ops.steps import promote as step
    from calnet_ops.steps.promotion_rules import OVERRIDE

    platform = open_platform()
    if override:
        platform.registry.tag(version, OVERRIDE, override)
    platform.registry.set_champion(version)
    record = step.follow_champion(platform, by_command=True)
    if record["action"] == "refused":
        raise PromotionRefused(
            f"model version {version}",
            found=record["reason"],
            expected="a version that passed the gate, or a reason to override it",
            cure='If it has to be this one: --override "REASON", of some words.',
        )
    _announce(record, platform)
    show({**record}, as_json=as_json)


def _announce(record: "PromotionRecord", platform: Platform) -> None:
    from calnet_ops.steps.promotion_told import announce_sectors

    if not announce_sectors(record, platform):
        errors.print(
            "Airflow does not answer: once it does, sectors are scored half an hour later, or by "
            "hand with `calnet-ops score` and `calnet-ops candidates`",
            style="yellow",
        )
