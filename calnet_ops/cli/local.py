"""Commands for an astronomer with light curves and no platform."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.markup import escape
from rich.table import Table

from calnet_ops.cli.output import Json, console, errors, print_json, show, track
from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import open_platform

Inputs = Annotated[
    list[str],
    typer.Argument(
        help="A sector such as 87, or light curves (FITS, CSV, ECSV, Parquet); "
        "of a folder, all its *_lc.fits."
    ),
]

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Light curves: FITS, CSV, ECSV or Parquet; of a folder, all its *_lc.fits."
    ),
]


def extract(
    inputs: Inputs,
    features: Annotated[
        str,
        typer.Option(help="Version; by default v1, of a sector the one that its model needs."),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Parquet file, for local files.")] = None,
    as_json: Json = False,
) -> None:
    """Make features: light curve and periodogram of each segment, as the network sees them.

    Examples: [bold]calnet-ops extract 87[/bold] for a stored sector,
    [bold]calnet-ops extract *_lc.fits --features v1 --out features.parquet[/bold] for files.

    Files that cannot be used are named on standard error. If none can, nothing is written and the
    exit code is 1.
    """
    from calnet_ops.science.features import VERSIONS

    if features and features not in VERSIONS:
        raise WrongConfiguration("--features", found=features, expected=" or ".join(VERSIONS))
    first = Path(inputs[0])
    if len(inputs) == 1 and not first.suffix and not first.exists():
        _extract_sector(parse_sector(inputs[0]), features, as_json=as_json)
    else:
        _extract_local([Path(name) for name in inputs], features or "v1", out, as_json=as_json)


def classify(
    files: Files,
    model: Annotated[
        str,
        typer.Option(help="The one that comes with the software; or a file, champion, a number."),
    ] = "shipped",
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability of a candidate; by default the model's own."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="ECSV or Parquet file to write.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how likely stars are eclipsing binaries, with period, epoch, depth and type.

    One row a star: the segments of all of its files are scored together, and its eclipses are
    measured in all of them together. Errors, secondary eclipse, type probability and morphology
    are in the file of --out and in --json. A file that cannot be read has its own row, which says
    why. Rows are in the order of the files and the same whatever the number of workers; fewer
    than 100 files are done in one process.

    Examples: [bold]calnet-ops classify *_lc.fits[/bold],
    [bold]calnet-ops classify star_lc.fits --model calnet.keras --out stars.ecsv[/bold],
    [bold]calnet-ops classify star_lc.fits --model champion --json[/bold]
    """
    from calnet_ops.steps.chosen_model import model_named
    from calnet_ops.steps.classify import (
        by_target,
        describe_targets,
        open_model,
        open_workers,
        score_files,
    )

    light_curves = _light_curves(files)
    if out is not None:
        _check_out(out, (".ecsv", ".parquet"), light_curves)
    chosen = open_model(model_named(model), threshold)
    n_file, n_worker = len(light_curves), workers or os.cpu_count() or 1
    with open_workers(chosen, n_worker, n_file) as pool:
        targets = by_target(track(score_files(light_curves, chosen, pool), n_file, "scoring"))
        described = describe_targets(targets, chosen.threshold, chosen.calibration, pool)
        rows = list(track(described, len(targets), "measuring", "targets"))
    if out is not None:
        _write(rows, out)
        show({"file": str(out), "n_target": len(rows)}, as_json=as_json)
    elif as_json:
        print_json(rows)
    else:
        _show_targets(rows)


def _extract_sector(sector: int, version: str, *, as_json: bool) -> None:
    from calnet_ops.steps import extract as step
    from calnet_ops.steps.features_version import version_to_extract

    platform = open_platform()
    version = version or version_to_extract(platform)
    shards = step.plan_shards(sector, version, platform)
    work = (step.extract_shard(shard, platform) for shard in shards)
    tallies = list(track(work, len(shards), f"features of {sector_key(sector)}", "shards"))
    show({**step.close_features(sector, version, tallies, platform)}, as_json=as_json)


