"""Data sets: what models learn from and are judged on."""

from typing import Annotated, Any

import typer

from calnet_ops.cli.output import Json, errors, show, show_rows
from calnet_ops.platform import open_platform
from calnet_ops.science.labels.negatives import NEGATIVES_PER_EB

app = typer.Typer(help="Data sets: what models learn from and are judged on.", no_args_is_help=True)

DatasetId = Annotated[str, typer.Argument(help="Its id, as `dataset list` tells it.")]

SHOWN = 20
"""Leaks and set-aside stars on a terminal; --json has them all."""


@app.command("freeze")
def freeze(
    features: Annotated[
        str,
        typer.Option(help="Version to learn from; by default CALNET_FEATURES, else as before."),
    ] = "",
    negatives: Annotated[
        float,
        typer.Option(
            min=0,
            help="Stars that are no binaries for each binary of a sector. What labels lack is "
            "sampled among stars that nobody labelled; 0 samples none.",
        ),
    ] = NEGATIVES_PER_EB,
    as_json: Json = False,
) -> None:
    """Freeze the newest label set and the stored features of all sectors to a data set.

    Example: [bold]calnet-ops dataset freeze[/bold]
    """
    from calnet_ops.errors import MissingInput
    from calnet_ops.steps.dataset import freeze_dataset
    from calnet_ops.steps.dataset_rebuild import describe_dataset
    from calnet_ops.steps.features_version import version_to_train

    platform = open_platform()
    labels = platform.ledger.latest("labels", 0)
    if labels is None:
        raise MissingInput(
            "data set", found="no label set", expected="one", cure="Run: calnet-ops labels freeze"
        )
    version = version_to_train(platform, features)
    dataset = freeze_dataset(labels.key, version, platform, negatives)
    _tell(describe_dataset(dataset.dataset_id, platform.store), as_json=as_json)


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List the data sets: stars on each side, leaks found.

    Example: [bold]calnet-ops dataset list[/bold]
    """
    from calnet_ops.steps.dataset_rebuild import list_datasets

    show_rows([{**row} for row in list_datasets(open_platform().store)], as_json=as_json)


@app.command("show")
def show_one(dataset_id: DatasetId, as_json: Json = False) -> None:
    """Show what is in a data set, what was left out and why, and what it was made from.

    Example: [bold]calnet-ops dataset show 81ac3d5e0f7b9264 --json[/bold]
    """
    from calnet_ops.steps.dataset_rebuild import describe_dataset

    _tell(describe_dataset(dataset_id, open_platform().store), as_json=as_json)


@app.command("rebuild")
def rebuild(dataset_id: DatasetId, as_json: Json = False) -> None:
    """Make a data set again from its recipe and compare; ends with 1 if it is not the same.

    Nothing but the recipe and the objects it names is read, so any machine that reads the store
    makes the same bytes. A table that is gone is written again.

    Example: [bold]calnet-ops dataset rebuild 81ac3d5e0f7b9264[/bold]
    """
    from calnet_ops.steps.dataset_rebuild import rebuild_dataset

    record = rebuild_dataset(dataset_id, open_platform())
    show({**record}, as_json=as_json)
    for difference in record["differences"]:
        errors.print(f"differs: {difference}", style="yellow", highlight=False)
    if not record["same"]:
        raise typer.Exit(1)


def _tell(described: dict[str, Any], *, as_json: bool) -> None:
    """A data set as JSON, or as tables."""
    if as_json:
        show(described, as_json=True)
        return
    recipe = described["recipe"]
    told = {
        "dataset_id": described["dataset_id"],
        "label_set": recipe["label_set"],
        "features": f"{recipe['features']}, {len(recipe['shards'])} tables",
        "sha256": described["sha256"],
        "simulated": described["simulated"],
        "guard band": f"{described['guard']['border']} stars",
        "set aside for leaks": f"{described['guard']['linked']} stars",
        "without a position": described["without_position"],
        "links": described["links"],
        "leaks": len(described["leaks"]),
        "planet hosts set aside": len(described["set_aside"]),
    }
    show(told, as_json=False)
    sides = [{"side": side, **counts} for side, counts in described["sides"].items()]
    show_rows(sides, as_json=False)
    negatives = [{"sector": sector, **row} for sector, row in described["negatives"].items()]
    for title, rows in (
        ("sampled negatives", negatives),
        ("leaks across sides", described["leaks"]),
        ("planet hosts that lists call binaries", described["set_aside"]),
    ):
        if rows:
            more = f", {SHOWN} of {len(rows)}" if len(rows) > SHOWN else ""
            show_rows(rows[:SHOWN], as_json=False, title=f"{title}{more}")
