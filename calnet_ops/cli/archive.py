"""A mirror of the archive, and sectors that never were."""

from pathlib import Path
from typing import Annotated

import typer

from calnet_ops.cli.output import Json, show

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
    as_json: Json = False,
) -> None:
    """Answer like MAST over a folder of light curves, until Ctrl-C.

    Sectors and files that appear later are served at once.

    Example: [bold]calnet-ops archive serve ../shared/data/tess --port 8085[/bold]
    """
    from calnet_ops.simulator.mirror import Mirror

    with Mirror(folder, host, port, access_log=access_log) as mirror:
        if port_file:
            part = port_file.with_name(f"{port_file.name}.part")
            part.write_text(f"{mirror.server_port}\n")
            part.replace(port_file)
        show({"url": mirror.url, "folder": str(folder.resolve())}, as_json=as_json)
        try:
            mirror.serve_forever()
        except KeyboardInterrupt:
            return
