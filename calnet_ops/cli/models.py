"""Labels, training, models: the keeper's commands."""

from pathlib import Path
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, show, show_rows
from calnet_ops.platform import open_platform

labels = typer.Typer(help="Labels: what people and catalogs say of stars.", no_args_is_help=True)
model = typer.Typer(help="Models: versions, verdicts, the champion.", no_args_is_help=True)


@labels.command("load")
def load(
    source: Annotated[Path, typer.Argument(help="A label file, or a folder of catalogs.")],
    as_json: Json = False,
) -> None:
    """Append labels of a catalog, or of a simulation's truth, to the ledger.

    Example: [bold]calnet-ops labels load catalogs/[/bold]
    """
    from calnet_ops.steps import freeze
    from calnet_ops.steps.freeze import read_labels

    platform = open_platform()
    records = read_labels(source)
    show({**freeze.load_labels(records, platform)}, as_json=as_json)


@labels.command("freeze")
def freeze_set(
    announce: Annotated[
        bool, typer.Option("--announce", help="Tell Airflow, so that `retrain` starts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Freeze all decisions to a label set: one verdict a star.

    Example: [bold]calnet-ops labels freeze --announce[/bold]
    """
    from calnet_ops.steps import freeze

    platform = open_platform()
    record = freeze.freeze_labels(platform)
    if announce:
        platform.scheduler.emit_asset_event("label_set")
    show({**record}, as_json=as_json)


@model.command("list")
def list_models(as_json: Json = False) -> None:
    """List the versions with their verdicts.

    Example: [bold]calnet-ops model list[/bold]
    """
    rows = [{**row} for row in open_platform().registry.versions()]
    for row in rows:
        del row["description"]  # pages long
    show_rows(rows, as_json=as_json)


@model.command("show")
def show_model(
    version: Annotated[str, typer.Argument(help="Its number, or champion.")] = "champion",
    as_json: Json = False,
) -> None:
    """Show a version's threshold, the recall it was chosen for, its calibration, its data set.

    Example: [bold]calnet-ops model show 3[/bold]
    """
    from calnet_ops.steps.chosen_model import find_model
    from calnet_ops.steps.model_facts import load_model_facts

    platform = open_platform()
    show(load_model_facts(find_model(version, platform), platform.store), as_json=as_json)
