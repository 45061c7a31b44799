"""Light curves and periodograms of many stars on one sheet, as PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_COLUMN = 4
"""Thumbnails in a row."""

SIZE_INCH = (3.6, 1.5)
"""Of a thumbnail."""

DPI = 80
"""A sheet of 48 has 1152 x 1500 pixels and half a megabyte."""

N_POINT = 1000
"""Points drawn of a light curve, in pairs of the lowest and highest of each stretch: an eclipse of
a few cadences is not lost."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A star to look at."""

    title: str
    flux: Floats
    """(n_flux,) in 0..1: the light curve as the network sees it."""
    power: Floats
    """(n_power,) in 0..1: its periodogram."""
    color: str = "#2c5d8a"


def draw_gallery(title: str, thumbnails: Sequence[Thumbnail]) -> bytes:
    """A sheet of light curves, each with its periodogram at its right.

    Parameters
    ----------
    title
        What is shown.
    thumbnails
        In the order in which they are to be read; without any, the sheet says so.
    """
    # Not pyplot: it keeps figures alive and wants a display.
    from matplotlib.figure import Figure

    n_row = max(1, -(-len(thumbnails) // N_COLUMN))
    width, height = SIZE_INCH
    figure = Figure(figsize=(N_COLUMN * width, n_row * height + 0.5), dpi=DPI, layout="constrained")
    figure.suptitle(title)
    grid = figure.add_gridspec(n_row, 2 * N_COLUMN, width_ratios=(3, 1) * N_COLUMN)
    for place, thumbnail in enumerate(thumbnails):
        row, column = divmod(place, N_COLUMN)
        _draw_flux(figure.add_subplot(grid[row, 2 * column]), thumbnail)
        _draw_power(figure.add_subplot(grid[row, 2 * column + 1]), thumbnail)
    if not thumbnails:
        figure.text(0.5, 0.4, "none", ha="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_flux(panel: "Axes", thumbnail: Thumbnail) -> None:
    stretches = np.array_split(np.asarray(thumbnail.flux), N_POINT // 2)
    ends = np.array([(part.min(), part.max()) for part in stretches if len(part)])
    panel.plot(np.repeat(np.arange(len(ends)), 2), ends.ravel(), lw=0.6, color=thumbnail.color)
    panel.set_title(thumbnail.title, fontsize="x-small", loc="left")
    _bare(panel)


def _draw_power(panel: "Axes", thumbnail: Thumbnail) -> None:
    panel.plot(thumbnail.power, lw=0.6, color="black")
    _bare(panel)


def _bare(panel: "Axes") -> None:
    """Both run from 0 to 1, and along the whole segment, or from short periods to long."""
    panel.set_xticks([])
    panel.set_yticks([])
    panel.set_ylim(-0.05, 1.05)
    panel.margins(x=0)
