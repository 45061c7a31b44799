"""Whole installations on one machine: the demonstration, and one that lasts."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from calnet_ops.cli.output import Json, console, errors, print_json
from calnet_ops.platform import open_platform

if TYPE_CHECKING:
    from calnet_ops.cli.demo.plan import Plan


def demo(
    archive: Annotated[
        Path | None,
        typer.Option(
            help="Folder of SPOC light curves in sDDD/; without it, simulated stars only."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Folder of label catalogs; by default `labels` beside the archive."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Emptied first.")] = Path("var/demo"),
    learn: Annotated[
        int, typer.Option(help="Simulated stars in each of two labelled sectors.")
    ] = 0,
    find: Annotated[int, typer.Option(help="Simulated stars in the new sector.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the simulated sky.")] = 1,
    compact: Annotated[bool, typer.Option(help="Fewer cadences a star.")] = False,
    keep: Annotated[
        bool | None,
        typer.Option(help="Keep the servers up until Ctrl-C; by default only on a terminal."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch a TESS sector go from the archive to a published catalog.

    Examples: [bold]calnet-ops demo[/bold], [bold]calnet-ops demo --archive tess/[/bold]
    """
    from calnet_ops.cli.demo import plan as planning
    from calnet_ops.cli.demo import play, report

    plan = planning.make_plan(
        archive,
        labels,
        stars_to_learn=learn or planning.STARS_TO_LEARN,
        stars_to_find=find or planning.STARS_TO_FIND,
        seed=seed,
        compact=compact,
    )
    stay = keep if keep is not None else sys.stdout.isatty() and os.environ.get("CI") != "true"
    show = errors if as_json else console
    _check_labels(plan)
    _end_on_signals()
    with play.open_play(folder, plan, show) as running:
        running.run_act_one()
        running.run_act_two()
        summary = report.report(running)
        if as_json:
            print_json(summary)
        if stay:
            show.print("Servers stay up; [bold]Ctrl-C[/bold] ends them.")
            _wait(running.stage.check)


def _check_labels(plan: "Plan") -> None:
    """Find out now, not minutes later, if the labels cannot be read."""
    from calnet_ops.steps.freeze import read_labels

    if plan.labels is not None:
        read_labels(plan.labels)


def up(
    archive: Annotated[
        str, typer.Option(help="`mast`, a mirror's URL, or a folder to be mirrored.")
    ] = "mast",
    folder: Annotated[Path, typer.Option(help="Holds all state; kept between runs.")] = Path(
        "var/up"
    ),
) -> None:
    """Run a lasting installation: S3, MLflow, Airflow and the pages, until Ctrl-C.

    Example: [bold]calnet-ops up --archive mast[/bold]
    """
    from calnet_ops.cli.embedded import lay_out, set_up_state, set_up_webhook
    from calnet_ops.cli.supervisor import Supervisor

    local = Path(archive) if archive != "mast" and "://" not in archive else None
    installation = lay_out(folder, None if local else archive)
    environment = installation.environment()
    installation.enter(environment)
    platform = open_platform(installation.paths_file)
    _end_on_signals()
    with Supervisor(installation.folder / "logs", environment) as supervisor:
        with console.status("starting …"):
            store, *others = installation.servers()
            servers = [installation.mirror(local), *others] if local else others
            supervisor.start(store)
            supervisor.wait_ready(store)
            set_up_state(platform)
            supervisor.run("airflow-migrate", installation.migrate_airflow())
            for server in servers:
                supervisor.start(server)
            for server in servers:
                supervisor.wait_ready(server)
            set_up_webhook(platform)
        for name in ("airflow", "mlflow", "web"):
            console.print(f"{name:8} {installation.url(name)}")
        console.print(f"logins   {installation.folder / 'credentials.json'}")
        console.print(f"commands source {installation.folder / 'env.sh'}; calnet-ops sectors")
        _wait(supervisor.check)


def prepare() -> None:
    """Make what an installation's servers expect: the bucket, the ledger, MLflow's webhook.

    Run again after every upgrade; what is there stays. Example: [bold]calnet-ops prepare[/bold]
    """
    from calnet_ops.cli.embedded import set_up_state, set_up_webhook

    platform = open_platform()
    set_up_state(platform)
    set_up_webhook(platform)
    console.print(f"bucket {platform.store.bucket}, ledger and MLflow's webhook are ready")


def web(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8081,
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback, put TLS in front.")
    ] = "127.0.0.1",
) -> None:
    """Serve the ops page, the vetting page and the metrics.

    Example: [bold]calnet-ops web --port 8081[/bold]
    """
    from calnet_ops.web.serve import serve

    platform = open_platform()
    platform.ledger.migrate()
    serve(platform, host, port)


def _wait(check: Callable[[], None]) -> None:
    try:
        while True:
            check()
            time.sleep(2.0)
    except KeyboardInterrupt:
        console.print("ending the servers …")


def _end_on_signals() -> None:
    """Leave through the context managers also when asked to end, so that servers end too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
