"""An evaluation on one page, as PNG."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calnet_ops.science.evaluation.metrics import Rate
from calnet_ops.science.evaluation.parts import OF_BINARIES, Part
from calnet_ops.science.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCH = (13.0, 10.0)
"""Nine panels, three in a row: as wide as MLflow's page."""

DPI = 100

RECALL, PRECISION, FALSE = "#2c5d8a", "#c0392b", "#7f7f7f"
"""Colours of recall, precision and of what stands behind."""

RATES = ((RECALL, "o", "recall"), (PRECISION, "s", "precision"))
"""Told apart by their markers too."""

TITLES = {
    "eb_type": "type",
    "tmag": "TESS magnitude",
    "period_d": "period [d]",
    "depth": "depth of eclipse",
    "camera": "camera",
}

SHOWN_SECTORS = 40
"""Newest sectors that a panel has room for."""


def draw_report(report: Report) -> bytes:
    """Precision-recall curve, reliability, three ways to count, recall by part, sectors."""
    # Not pyplot: it keeps figures alive and wants a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCH, dpi=DPI, layout="constrained")
    star = report.star
    data = "simulated data" if report.simulated else "data"
    figure.suptitle(
        f"Model {report.model_id} on {star.n} test stars of {data} set {report.dataset_id}: "
        f"recall {text(star.recall)}, precision {text(star.precision)}\n"
        f"features {report.features}, threshold {report.threshold:.2f}, "
        f"95% intervals from {report.n_draw} draws of {star.n_group} groups of stars"
    )
    panels = figure.subplots(3, 3)
    _draw_curve(panels[0, 0], report)
    _draw_reliability(panels[0, 1], report)
    _draw_counts(panels[0, 2], report)
    places = [*panels[1], *panels[2, :2]]
    for panel, by in zip(places, TITLES, strict=True):
        _draw_parts(panel, by, [part for part in report.parts if part.by == by])
    _draw_sectors(panels[2, 2], report.sectors[-SHOWN_SECTORS:])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def text(rate: Rate) -> str:
    """A rate with its interval.

    Examples
    --------
    >>> text(Rate(0.9, 0.82, 0.95, 60))
    '0.90 (0.82 to 0.95)'
    """
    return f"{rate.value:.2f} ({rate.low:.2f} to {rate.high:.2f})" if rate.n else "unknown"


def _draw_curve(panel: "Axes", report: Report) -> None:
    curve, star = report.curve, report.star
    panel.fill_between(curve.recall, curve.low, curve.high, color=RECALL, alpha=0.2, lw=0)
    panel.plot(curve.recall, curve.precision, color=RECALL)
    panel.errorbar(
        star.recall.value, star.precision.value, xerr=_arms([star.recall]),
        yerr=_arms([star.precision]), fmt="o", color=PRECISION, label="at the threshold",
    )  # fmt: skip
    panel.axhline(star.n_eb / max(1, star.n), color=FALSE, lw=1, ls=":", label="calling all EBs")
    panel.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    panel.set_title(f"stars: area {text(star.average_precision)}", fontsize="medium")
    panel.legend(loc="lower left", fontsize="small")


def _draw_reliability(panel: "Axes", report: Report) -> None:
    bins = report.star.reliability
    rates = [Rate(*row) for row in zip(bins.found, bins.low, bins.high, bins.n, strict=True)]
    panel.plot([0, 1], [0, 1], color=FALSE, lw=1, ls=":")
    panel.errorbar(bins.said, bins.found, yerr=_arms(rates), fmt="o-", color=RECALL, ms=4)
    panel.set(xlabel="probability", ylabel="share of binaries", xlim=(-0.02, 1.02))
    panel.set_ylim(-0.02, 1.02)
    title = f"calibration error {text(bins.error)}, by chance {bins.by_chance:.2f}"
    panel.set_title(title, fontsize="medium")


