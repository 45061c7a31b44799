"""Drift of a sector, and what became of what was expected."""

from pathlib import Path
from typing import Annotated, Any

import typer

from calnet_ops.cli.output import Json, errors, print_json, show, show_rows
from calnet_ops.cli.sectors import Sector
from calnet_ops.keys import parse_sector, sector_key
from calnet_ops.platform import Platform, open_platform

SHOWN = 12
"""Comparisons on a terminal, the most striking first; --json has them all."""


def drift(
    sector: Sector,
    figure: Annotated[Path | None, typer.Option(help="File to write the figure to, a PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Compare a scored sector with what the model in production knows, and with recent sectors.

    Says what recall and precision to expect, and what vetting has found so far. A warning is no
    failure: the command ends with 0. docs/drift.md says what to do.

    Example: [bold]calnet-ops drift 87 --figure drift.png[/bold]
    """
    from calnet_ops.steps.compare_vetting import compare_vetting
    from calnet_ops.steps.watch_drift import watch_drift

    platform, number = open_platform(), parse_sector(sector)
    record: dict[str, Any] = {**watch_drift(number, platform)}
    found = compare_vetting(number, platform)
    rows = platform.store.load_table(record["comparisons"]).to_pylist()
    if figure is not None:
        figure.write_bytes(platform.store.load(record["figure"]))
    if as_json:
        print_json({**record, "found": found, "comparisons": rows})
        return
    _show(record, {**found} if found else {}, rows, platform)


def _show(
    record: dict[str, Any], found: dict[str, Any], rows: list[dict[str, Any]], platform: Platform
) -> None:
    name = sector_key(record["sector"])
    show_rows(rows[:SHOWN], as_json=False, title=f"{name}, largest distances first")
    expected = record["expected"]
    told = {
        "state": record["state"],
        "compared with": " and ".join(record["against"]) or "nothing yet",
        "recent sectors": record["n_recent"],
        "expected recall": _estimate(expected["recall"]),
        "expected precision": _estimate(expected["precision"]),
        "expected share of binaries": _estimate(expected["eb_share"]),
        "figure": platform.store.uri(record["figure"]),
    }
    if found:
        told |= {
            "vetted": f"{found['n_vetted']} of {found['n_candidate']} candidates",
            "precision found": _estimate(found["found_precision"]),
            "expected of those": found["expected_of_vetted"],
            "recall found": _estimate(found["found_recall"]),
        }
    show(told, as_json=False, title=name)
    if not record["calibrated"]:
        errors.print(
            "the model has no calibration: do not rely on expected figures", style="yellow"
        )
    for warning in record["warnings"][:SHOWN]:
        errors.print(f"warning: {warning}", style="yellow", highlight=False)


def _estimate(estimate: dict[str, Any] | None) -> str | None:
    """A number with its interval."""
    if estimate is None or estimate["value"] is None:
        return None
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
