"""A figure of how the photocentre moves through the eclipses, as PNG."""

import io

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.fold import bin_phase, fold
from calnet_ops.science.candidates.photocentre import Photocentre, Timing, steady_place
from calnet_ops.science.lightcurve.centroids import Centroids
from calnet_ops.science.lightcurve.light_curve import LightCurve

Floats = NDArray[np.float64]

PHASE_BINS = 150
"""Bins of a period: an eclipse that lasts 5% of it has seven."""

COLOURS = ("#0072B2", "#E69F00")
"""Okabe and Ito (2008), for column and row."""

DPI = 120
"""Pixels per inch."""

MILLI = 1e3
"""Thousandths of a pixel in one."""


def draw_track(
    light_curve: LightCurve, centroids: Centroids, timing: Timing, found: Photocentre
) -> bytes:
    """Flux and photocentre in phase, and the track of the photocentre on the CCD.

    Parameters
    ----------
    light_curve, centroids, timing
        As the photocentre was measured on.
    found
        What was measured.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen, place = steady_place(light_curve, centroids)
    phase = (fold(light_curve.time[seen], timing.period, timing.epoch) + 0.25) % 1
    at = (np.arange(PHASE_BINS) + 0.5) / PHASE_BINS - 0.25
    flux = light_curve.flux[seen] / np.median(light_curve.flux[seen])
    track = MILLI * np.stack([_binned(phase, axis) for axis in place])
    figure = Figure(figsize=(9.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1.0))
    top, below, plane = (figure.add_subplot(spot) for spot in (grid[0, 0], grid[1, 0], grid[:, 1]))
    top.plot(at, _binned(phase, flux), ".", color="#333333", ms=4)
    top.set(ylabel="relative flux", xticklabels=[])
    for axis, name, colour in zip(track, ("column", "row"), COLOURS, strict=True):
        below.plot(at, axis, ".", color=colour, ms=4, label=name)
    below.set(xlabel="phase", ylabel="photocentre\n[millipixel]")
    below.legend(frameon=False, ncols=2, fontsize=8)
    points = plane.scatter(track[0], track[1], c=_binned(phase, flux), s=14, cmap="cividis")
    figure.colorbar(points, ax=plane, label="relative flux", shrink=0.7)
    direction = -found.source / np.hypot(*found.source)
    reach = MILLI * np.hypot(*found.primary.moved)
    plane.annotate(
        "", xy=tuple(reach * direction), xytext=(0, 0), arrowprops={"arrowstyle": "->", "lw": 1.2}
    )
    plane.set(xlabel="column [millipixel]", ylabel="row [millipixel]")
    plane.set_aspect("equal", adjustable="datalim")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _binned(phase: Floats, values: Floats) -> Floats:
    mean, _ = bin_phase(phase, values, PHASE_BINS)
    return mean
