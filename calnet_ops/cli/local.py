"""Commands for an astronomer with light curves and no platform."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from calnet_ops.cli.output import Json, errors, print_json, show, show_rows, track
from calnet_ops.errors import WrongConfiguration
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import open_platform

Inputs = Annotated[
    list[str],
    typer.Argument(help="A sector such as 87, or light-curve files (FITS, CSV, ECSV, Parquet)."),
]

Files = Annotated[
    list[Path], typer.Argument(help="Light curves: FITS, CSV, ECSV or Parquet.", exists=True)
]


def extract(
    inputs: Inputs,
    features: Annotated[str, typer.Option(help="Version of the features.")] = "v1",
    out: Annotated[Path | None, typer.Option(help="Parquet file, for local files.")] = None,
    as_json: Json = False,
) -> None:
    """Make features: light curve and periodogram of each segment, as the network sees them.

    Examples: [bold]calnet-ops extract 87[/bold] for a stored sector,
    [bold]calnet-ops extract *_lc.fits --features v1 --out features.parquet[/bold] for files.
    """
    from calnet_ops.science.features import VERSIONS

    if features not in VERSIONS:
        raise WrongConfiguration("--features", found=features, expected=" or ".join(VERSIONS))
    if len(inputs) == 1 and not Path(inputs[0]).exists():
        _extract_sector(parse_sector(inputs[0]), features, as_json=as_json)
    else:
        _extract_local([Path(name) for name in inputs], features, out, as_json=as_json)


def classify(
    files: Files,
    model: Annotated[
        str, typer.Option(help="A `.keras` or `.tflite` file, or `models:/calnet@champion`.")
    ] = "models:/calnet@champion",
    threshold: Annotated[
        float | None, typer.Option(help="Probability of a candidate; by default the model's own.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="ECSV or Parquet file to write.")] = None,
    as_json: Json = False,
) -> None:
    """Say how likely stars are eclipsing binaries, with period, epoch, depth and type.

    Examples: [bold]calnet-ops classify *_lc.fits --model calnet.keras[/bold],
    [bold]calnet-ops classify star_lc.fits --model calnet.tflite --out stars.ecsv[/bold]
    """
    from calnet_ops.steps.classify import classify_files, open_model

    chosen = open_model(model, threshold)
    rows = [{**row} for row in classify_files(_bodies(files, "classifying"), chosen)]
    if out is not None:
        _write(rows, out)
        show({"file": str(out), "n_target": len(rows)}, as_json=as_json)
    elif as_json:
        print_json(rows)
    else:
        show_rows(rows, as_json=False)


def _extract_sector(sector: int, version: str, *, as_json: bool) -> None:
    from calnet_ops.steps import extract as step

    platform = open_platform()
    shards = step.plan_shards(sector, version, platform)
    work = (step.extract_shard(shard, platform) for shard in shards)
    tallies = list(track(work, len(shards), f"features of {sector_key(sector)}", "shards"))
    show({**step.close_features(sector, version, tallies, platform)}, as_json=as_json)


def _extract_local(files: list[Path], version: str, out: Path | None, *, as_json: bool) -> None:
    from calnet_ops.steps.extract import extract_files

    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise WrongConfiguration(missing[0], found="no such file", expected="a light curve")
    if out is None:
        raise WrongConfiguration("--out", found="nothing", expected="a Parquet file to write")
    table, skipped = extract_files(_bodies(files, "features"), version)
    pq.write_table(table, out, compression="zstd")
    for row in skipped.to_pylist():
        errors.print(f"skipped {row['file_name']}: {row['message']}", highlight=False)
    record = {"file": str(out), "n_segment": table.num_rows, "n_skipped": skipped.num_rows}
    show(record, as_json=as_json)


def _bodies(files: list[Path], label: str) -> Iterator[tuple[str, bytes]]:
    for file in track(files, len(files), label):
        yield file.name, file.read_bytes()


def _write(rows: list[dict[str, Any]], out: Path) -> None:
    if out.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), out)
    elif out.suffix == ".ecsv":
        from astropy.table import Table

        Table(rows).write(out, format="ascii.ecsv", overwrite=True)
    else:
        raise WrongConfiguration("--out", found=out.name, expected="a .ecsv or .parquet file")
