"""Releases: stage, publish, list, compare, verify."""

from pathlib import Path
from typing import Annotated, Any

import typer

from calnet_ops.cli.output import Json, console, print_json, show, show_rows
from calnet_ops.errors import MissingInput, ReleaseRefused
from calnet_ops.platform import open_platform

app = typer.Typer(
    help="Releases of the catalog: stage, publish, compare, verify.", no_args_is_help=True
)

SHOWN = 20
"""Stars listed on a terminal; `--json` lists all."""


@app.command()
def stage(as_json: Json = False) -> None:
    """Make and check all files of the next release, for a person to look at.

    Example: [bold]calnet-ops release stage[/bold]
    """
    from calnet_ops.steps import publish, validate_catalog

    platform = open_platform()
    staged = publish.stage_release(platform)
    if staged is None:
        _say_unchanged(as_json=as_json)
    else:
        validate_catalog.validate_catalog(staged, platform)
        show({**staged}, as_json=as_json, title="staged, checked, not yet published")


@app.command("publish")
def publish_next(
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who looked at it.")],
    as_json: Json = False,
) -> None:
    """Stage the next release, check it and publish it.

    Example: [bold]calnet-ops release publish --approved-by "Ada Lovelace"[/bold]
    """
    from calnet_ops.steps import publish, validate_catalog

    platform = open_platform()
    staged = publish.stage_release(platform)
    if staged is None:
        _say_unchanged(as_json=as_json)
        return
    validate_catalog.validate_catalog(staged, platform)
    record = publish.publish_release(staged, approved_by, platform)
    show({**record}, as_json=as_json, title="published")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List all releases, oldest first.

    Example: [bold]calnet-ops release list[/bold]
    """
    from calnet_ops.steps import publish

    releases = publish.list_releases(open_platform())
    show_rows([{**item} for item in releases], as_json=as_json, title="releases")


@app.command("diff")
def compare_two(
    older: Annotated[str, typer.Argument(help="A version, or a folder with a release.")],
    newer: Annotated[str, typer.Argument(help="Another one.")],
    as_json: Json = False,
) -> None:
    """Say which stars were added, removed or changed from one release to another.

    Example: [bold]calnet-ops release diff v2026.10.0 v2026.11.0[/bold]
    """
    from calnet_ops.science.catalog.diff import compare

    difference = compare(_catalog(older), _catalog(newer))
    changed = {str(tic): list(columns) for tic, columns in difference.changed.items()}
    if as_json:
        print_json(
            {
                "added": difference.added,
                "removed": difference.removed,
                "changed": changed,
                "n_unchanged": len(difference.unchanged),
            }
        )
        return
    console.print(f"{older} → {newer}: {difference.sentence()}")
    rows: list[dict[str, Any]] = [
        *({"tic": tic, "what": "added"} for tic in difference.added),
        *({"tic": tic, "what": "removed"} for tic in difference.removed),
        *({"tic": tic, "what": f"changed: {', '.join(c)}"} for tic, c in changed.items()),
    ]
    if rows:
        show_rows(rows[:SHOWN], as_json=False)
    if len(rows) > SHOWN:
        console.print(f"{len(rows) - SHOWN} more: see --json")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder with a release.", file_okay=False)],
    as_json: Json = False,
) -> None:
    """Check the bytes of a release, read it in every format and compare them.

    Example: [bold]calnet-ops release verify var/demo/release[/bold]
    """
    from calnet_ops.science.catalog.contents import SUMS, find_faults
    from calnet_ops.science.catalog.formats import FORMATS

    if not (folder / SUMS).is_file():
        raise MissingInput(
            str(folder),
            found=f"no {SUMS}",
            expected="a release",
            cure="Name the folder that holds SHA256SUMS.",
        )
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    faults = find_faults(files)
    if faults:
        raise ReleaseRefused(str(folder), found="; ".join(faults), expected="a whole release")
    show(
        {"ok": True, "folder": str(folder), "n_file": len(files), "formats": list(FORMATS)},
        as_json=as_json,
        title="every byte and every format agrees",
    )


def _say_unchanged(*, as_json: bool) -> None:
    from calnet_ops.steps import publish

    releases = publish.list_releases(open_platform())
    last = releases[-1]["version"] if releases else ""
    show({"changed": False, "current": last}, as_json=as_json, title="nothing changed since")


def _catalog(name: str) -> Any:
    """Catalog of a local folder, or of a version in the store."""
    from calnet_ops import keys
    from calnet_ops.science.catalog.formats import FORMATS
    from calnet_ops.steps import publish
    from calnet_ops.steps.publish_contents import load_catalog

    parquet = FORMATS["parquet"]
    if Path(name).is_dir():
        with (Path(name) / parquet.file_name).open("rb") as file:
            return parquet.read(file)
    platform = open_platform()
    versions = [item["version"] for item in publish.list_releases(platform)]
    if name not in versions:
        raise MissingInput(
            f"release {name}",
            found="no such version",
            expected=", ".join(versions) or "a release",
            cure="See `calnet-ops release list`.",
        )
    return load_catalog(platform.store, keys.release(name))
