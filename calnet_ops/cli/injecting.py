"""Put eclipses of known truth on real quiet light curves: `model inject`."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calnet_ops.cli.output import Json, errors, show, track
from calnet_ops.errors import MissingInput, RejectedInput, WrongConfiguration
from calnet_ops.keys import SpocName
from calnet_ops.steps.labelled_folder import MANIFEST, LabelledFile, read_folder

if TYPE_CHECKING:
    from calnet_ops.science.lightcurve.light_curve import LightCurve
    from calnet_ops.simulator.injection import MadeStar

QUIET = "NONEB"
"""Label of base stars, without those that are not clean: a planet candidate brings its own dips."""

COLUMNS = (
    *("path", "tic", "sector", "product", "label", "clean", "kind", "side"),
    *("base_tic", "base_path"),
    *("period_d", "epoch_btjd", "depth", "depth_2", "duration_h", "snr"),
    *("tmag", "ra", "dec", "simulated", "bytes", "sha256"),
)
"""Of the manifest."""


def inject(
    folder: Annotated[Path, typer.Argument(help="Folder of light curves with a manifest.csv.")],
    out: Annotated[Path, typer.Option("--out", help="New folder to write; a manifest with it.")],
    per_star: Annotated[
        int, typer.Option(min=1, help="Binaries made of each light curve, and as many others.")
    ] = 20,
    planets: Annotated[
        int, typer.Option(min=0, help="Stars with a planet made of each light curve besides.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    side: Annotated[
        str, typer.Option(help="Only base stars of this side: train, validation or test.")
    ] = "",
    first_tic: Annotated[
        int | None, typer.Option(help="First number; for a second folder in one platform.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Multiply eclipses of known truth into real quiet light curves, and make negatives of them.

    Base stars are the NONEB rows of the manifest, without those that are not clean. Each gives
    binaries (EA, EB, EW; depths of 0.2 to 60%, periods up to 13 d) and as many stars without:
    itself, upside down, and with its pieces dealt anew. All that is made of a base star is on its
    side: train, validation or test. The new manifest holds the truth and serves
    [bold]calnet-ops model evaluate --on[/bold]. Files are of 2 MB, so 30 light curves give 2.4 GB
    with 20 binaries each.

    Example: [bold]calnet-ops model inject ../shared/data --out var/injected --side test[/bold]
    """
    from calnet_ops.simulator.injection import SIDES, side_of

    if side and side not in SIDES:
        raise WrongConfiguration("--side", found=side, expected=" or ".join(SIDES))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongConfiguration("--out", found=f"{out}, not empty", expected="a new folder")
    skipped: list[str] = []
    rows = _quiet(read_folder(folder), skipped)
    wanted = [row for row in rows if not side or side_of(row.tic, seed) == side]
    bases = list(_bases(wanted, skipped))
    if not bases:
        raise MissingInput(
            f"{QUIET} light curves in {folder}",
            found=f"{len(rows)} clean ones, none that can be used on side {side or 'any'}",
            expected="two-minute light curves of SPOC",
            cure=f"The first: {skipped[0]}" if skipped else "",
        )
    makers = _makers(per_star, planets)
    rows_made = _make(bases, out, makers, seed, first_tic)
    try:
        out.mkdir(parents=True, exist_ok=True)
        made = list(track(rows_made, len(makers) * len(bases), "injecting"))
        _save_manifest(out / MANIFEST, made)
    except OSError as error:
        expected = "a folder that can be written, with room"
        raise WrongConfiguration("--out", found=str(error), expected=expected) from error
    sides = sorted({row["side"] for row in made})
    record = {
        "folder": str(out),
        "n_file": len(made),
        "n_binary": sum(row["label"] == "EB" for row in made),
        "n_base_star": len({row.tic for row, _ in bases}),
        **{f"n_{one}": sum(row["side"] == one for row in made) for one in sides},
        "simulated": True,
        "skipped": skipped,
    }
    show(record, as_json=as_json)


