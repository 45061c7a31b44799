"""A preview for people: a page with a sheet of thumbnails and lists."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.science.evaluation.changes import ENTER, LEAVE, TYPE, Change
from calnet_ops.science.evaluation.gallery import Thumbnail, draw_gallery
from calnet_ops.science.features.tables import matrix
from calnet_ops.steps.one_file_page import page, picture

N_SHOWN = 24
"""Thumbnails of each kind of change, those first that the model moved farthest: as many as a person
looks at, and some twenty tables of features to read."""

N_LISTED = 100
"""Lines of each kind on the page; the table has all."""

ABOUT_TYPES = (
    "A type is measured from light curves, whatever the model: stars that enter have one when "
    "their sector is searched, and only a model that was in production before has types of its "
    "own to differ. Labelled is what people and catalogs say."
)

COLORS: Mapping[str, str] = {ENTER: "#2c7a3f", LEAVE: "#c0392b", TYPE: "#2c5d8a"}

TITLES: Mapping[str, str] = {
    ENTER: "Would become candidates",
    LEAVE: "Would no longer be candidates",
    TYPE: "Candidates of another type",
}


def draw_changes(
    record: Mapping[str, Any],
    changes: Sequence[Change],
    shards: Mapping[int, Sequence[str]],
    store: Store,
) -> tuple[bytes, dict[str, int]]:
    """A sheet of those that move most, and how many of each kind are on it.

    Parameters
    ----------
    shards
        Keys of the features of each sector.
    """
    shown = [one for kind in TITLES for one in _first(changes, kind, N_SHOWN)]
    features = _features(shown, shards, store)
    thumbnails = [
        Thumbnail(_title(one), *features[one.tic, one.sector], COLORS[one.change])
        for one in shown
        if (one.tic, one.sector) in features
    ]
    title = (
        f"Version {record['version']} in place of {record['champion'] or 'nothing'}, "
        f"{', '.join(record['sectors'])}: {record['n_enter']} enter (green), "
        f"{record['n_leave']} leave (red), {record['n_type']} change type (blue)"
    )
    return draw_gallery(title, thumbnails), {kind: len(_first(shown, kind)) for kind in TITLES}


def write_page(
    record: Mapping[str, Any],
    changes: Sequence[Change],
    n_shown: Mapping[str, int],
    image: bytes,
) -> str:
    """The page, in HTML: MLflow shows no pictures in Markdown.

    Parameters
    ----------
    n_shown
        How many of each kind are on the sheet.
    image
        The sheet.
    """
    champion = record["champion"]
    against = f"<code>{escape(champion)}</code>" if champion else "no model: every candidate is new"
    looked_at = f"{record['n_star']} stars of {', '.join(record['sectors']) or 'no sector'}"
    parts = [
        (
            f"<p>Model <code>{escape(record['model_id'])}</code>, in production is {against}. "
            f"{looked_at} were looked at.</p>"
        ),
        (
            f"<p><b>{record['n_enter']}</b> enter the candidates, <b>{record['n_leave']}</b> leave "
            f"them, <b>{record['n_stay']}</b> stay, {record['n_type']} of these with another "
            "type.</p>"
        ),
    ]
    if record["left_out"]:
        left_out = ", ".join(record["left_out"])
        parts.append(f"<p>Left out, as the model in production has not scored it: {left_out}.</p>")
    if changes:
        parts.append(picture(image, "Light curves and periodograms of those that move farthest"))
    for kind, title in TITLES.items():
        found = _first(changes, kind)
        if found:
            parts += [f"<h2>{title}</h2>", *_list(found, n_shown[kind])]
    parts.append(f"<p>{escape(ABOUT_TYPES)}</p>")
    return page(f"Version {record['version']} of the model, if it were promoted", parts)


def _list(found: Sequence[Change], n_shown: int) -> list[str]:
    rows = [
        f"<tr><td class=n>{one.tic}<td>{keys.sector_key(one.sector)}"
        f"<td class=n>{_number(one.probability_before)}<td class=n>{one.probability:.3f}"
        f"<td>{escape(_type(one))}<td>{escape(one.verdict or '–')}</tr>"
        for one in found[:N_LISTED]
    ]
    more = len(found) - len(rows)
    return [
        f"<p>{n_shown} of {len(found)} are drawn above, the largest moves first.</p>",
        (
            "<table><tr><th class=n>TIC<th>sector<th class=n>probability before"
            "<th class=n>then<th>type<th>labelled</tr>"
        ),
        *rows,
        "</table>",
        *([f"<p>And {more} more, in <code>preview.csv</code>.</p>"] if more else []),
    ]


def _type(one: Change) -> str:
    if one.change == TYPE:
        return f"{one.eb_type} → {one.eb_type_after}"
    return one.eb_type or one.eb_type_after or "–"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _title(one: Change) -> str:
    before = _number(one.probability_before)
    words = (one.change, f"TIC {one.tic}", keys.sector_key(one.sector))
    move = f"{before} → {one.probability:.2f}"
    return "  ".join(word for word in (*words, move, one.eb_type, one.verdict) if word)


def _first(changes: Sequence[Change], kind: str, n: int | None = None) -> list[Change]:
    return [one for one in changes if one.change == kind][:n]


def _features(
    shown: Sequence[Change], shards: Mapping[int, Sequence[str]], store: Store
) -> dict[tuple[int, int], tuple[Any, Any]]:
    """Flux and power of the first segment of each star, by star and sector."""
    found: dict[tuple[int, int], tuple[Any, Any]] = {}
    for sector in sorted({one.sector for one in shown}):
        wanted = {one.tic for one in shown if one.sector == sector}
        for key in shards[sector]:
            # Names first: they are a thousandth of the table.
            tics = store.load_table(key, ["tic"])["tic"].to_pylist()
            if wanted.isdisjoint(tics):
                continue
            table = store.load_table(key, ["flux", "power"])
            flux, power = matrix(table, "flux"), matrix(table, "power")
            for row in sorted(range(len(tics)), reverse=True):
                if tics[row] in wanted:
                    found[tics[row], sector] = flux[row].copy(), power[row].copy()
    return found