def _draw_counts(panel: "Axes", report: Report) -> None:
    """The three ways to count, the honest one in bold."""
    rows = np.arange(len(report.counts))[::-1].astype(float)
    for offset, (color, marker, name) in zip((0.05, -0.15), RATES, strict=True):
        rates = [getattr(one, name) for one in report.counts]
        values = [rate.value if rate.n else np.nan for rate in rates]
        panel.errorbar(
            values, rows + offset, xerr=_arms(rates), fmt=marker, color=color, ms=5, label=name
        )
    known = [rate.low for one in report.counts for rate in (one.recall, one.precision) if rate.n]
    left = min([0.5, *known]) - 0.02
    for row, one in zip(rows, report.counts, strict=True):
        weight = "bold" if one.honest else "normal"
        said = f"{one.name}: {one.n_eb} EBs of {one.n}"
        panel.text(left + 0.01, row + 0.25, said, fontsize="small", weight=weight)
    panel.set(xlim=(left, 1.01), ylim=(-0.5, len(rows) - 0.4), yticks=[])
    panel.set_title("three ways to count, the honest one last", fontsize="medium")
    panel.legend(loc="lower left", fontsize="small")


def _draw_parts(panel: "Axes", by: str, parts: Sequence[Part]) -> None:
    at = np.arange(len(parts))
    of_binaries = by in OF_BINARIES
    for offset, (color, marker, name) in zip((-0.08, 0.08), RATES, strict=True):
        rates = [getattr(part, name) for part in parts]
        if not of_binaries or name == "recall":
            _draw_rates(panel, at + (0 if of_binaries else offset), rates, color, marker, name)
    if parts and not of_binaries:
        panel.legend(loc="lower left", fontsize="small")
    names = [f"{_short(part.name)}\n{part.n_eb}" for part in parts]
    panel.set_xticks(at, names, fontsize="x-small")
    panel.set(ylim=(0, 1.05), xlim=(-0.5, max(1, len(parts)) - 0.5))
    what = "recall" if of_binaries else "rates"
    panel.set_title(f"{what} by {TITLES[by]}; number of EBs", fontsize="medium")
    if not parts:
        panel.text(0, 0.5, "unknown of all binaries", ha="center", fontsize="small")


def _short(name: str) -> str:
    """The name of a part where there is little room."""
    for word, sign in (("camera ", ""), ("below ", "<"), ("from ", ">"), (" to ", "-")):
        name = name.replace(word, sign)
    return name


def _draw_rates(
    panel: "Axes", at: "np.ndarray", rates: Sequence[Rate], color: str, marker: str, name: str
) -> None:
    values = [rate.value if rate.n else np.nan for rate in rates]
    panel.errorbar(at, values, yerr=_arms(rates), fmt=marker, color=color, ms=5, label=name)


def _draw_sectors(panel: "Axes", sectors: Sequence[Part]) -> None:
    """Recall of the known binaries as points, false positives as bars."""
    from matplotlib.ticker import MaxNLocator

    at = np.arange(len(sectors))
    behind = panel.twinx()
    behind.bar(at, [part.n_false_positive for part in sectors], color=FALSE, alpha=0.35, width=0.6)
    behind.set_ylabel("false positives", fontsize="small")
    behind.yaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_rates(panel, at, [part.recall for part in sectors], RECALL, "o", "recall")
    step = max(1, len(sectors) // 10)
    panel.set_xticks(at[::step], [part.name for part in sectors][::step], fontsize="x-small")
    panel.set(ylim=(0, 1.05), xlim=(-0.5, max(1, len(sectors)) - 0.5))
    panel.set_ylabel("recall", fontsize="small")
    panel.set_title("sectors: recall of known EBs, false positives", fontsize="medium")
    panel.set_zorder(behind.get_zorder() + 1)
    panel.patch.set_visible(False)


def _arms(rates: Sequence[Rate]) -> "np.ndarray":
    """Lengths of error bars, (2, n); none where nothing is known."""
    arms = [
        (rate.value - rate.low, rate.high - rate.value) if rate.n else (0.0, 0.0) for rate in rates
    ]
    return np.clip(np.array(arms, float).reshape(-1, 2).T, 0, None)