def _save_manifest(path: Path, made: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)


def _quiet(files: Sequence[LabelledFile], skipped: list[str]) -> list[LabelledFile]:
    """Light curves of stars that nobody calls anything but quiet; to `skipped` go the doubtful."""
    doubtful = {file.tic for file in files if file.label not in {QUIET, ""}}
    rows = [file for file in files if file.label == QUIET and file.clean is not False]
    skipped += [f"{row.name}: its star has two labels" for row in rows if row.tic in doubtful]
    return [row for row in rows if row.tic not in doubtful]


def _bases(
    rows: Iterable[LabelledFile], skipped: list[str]
) -> Iterator[tuple[LabelledFile, "LightCurve"]]:
    """Light curves that can carry eclipses; to `skipped` is added why the others cannot."""
    for row in rows:
        try:
            yield row, _read_base(row)
        except (RejectedInput, OSError) as error:
            skipped.append(row.problem or str(error))
            text = f"skipped {skipped[-1]}"
            errors.print(text, highlight=False, markup=False, soft_wrap=True)


def _read_base(row: LabelledFile) -> "LightCurve":
    """Light curve of the very star, if it is long enough to be scored and to hold eclipses."""
    from calnet_ops.science.features import extract
    from calnet_ops.science.lightcurve import spoc

    name = row.path.name
    if row.problem:
        raise RejectedInput(row.name, found=row.problem, expected="a sound light curve")
    _, curve = spoc.verify_and_read(name, row.path.read_bytes())
    if curve.tic != row.tic:
        raise RejectedInput(name, found=f"TIC {curve.tic}", expected=f"{row.tic} (manifest)")
    extract(curve)
    return curve


def _makers(per_star: int, planets: int) -> list[tuple[Callable[..., "MadeStar"], int]]:
    """What makes the stars of a light curve, in their order, and the number that it is given."""
    from calnet_ops.simulator.injection import make_binary, make_other, make_planet

    pairs = [(make, k) for k in range(per_star) for make in (make_binary, make_other)]
    return [*pairs, *((make_planet, k) for k in range(planets))]


def _make(
    bases: Sequence[tuple[LabelledFile, "LightCurve"]],
    out: Path,
    makers: Sequence[tuple[Callable[..., "MadeStar"], int]],
    seed: int,
    first_tic: int | None,
) -> Iterator[dict[str, Any]]:
    """Write all files, and say what is true of each."""
    from calnet_ops.simulator.injected_file import FIRST_INJECTED, changed_file
    from calnet_ops.simulator.injection import side_of

    tic = FIRST_INJECTED if first_tic is None else first_tic
    for row, curve in bases:
        body, name = row.path.read_bytes(), SpocName.parse(row.path.name)
        for make, k in makers:
            one = make(seed, curve.tic, curve.sector, k, curve.time, curve.flux, curve.good)
            history = (
                f"Made by calnet-ops of TIC {curve.tic}, sector {curve.sector}: {one.kind}.",
                "The star's own light is real; what it does here never was.",
            )
            made = changed_file(body, one.change, tic, history)
            path = f"s{curve.sector:03d}/{SpocName(name.stamp, name.sector, tic, name.scid)}"
            (out / path).parent.mkdir(exist_ok=True)
            (out / path).write_bytes(made)
            yield {
                "path": path,
                "tic": tic,
                "sector": curve.sector,
                "product": "SPOC 2-min, injected",
                "label": "EB" if one.is_eb else "PLANET" if one.kind == "PLANET" else QUIET,
                "clean": True,
                "kind": one.kind,
                "side": side_of(curve.tic, seed),
                "base_tic": curve.tic,
                "base_path": row.name,
                **one.truth,
                "tmag": curve.tmag,
                "ra": curve.ra,
                "dec": curve.dec,
                "simulated": True,
                "bytes": len(made),
                "sha256": hashlib.sha256(made).hexdigest(),
            }
            tic += 1
