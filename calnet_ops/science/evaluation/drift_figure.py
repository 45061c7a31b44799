"""The figure of a sector's drift, as PNG."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from calnet_ops.science.evaluation.drift import NUMBERS, Comparison, Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Curves = Sequence[tuple[str, Reference]]
"""Distributions of a number: the sector first, then what it is compared with."""

SIZE_INCH = (12.0, 9.0)
"""Eight panels above, the table of all parts of the focal plane below."""

DPI = 100

COLORS = ("#c0392b", "#2c5d8a", "#7f7f7f")
"""Of the sector, the training stars, the recent sectors; told apart by their widths too."""

WIDTHS = (2.0, 1.4, 1.0)

TITLES = {"probability": "P(EB)"}


def draw_drift(
    title: str, curves: Mapping[str, Curves], comparisons: Sequence[Comparison]
) -> bytes:
    """Distributions of each number, and how far each part of the sector is from its limits.

    Parameters
    ----------
    title
        Which sector, and what is said of it.
    curves
        By number.
    comparisons
        All of them.
    """
    # Not pyplot: it keeps figures alive and wants a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCH, dpi=DPI, layout="constrained")
    figure.suptitle(title)
    grid = figure.add_gridspec(3, 4, height_ratios=(1, 1, 1.25))
    for place, number in enumerate(NUMBERS):
        panel = figure.add_subplot(grid[place // 4, place % 4])
        _draw_curves(panel, number, curves[number])
    key = figure.add_subplot(grid[len(NUMBERS) // 4, len(NUMBERS) % 4])
    for (name, _), color, width in zip(curves[NUMBERS[0]], COLORS, WIDTHS, strict=False):
        key.plot([], [], color=color, lw=width, label=name)
    key.legend(loc="center", frameon=False)
    key.axis("off")
    _draw_places(figure.add_subplot(grid[2, :]), comparisons)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_curves(panel: "Axes", number: str, curves: Curves) -> None:
    """Distribution functions, without the outermost hundredth of all on either side."""
    shown = [np.sort(reference.values) for _, reference in curves if len(reference.values)]
    for (_, reference), color, width in zip(curves, COLORS, WIDTHS, strict=False):
        if len(reference.values):
            order = np.argsort(reference.values)
            share = np.cumsum(reference.weight[order])
            panel.step(reference.values[order], share, where="post", color=color, lw=width)
    if shown:
        ends = np.array([np.quantile(values, [0.01, 0.99]) for values in shown])
        low, high = ends[:, 0].min(), ends[:, 1].max()
        panel.set_xlim(low, high if high > low else low + 1)
    panel.set(title=TITLES.get(number, number), ylim=(0, 1.02))
    panel.locator_params(axis="x", nbins=5)
    panel.tick_params(labelsize="small")
    panel.set_ylabel("share of stars below", fontsize="small")


def _draw_places(panel: "Axes", comparisons: Sequence[Comparison]) -> None:
    """The larger distance over its limit for each number and part; a warning above 1."""
    from matplotlib.colors import TwoSlopeNorm

    places = sorted({(one.camera, one.ccd) for one in comparisons})
    worst = np.full((len(NUMBERS), max(1, len(places))), np.nan)
    for one in comparisons:
        at = NUMBERS.index(one.number), places.index((one.camera, one.ccd))
        worst[at] = np.nanmax([worst[at], one.excess])
    norm = TwoSlopeNorm(vmin=0, vcenter=1, vmax=2)
    panel.imshow(worst, cmap="RdBu_r", norm=norm, aspect="auto")
    for (row, column), value in np.ndenumerate(worst):
        if np.isfinite(value):
            weight = "bold" if value > 1 else "normal"
            shade = "white" if abs(value - 1) > 0.7 else "black"  # noqa: PLR2004 - dark cells
            panel.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize="small",
                weight=weight, color=shade,
            )  # fmt: skip
    names = [_place(*place) for place in places]
    panel.set_xticks(range(len(places)), names, fontsize="small")
    panel.set_yticks(range(len(NUMBERS)), [TITLES.get(name, name) for name in NUMBERS])
    panel.set_title("largest distance over its limit; above 1 is a warning", fontsize="medium")


def _place(camera: int, ccd: int) -> str:
    if not camera:
        return "sector"
    return f"cam {camera}" if not ccd else f"{camera}.{ccd}"
