"""Hold a model against labelled light curves: `model evaluate`."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from calnet_ops.cli.output import Json, console, errors, print_json, show, show_rows, track
from calnet_ops.errors import RejectedInput, WrongConfiguration
from calnet_ops.platform import open_platform

if TYPE_CHECKING:
    from calnet_ops.steps.evaluate_folder import Evaluation, JudgedStar, Share

TITLES = {
    "eb_found": "binaries found",
    "eb_found_clean": "  of them sure ones",
    "eb_found_hard": "  of them hard ones",
    "planet_not_called": "planet hosts not called binaries",
    "quiet_not_called": "other stars not called binaries",
}
"""Lines of the table."""

LONGEST_LIST = 60
"""Stars that a terminal is shown one by one; of longer lists, the mistakes only."""


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A version's number, champion, a `.keras`, `.npz` or `.tflite` file, or a folder "
            "that holds one; by default with --on the one that comes with the software (shipped), "
            "else champion."
        ),
    ] = None,
    on: Annotated[
        Path | None,
        typer.Option(
            "--on",
            help="Folder of light curves with a manifest.csv of labels; without it, the frozen "
            "test stars of the model's own data set.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability of a candidate; by default the model's own."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="PNG file to write: light curves of the mistakes.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say of each labelled star what the model says of it, and how often it is right.

    The manifest has columns path (relative to the folder), tic and label: EB, PLANET and NONEB are
    counted, AMBIGUOUS is told, rows without a label are left out. If it has sha256 or bytes, they
    are checked. A file that is missing, changed or no light curve is named, and the others go on;
    if none is left to judge, the command ends with 1. No server is needed for a model in a file.

    Examples: [bold]calnet-ops model evaluate --on ../shared/data --json[/bold],
    [bold]calnet-ops model evaluate calnet.keras --on stars --figure mistakes.png[/bold],
    [bold]calnet-ops model evaluate 3 --json[/bold]
    """
    if on is None:
        _evaluate_frozen(model or "champion", figure, as_json=as_json)
        return
    from calnet_ops.steps.chosen_model import SHIPPED, model_named
    from calnet_ops.steps.classify import open_model, open_workers, score_files
    from calnet_ops.steps.evaluate_folder import evaluate as evaluate_stars
    from calnet_ops.steps.labelled_folder import read_folder
    from calnet_ops.steps.learned_from import learned_from

    if figure is not None and not figure.resolve().parent.is_dir():
        found = f"no folder {figure.parent}"
        raise WrongConfiguration("--figure", found=found, expected="a file in a folder that exists")
    named = model_named(model or SHIPPED)
    rows = read_folder(on)
    chosen = open_model(named, threshold)
    known = learned_from(named, open_platform)
    files = list(dict.fromkeys(row.path for row in rows if not row.problem))
    n_worker = workers or os.cpu_count() or 1
    with open_workers(chosen, n_worker, len(files)) as pool:
        scored = list(track(score_files(files, chosen, pool), len(files), "scoring"))
    report = evaluate_stars(named, on, chosen, rows, scored, known)
    if figure is not None:
        figure.write_bytes(_gallery(report, on))
    if as_json:
        print_json(report)
    else:
        _show(report)
    if all(star["probability"] is None for star in report["stars"]):
        raise typer.Exit(1)


def _evaluate_frozen(model: str, figure: Path | None, *, as_json: bool) -> None:
    """The report of a version on its frozen test stars."""
    from calnet_ops.steps.chosen_model import find_model
    from calnet_ops.steps.evaluation import evaluate_again, load_report

    platform = open_platform()
    record = evaluate_again(find_model(model, platform), platform)
    if figure is not None:
        figure.write_bytes(platform.store.load(record["figures"]["evaluation.png"]))
    report = load_report(record["key"], platform.store)
    if as_json:
        print_json(report)
        return
    rows = [
        {"counted": one["name"], **{name: _rate(one[name]) for name in ("recall", "precision")}}
        for one in report["counts"]
    ]
    show_rows(rows, as_json=False, title="three ways to count; the last is the honest one")
    show({**record}, as_json=False)


def _rate(rate: dict[str, float]) -> str:
    """A share with its interval."""
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def _gallery(report: "Evaluation", folder: Path) -> bytes:
    """Light curves of the mistakes, the most certain one first."""
    from calnet_ops.science.evaluation.curve_page import Shown, draw_page
    from calnet_ops.science.lightcurve.readers import read_any

    stars = {star["tic"]: star for star in report["stars"]}
    shown = []
    for tic in report["mistakes"]:
        star = stars[tic]
        used = [file["path"] for file in star["files"] if not file["reason"]]
        title = f"TIC {tic}, {star['label']}, P(EB) {star['probability']:.3f}"
        with suppress(RejectedInput, OSError):  # gone or changed since it was scored
            shown.append(Shown(title, read_any(used[0], (folder / used[0]).read_bytes())))
    return draw_page(f"Mistakes of {report['model']}", shown)


def _show(report: "Evaluation") -> None:
    stars: Sequence[JudgedStar] = report["stars"]
    many = len(stars) > LONGEST_LIST
    if many:
        stars = [star for star in stars if star["right"] is False]
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("TIC", "label", "sectors", "P(EB)", "called", "right", "reason"):
        table.add_column(heading, overflow="fold")
    for star in stars:
        probability = star["probability"]
        table.add_row(
            str(star["tic"]),
            star["label"] + (" (hard)" if star["label"] == "EB" and star["clean"] is False else ""),
            ",".join(map(str, star["sectors"])),
            "–" if probability is None else f"{probability:.4f}",
            _word(star["called"]),
            _word(star["right"]) + (" (learned from)" if star["learned_from"] else ""),
            star["reason"],
            style="red" if star["right"] is False else "",
        )
    console.print(table, highlight=False)
    console.print(_shares({"": report["summary"], **_products(report)}), highlight=False)
    if report["injected"]:
        _show_injected(report["injected"]["recall_at_false_positives"])
    if many:
        text = f"Only mistakes are listed; --json has all {report['n_star']} stars."
        errors.print(text, highlight=False)


def _products(report: "Evaluation") -> "dict[str, dict[str, Share]]":
    return report["by_product"] if len(report["by_product"]) > 1 else {}


def _shares(parts: "dict[str, dict[str, Share]]") -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("", "right", "share", "95%", "not judged"):
        table.add_column(heading)
    for product, summary in parts.items():
        if product:
            table.add_row(f"[bold]{product}[/bold]")
        for name, share in summary.items():
            if share["n"] + share["n_not_judged"]:
                table.add_row(
                    TITLES[name],
                    f"{share['n_right']} of {share['n']}",
                    f"{share['share']:.3f}" if share["n"] else "–",
                    f"{share['low']:.3f} to {share['high']:.3f}" if share["n"] else "–",
                    str(share["n_not_judged"] or ""),
                )
    return table


def _show_injected(found: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("recall at", "of", "", "share", "95%", "binaries"):
        table.add_column(heading)
    for level, parts in found.items():
        for by, bins in parts.items():
            for name, rate in bins.items():
                interval = f"{rate['low']:.3f} to {rate['high']:.3f}"
                table.add_row(level, by, name, f"{rate['value']:.3f}", interval, str(rate["n"]))
    console.print(table, highlight=False)


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "–"}[value]
