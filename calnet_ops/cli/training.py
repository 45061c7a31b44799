"""`calnet-ops train`: a new version of the model."""

from collections.abc import Iterable, Sequence
from typing import Annotated, TypeVar

import typer

from calnet_ops.cli.output import Json, errors, show, track
from calnet_ops.platform import open_platform
from calnet_ops.science.network.settings import NETWORKS, RECIPES

Item = TypeVar("Item")


def train(
    recipe: Annotated[
        str,
        typer.Option(help=f"{' or '.join(RECIPES)}; by default CALNET_RECIPE, else published."),
    ] = "",
    network: Annotated[
        str, typer.Option(help=f"{' or '.join(NETWORKS)}; by default as the recipe says.")
    ] = "",
    seed: Annotated[
        int | None,
        typer.Option(help="Of first weights, order and augmentation; by default the recipe's."),
    ] = None,
    features: Annotated[
        str,
        typer.Option(help="Version to learn from; by default CALNET_FEATURES, else as before."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Train on the newest label set, register the model in MLflow, and judge it.

    The same labels, recipe, network and seed are not trained twice. A training that was
    interrupted goes on where it was: run the same command again.

    Example: [bold]calnet-ops train --recipe published --network compact[/bold]
             [bold]calnet-ops train --features v2 --seed 2[/bold]
    """
    from calnet_ops.steps import gate
    from calnet_ops.steps import train as step
    from calnet_ops.steps.one_at_a_time import one_at_a_time
    from calnet_ops.steps.trigger import TRAINING

    platform = open_platform()
    settings = step.choose_settings(recipe or platform.recipe, network, seed)
    errors.print("training; CALNET_LOG=info shows each epoch as it ends")
    with one_at_a_time(TRAINING, platform):
        trained = step.train_model(platform, settings, features, watch=_watch)
    verdict = gate.judge_version(trained["version"], platform)
    show({**trained, **verdict}, as_json=as_json)


def _watch(items: Sequence[Item], label: str, /) -> Iterable[Item]:
    return track(items, len(items), label, "batches")
