"""All commands, put together."""

from typing import Annotated

import typer

from calnet_ops import __version__
from calnet_ops.cli import (
    archive,
    backfill,
    datasets,
    drift,
    evaluating,
    injecting,
    installation,
    judging,
    known_issues,
    local,
    model_files,
    models,
    promotion,
    release,
    sectors,
    training,
)
from calnet_ops.cli.output import console, log_to_stderr

app = typer.Typer(
    name="calnet-ops",
    help="Find eclipsing binaries in every TESS sector: ingest, score, vet, retrain, publish.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)


def _version(value: bool) -> None:
    if value:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Find eclipsing binaries in every TESS sector: ingest, score, vet, retrain, publish."""
    log_to_stderr()


for command in (
    sectors.sectors,
    sectors.ingest,
    backfill.backfill,
    sectors.validate,
    known_issues.known_issues,
    local.extract,
    sectors.score,
    sectors.candidates,
    drift.drift,
    local.classify,
    training.train,
    installation.up,
    installation.prepare,
    installation.demo,
    installation.web,
):
    app.command()(command)

KEEPERS = (
    promotion.history,
    promotion.follow,
    promotion.promote,
    evaluating.evaluate,
    judging.judge,
    injecting.inject,
    judging.preview,
    model_files.sign,
    model_files.card,
)
models.model.command("import")(model_files.import_file)
for of_models in KEEPERS:
    models.model.command()(of_models)

app.add_typer(models.labels, name="labels")
app.add_typer(datasets.app, name="dataset")
app.add_typer(models.model, name="model")
app.add_typer(release.app, name="release")
app.add_typer(archive.app, name="archive")
