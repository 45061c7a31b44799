"""Period and its error from how late the minima are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.shape import Shape
from calnet_ops.science.candidates.trend import template

PIECES = 12
"""Pieces of a sector's light curve whose minima are timed."""

TIMING_BINS = 20
MOST_BINS = 2000
FEWEST_BINS = 200
"""Bins across a primary minimum in the curve that minima are timed with, within bounds."""

WEIGHED = 0.1
"""Pieces that hold less than this share of the best piece's weight (a gap, no minimum) are left
out."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How late a light curve is, piece by piece."""

    cycle: Floats
    """(n_piece,) Cycles since the epoch in its middle."""
    late: Floats
    """(n_piece,) [d]"""
    late_err: Floats
    """(n_piece,) [d]"""


def time_pieces(
    time: Floats,
    flux: Floats,
    period: float,
    shape: Shape,
    piece: NDArray[np.int64] | None = None,
) -> Timing:
    """How late each piece of a light curve is against its own folded curve.

    Parameters
    ----------
    time, flux : (n_cadence,)
        Of one sector or several in a row.
    period
        [d]
    shape
        At that period.
    piece : (n_cadence,)
        Number of the piece each cadence belongs to; else `PIECES` of equal length.

    Notes
    -----
    Least squares of the residual against the slope of the folded curve.
    """
    phase = fold(time, period, shape.epoch)
    n_bin = int(np.clip(TIMING_BINS / shape.first.width, FEWEST_BINS, MOST_BINS))
    model = template(phase, flux, n_bin)
    step = 0.5 / n_bin
    ahead, behind = (
        template_at((phase + shift) % 1.0, phase, flux, n_bin) for shift in (step, -step)
    )
    tilt = (ahead - behind) / (2 * step) / period
    if piece is None:
        piece = np.minimum((PIECES * (time - time[0]) / np.ptp(time)).astype(np.int64), PIECES - 1)
    weight = np.bincount(piece, tilt**2)
    late = -np.bincount(piece, (flux - model) * tilt)
    cycle = np.bincount(piece, (time - shape.epoch) / period * tilt**2)
    used = weight > WEIGHED * weight.max()
    return Timing(
        cycle[used] / weight[used], late[used] / weight[used], shape.noise / np.sqrt(weight[used])
    )


def template_at(at: Floats, phase: Floats, flux: Floats, n_bin: int) -> Floats:
    """Folded curve of some data at other phases."""
    curve = fill_bins(bin_phase(phase, flux, n_bin)[0])
    curve = np.concatenate([curve[-1:], curve, curve[:1]])
    return np.interp(at, (np.arange(-1, n_bin + 1) + 0.5) / n_bin, curve)


def fit_line(timing: Timing) -> tuple[float, float]:
    """Slope of lateness against cycles, and its error enlarged to the scatter."""
    weight = timing.late_err**-2.0
    centred = timing.cycle - weight @ timing.cycle / weight.sum()
    norm = float(weight @ centred**2)
    slope = float(weight @ (centred * timing.late)) / norm
    left = timing.late - weight @ timing.late / weight.sum() - slope * centred
    n_free = timing.cycle.size - 2
    scatter = float(weight @ left**2) / n_free if n_free > 0 else 1.0
    return slope, float(np.sqrt(max(scatter, 1.0) / norm))
