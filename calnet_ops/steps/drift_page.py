"""The page about a sector's drift: a figure and a table, served as the Data Docs are."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import KeyTaken
from calnet_ops.science.evaluation.drift import Comparison
from calnet_ops.science.evaluation.drift_figure import Curves, draw_drift
from calnet_ops.steps.one_file_page import page, picture

SHOWN = 30
"""Comparisons on the page; all of them are in the table beside it."""


def write_page(
    record: Mapping[str, Any],
    curves: Mapping[str, Curves],
    comparisons: Sequence[Comparison],
    store: Store,
) -> None:
    """Store the figure and the page of a record.

    A page that an interrupted run has left stays: another version of the software that draws may
    give other bytes, which say the same.
    """
    sector = keys.sector_key(record["sector"])
    title = f"{sector}, model {record['model_id']}: {_said(record)}"
    figure = draw_drift(title, curves, comparisons)
    text = _page(sector, record, comparisons, figure).encode()
    with suppress(KeyTaken):
        store.save_new(record["figure"], figure, "image/png")
    with suppress(KeyTaken):
        store.save_new(record["docs"], text, "text/html; charset=utf-8")


def _said(record: Mapping[str, Any]) -> str:
    words = {
        "usual": "as usual",
        "warn": "unlike what the model knows",
        "unknown": "nothing to compare with yet",
    }
    return words[record["state"]]


def _page(
    sector: str, record: Mapping[str, Any], comparisons: Sequence[Comparison], image: bytes
) -> str:
    against = " and ".join(record["against"]) or "nothing"
    expected = record["expected"]
    trust = "" if record["calibrated"] else " (model without calibration: do not rely on them)"
    parts = [
        (
            f"<p>{record['n_star']} stars scored by model <code>{record['model_id']}</code>, "
            f"compared with {escape(against)} ({record['n_recent']} sectors). What it means: "
            "<code>docs/drift.md</code>.</p>"
        ),
        (
            f"<p>Expected without labels{trust}: recall {_estimate(expected['recall'])}, precision "
            f"{_estimate(expected['precision'])}, share of binaries "
            f"{_estimate(expected['eb_share'])}; {expected['n_called']} stars at or above the "
            "threshold.</p>"
        ),
        picture(image, f"Distributions of {sector}"),
        (
            "<table><tr><th>number<th>where<th>against<th class=n>stars<th class=n>distance"
            "<th class=n>usual<th class=n>limit<th class=n>of limit</tr>"
        ),
        *(_row(one) for one in comparisons[:SHOWN]),
        "</table>",
        f"<p>{len(comparisons)} comparisons in all.</p>",
    ]
    return page(f"Drift of {sector}: {_said(record)}", parts)


def _row(one: Comparison) -> str:
    mark = ' class="warn"' if one.excess > 1 else ""
    numbers = (one.distance, one.usual, one.limit, one.excess)
    cells = "".join(f"<td class=n>{value:.3f}" for value in numbers)
    return (
        f"<tr{mark}><td>{one.number}<td>{one.place}<td>{one.against}<td class=n>{one.n_star}{cells}"
    )


def _estimate(estimate: Mapping[str, float | None]) -> str:
    if estimate["value"] is None:
        return "not known"
    return f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"
