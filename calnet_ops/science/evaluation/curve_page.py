"""A page of light curves with what was said of each, as PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.lightcurve.light_curve import LightCurve

N_COLUMN = 3
"""Light curves side by side."""

MOST = 30
"""Light curves on a page; the first ones are the worst."""

PANEL_INCH = (4.2, 1.9)
"""Width and height of one."""

DPI = 100

N_BIN = 1500
"""Points of a panel: more than it has pixels."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A light curve and the words above it."""

    title: str
    curve: LightCurve


def draw_page(title: str, shown: Sequence[Shown]) -> bytes:
    """Draw up to `MOST` light curves against time, each on a scale of its own.

    Parameters
    ----------
    title
        Of the page.
    shown
        In the order in which they appear; none gives a page that says so.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = shown[:MOST]
    n_row = max(1, -(-len(shown) // N_COLUMN))
    width, height = PANEL_INCH
    figure = Figure(figsize=(N_COLUMN * width, n_row * height + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title if shown else f"{title}: none")
    for k, one in enumerate(shown):
        panel = figure.add_subplot(n_row, N_COLUMN, k + 1)
        good = one.curve.good
        time, flux = one.curve.time[good], one.curve.flux[good]
        step = max(1, len(time) // N_BIN)
        n = len(time) // step * step
        time, flux = (v[:n].reshape(-1, step).mean(axis=1) for v in (time, flux))
        panel.plot(time, flux / np.median(flux), ".", ms=1.2, color="#333333")
        panel.set_title(one.title, fontsize=8)
        panel.tick_params(labelsize=7)
        panel.ticklabel_format(useOffset=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
