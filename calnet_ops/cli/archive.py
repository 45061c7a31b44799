"""A mirror of the archive, and sectors that never were."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, Task, TextColumn
from rich.text import Text
from typing_extensions import override

from calnet_ops.cli.output import Json, errors, show, show_rows
from calnet_ops.errors import WrongConfiguration

if TYPE_CHECKING:
    from calnet_ops.simulator.mirror import Mirror

app = typer.Typer(help="Serve a folder of light curves as MAST would, or simulate one.")

Folder = Annotated[Path, typer.Argument(help="Folder with sDDD/*_lc.fits.", show_default=False)]


@app.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 0,
    port_file: Annotated[
        Path | None, typer.Option(help="File to write the port to, once it listens.")
    ] = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
    faults: Annotated[
        Path | None, typer.Option(help="JSON file of what goes wrong: see docs/simulator.md.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the faults, in place of the file's.", min=0)
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer like MAST over a folder of light curves, until Ctrl-C.

    Sectors and files that appear later are served at once. The public bucket is at /stpubdata.

    Try it:

    [bold]calnet-ops archive serve path/to/tess --port 8085[/bold]

    [bold]calnet-ops archive serve path/to/tess --faults faults.json --seed 7[/bold]
    """
    with _mirror(folder, host, port, access_log, faults, seed) as mirror:
        if port_file:
            part = port_file.with_name(f"{port_file.name}.part")
            part.write_text(f"{mirror.server_port}\n")
            part.replace(port_file)
        show({"url": mirror.url, "folder": str(folder.resolve())}, as_json=as_json)
        try:
            mirror.serve_forever()
        except KeyboardInterrupt:
            return


def _mirror(
    folder: Path, host: str, port: int, access_log: bool, faults: Path | None, seed: int | None
) -> "Mirror":
    if faults is None:
        from calnet_ops.simulator.mirror import Mirror

        if seed is not None:
            raise WrongConfiguration("--seed", found="no --faults", expected="both of them")
        return Mirror(folder, host, port, access_log=access_log)
    from calnet_ops.simulator.faults import Faults
    from calnet_ops.simulator.faulty_mirror import FaultyMirror

    settings = Faults.load(faults, seed)
    return FaultyMirror(folder, settings, host, port, access_log=access_log)


@app.command()
def simulate(
    folder: Folder,
    sector: Annotated[list[int], typer.Option(help="Sector, 1 to 106; may be repeated.")],
    stars: Annotated[int, typer.Option(help="Good light curves in each sector.", min=1)] = 500,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 1,
    mix: Annotated[
        str | None, typer.Option(help="Share of each kind: EA=0.2,EW=0.1,CONSTANT=0.7.")
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="6000 rows in place of 20000.")
    ] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Add one bad file of each kind there is.")
    ] = False,
    truth: Annotated[
        Path | None, typer.Option(help="CSV file for what each star is; outside FOLDER.")
    ] = None,
    first_tic: Annotated[
        int | None, typer.Option(help="First number; that of another sector observes its stars.")
    ] = None,
    delivery: Annotated[
        int, typer.Option(help="2 and later: same names, newly processed.", min=1)
    ] = 1,
    pairs: Annotated[
        int, typer.Option(help="Pairs of a binary and a quiet star that has its eclipses.", min=0)
    ] = 0,
    issue: Annotated[
        list[str] | None,
        typer.Option(help="Something that goes wrong for a while; may be repeated."),
    ] = None,
    scattered_light: Annotated[
        float,
        typer.Option(help="Share of each orbit in unflagged scattered light.", min=0, max=1),
    ] = 0.0,
    lifelike: Annotated[
        bool,
        typer.Option("--lifelike", help="Restless stars, all magnitudes, shallow eclipses too."),
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    as_json: Json = False,
) -> None:
    """Write sectors that never were, for `serve` to serve.

    Kinds: EA, EB, EW (eclipsing binaries), SPOTTED, DSCT, RRLYR, PLANET, FLARE, RAMP, BLEND,
    CONSTANT. docs/simulator.md says what is modelled and what is not.

    Issues have start and stop (BTJD), a kind (scattered light, unflagged light, manual exclude,
    coarse pointing, instrument off, safe mode) and, if not all are meant, camera, ccd and sector.

    Try it:

    [bold]calnet-ops archive simulate var/sky --sector 87 --truth var/truth.csv[/bold]

    [bold]calnet-ops archive simulate var/sky --sector 61 --sector 62 --stars 100 --compact[/bold]

    [bold]calnet-ops archive simulate var/sky --sector 88 --mix EA=0.5,PLANET=0.5 --damaged[/bold]

    [bold]calnet-ops archive simulate var/sky --sector 87
    --issue "camera=2,start=3665.0,stop=3666.5,kind=scattered light"[/bold]

    [bold]calnet-ops archive simulate var/sky --sector 88 --scattered-light 0.5[/bold]
    """
    from calnet_ops.simulator.issues import PlantedIssue, check_meant
    from calnet_ops.simulator.sectors import simulate_sector
    from calnet_ops.simulator.signals import DEFAULT_MIX

    shares = DEFAULT_MIX if mix is None else parse_mix(mix)
    planted = [PlantedIssue.parse(text) for text in issue or []]
    check_meant(planted, sector)
    rows = []
    for one in sector:
        with progress_of(f"sector {one}") as progress:
            report = simulate_sector(
                folder,
                one,
                n_star=stars,
                seed=seed,
                truth=truth,
                mix=shares,
                compact=compact,
                damaged=damaged,
                workers=workers,
                progress=progress,
                first_tic=first_tic,
                n_pair=pairs,
                delivery=delivery,
                issues=[item for item in planted if item.sector in {0, one}],
                scattered_light=scattered_light,
                lifelike=lifelike,
            )
        rows.append(
            {
                "sector": one,
                "files": report.n_file,
                "megabytes": round(report.n_bytes / 1e6, 1),
                "seconds": round(report.wall_s, 2),
                "folder": str(report.folder),
                "truth": str(truth) if truth else None,
            }
        )
    show_rows(rows, as_json=as_json)


def parse_mix(text: str) -> dict[str, float]:
    """Shares of ``EA=0.2,EW=0.1``.

    Raises
    ------
    WrongConfiguration
        If it is not of that form.
    """
    shares = {}
    for part in text.split(","):
        kind, _, share = part.partition("=")
        try:
            shares[kind.strip().upper()] = float(share)
        except ValueError:
            raise WrongConfiguration(
                "--mix", found=repr(part), expected="KIND=SHARE, such as EA=0.2"
            ) from None
    return shares


class Rate(TextColumn):
    """Files a second."""

    @override
    def render(self, task: Task) -> Text:
        """Show the rate, once there is one."""
        return Text(f"{task.speed:.1f} files/s" if task.speed else "")


@contextmanager
def progress_of(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error, fed with files done and files in all."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), Rate("{task.speed}"))
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
