"""Judge a version before it is promoted, and look at what its promotion would change."""

from dataclasses import replace
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, errors, show
from calnet_ops.platform import open_platform

Version = Annotated[int, typer.Argument(help="Number of a version of the model.")]


def judge(
    version: Version,
    max_loss: Annotated[
        float | None,
        typer.Option(help="How far recall or precision may fall behind the champion's."),
    ] = None,
    max_part_loss: Annotated[
        float | None, typer.Option(help="The same of a type or magnitude, beyond chance.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a version anew, against the model in production; ends with 1 if it fails.

    Example: [bold]calnet-ops model judge 4 --max-loss 0.03[/bold]
    """
    from calnet_ops.steps import gate

    platform = open_platform()
    margins = platform.margins
    if max_loss is not None:
        margins = replace(margins, loss=max_loss)
    if max_part_loss is not None:
        margins = replace(margins, part_loss=max_part_loss)
    record = gate.judge_version(version, platform, margins)
    show({**record}, as_json=as_json)
    if record["verdict"] != "pass":
        if not as_json:
            errors.print("it must not be promoted; its description in MLflow has the table")
        raise typer.Exit(1)
