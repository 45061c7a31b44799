"""Judge a version before it is promoted, and look at what its promotion would change."""

from pathlib import Path
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, errors, show
from calnet_ops.platform import open_platform

N_SECTOR = 3
"""As in `steps.preview`, which is loaded only when it is used."""

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
    asked = {"max_loss": max_loss, "max_part_loss": max_part_loss}
    margins = gate.read_margins(asked, platform)
    record = gate.judge_version(version, platform, margins)
    show({**record}, as_json=as_json)
    if record["verdict"] != "pass":
        if not as_json:
            errors.print("it must not be promoted; its description in MLflow has the table")
        raise typer.Exit(1)


def preview(
    version: Version,
    sectors: Annotated[
        int, typer.Option(min=1, help="Newest sectors to score with it.")
    ] = N_SECTOR,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder to write page, table and thumbnails to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which stars a promotion would make candidates of, and which it would let go.

    The same goes to the version's run in MLflow, under Artifacts, preview.

    Example: [bold]calnet-ops model preview 4 --sectors 1 --out preview/[/bold]
    """
    from calnet_ops.steps.preview import preview_promotion

    platform = open_platform()
    record = preview_promotion(version, platform, sectors)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, key in record["files"].items():
            (folder / name).write_bytes(platform.store.load(key))
    show({**record}, as_json=as_json)