def _extract_local(files: list[Path], version: str, out: Path | None, *, as_json: bool) -> None:
    from calnet_ops.steps.extract import extract_files

    light_curves = _light_curves(files)
    if out is None:
        raise WrongConfiguration("--out", found="nothing", expected="a Parquet file to write")
    _check_out(out, (".parquet",), light_curves)
    table, skipped = extract_files(_bodies(light_curves, "features"), version)
    for row in skipped.to_pylist():
        text = f"skipped {row['file_name']}: {row['message']}"
        errors.print(text, highlight=False, markup=False, soft_wrap=True)
    if not table.num_rows:
        found = f"none in {skipped.num_rows} files, the first: {skipped['message'][0]}"
        raise MissingInput("features", found=found, expected="a segment that can be used")
    pq.write_table(table, out, compression="zstd")
    record = {"file": str(out), "n_segment": table.num_rows, "n_skipped": skipped.num_rows}
    show(record, as_json=as_json)


def _bodies(files: list[Path], label: str) -> Iterator[tuple[str, bytes]]:
    for file in track(files, len(files), label):
        yield file.name, file.read_bytes()


def _light_curves(named: list[Path]) -> list[Path]:
    """Each file once; all there, which is said before any work."""
    files = [file for path in named for file in (_of_folder(path) if path.is_dir() else [path])]
    for file in files:
        if not file.is_file():
            raise WrongConfiguration(str(file), found="no such file", expected="a light curve")
    return list(dict.fromkeys(files))


def _of_folder(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*_lc.fits"))
    if not files:
        raise WrongConfiguration(str(folder), found="no *_lc.fits", expected="light curves")
    return files


def _check_out(out: Path, suffixes: tuple[str, ...], files: list[Path]) -> None:
    """Refuse what could not be written in the end, or would overwrite a light curve."""
    if out.suffix not in suffixes:
        expected = f"a file ending in {' or '.join(suffixes)}"
        raise WrongConfiguration("--out", found=out.name, expected=expected)
    if out.is_dir() or not out.parent.is_dir():
        found = f"the folder {out}" if out.is_dir() else f"no folder {out.parent}"
        raise WrongConfiguration("--out", found=found, expected="a file in a folder that exists")
    if out.resolve() in {file.resolve() for file in files}:
        raise WrongConfiguration("--out", found=f"the input {out}", expected="another file")


SHOWN = {
    "tic": "{}",
    "sectors": "{}",
    "n_segment": "{}",
    "probability": "{:.4f}",
    "period": "{:.6f}",
    "epoch_bjd_tdb": "{:.4f}",
    "depth_1": "{:.4f}",
    "eb_type": "{}",
}
"""What a terminal of 80 columns has room for, beside the reason, and how it is written."""


def _show_targets(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a row a target: whole numbers, and in what is left the reason or the file's name."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("TIC", "sectors", "seg", "P(EB)", "period", "epoch", "depth", "type"):
        table.add_column(heading, no_wrap=heading != "sectors")
    table.add_column("reason", overflow="fold")
    for row in rows:
        texts = [
            "–" if row[name] in {None, ""} else form.format(row[name])
            for name, form in SHOWN.items()
        ]
        file = "" if row["tic"] or row["reason"] else row["files"]
        table.add_row(*texts, escape(file or row["reason"]))
    console.print(table, highlight=False)


def _write(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    from calnet_ops.steps.classify import CLASSIFIED

    table = pa.Table.from_pylist(list(rows), schema=CLASSIFIED)
    if out.suffix == ".parquet":
        pq.write_table(table, out)
    else:
        _write_ecsv(table, out)


def _write_ecsv(table: pa.Table, out: Path) -> None:
    """Masked where nothing is known, with units and descriptions."""
    import numpy as np
    from astropy.table import MaskedColumn, Table

    columns = []
    for field, values in zip(table.schema, table.columns, strict=True):
        facts = {name.decode(): value.decode() for name, value in field.metadata.items()}
        kind = str if pa.types.is_string(field.type) else field.type.to_pandas_dtype()
        filled = [kind() if value is None else value for value in values.to_pylist()]
        mask = values.is_null().to_numpy()
        columns.append(MaskedColumn(np.array(filled, kind), field.name, mask=mask, **facts))
    Table(columns).write(out, format="ascii.ecsv", overwrite=True)
