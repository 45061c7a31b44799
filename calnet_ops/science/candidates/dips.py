"""Dips of a light curve: one by one, and those that repeat."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.period import BIN_D

WIDTHS = 3, 6, 12, 24, 48
"""Bins of the boxes that dips are looked for with: half an hour to eight hours. Of the eclipses of
Prsa et al. 2022, 80% last 1 to 8 h."""

DIP_SIGMA = 8.0
"""Depth of a dip in units of the scatter of its own box over the light curve. Slow noise is far
from normal: above 5, 47% of 60 simulated quiet stars have a dip, above 8, 12%."""

MAX_DIPS = 12
"""Dips that are kept, the clearest: their distances are 66 periods to try."""

FULL = 0.8
BESIDE = 24
"""Share of a dip's bins, and of as many on either side (at least 24, four hours), that must have
data: ramps at the edges of gaps look like half an eclipse."""

FOLD_BINS = 200
WIDEST = 0.1
"""Repeating dips are looked for in boxes of up to a tenth of the period: wider minima need no
trend taken off."""

QUIETEST = 1e-7
"""Scatter of folded bins that no light curve is below."""


@dataclass(frozen=True, slots=True)
class Dip:
    """A part of a light curve that is fainter than what is around it."""

    time: float
    """Of its middle [d]."""
    depth: float
    """Mean over its box, relative."""
    width: float
    """Of the box [d]."""
    sigma: float
    """Depth over the scatter of such boxes."""


def find_dips(time: Floats, flux: Floats) -> list[Dip]:
    """Dips of a flattened light curve, the clearest first.

    Parameters
    ----------
    time, flux : (n_bin,)
        Light curve in bins of `BIN_D`, level 1.
    """
    index = np.rint((time - time[0]) / BIN_D).astype(np.int64)
    seen = np.zeros(index[-1] + 1)
    lost = np.zeros(index[-1] + 1)
    seen[index], lost[index] = 1.0, 1.0 - flux
    sigma, best = np.zeros(seen.size), np.zeros(seen.size, np.int64)
    for width in WIDTHS:
        there = _mean(seen, width)
        beside = max(width, BESIDE)
        near = _mean(seen, beside)
        shift = (width + beside) // 2
        around = np.minimum(np.roll(near, shift), np.roll(near, -shift))
        depth = np.where(there > 0, _mean(lost, width) / np.maximum(there, 0.1), 0.0)
        full = (there >= FULL) & (around >= FULL)
        if not full.any():
            continue
        level = float(np.median(depth[full]))
        scatter = 1.4826 * float(np.median(np.abs(depth[full] - level)))
        clear = np.where(full, (depth - level) / max(scatter, QUIETEST), 0.0)
        best[clear > sigma] = width
        sigma = np.maximum(sigma, clear)
    return _apart(time[0], sigma, best, lost)


def repeated_dip(time: Floats, flux: Floats, period: float) -> tuple[float, float]:
    """How clear the deepest dip of the folded light curve is, if it is no mere wave.

    Parameters
    ----------
    time, flux : (n_bin,)
        Flattened light curve.
    period
        [d]

    Returns
    -------
    sigma
        Depth over its error; 0 if the curve rises as much elsewhere as it falls there.
    width
        Of the box in which it is clearest [d]: about half of its full width.
    """
    curve = fill_bins(bin_phase(fold(time, period, time[0]), flux, FOLD_BINS)[0])
    level = float(np.median(curve))
    scatter = max(1.4826 * float(np.median(np.abs(curve - level))), QUIETEST)
    dip = bump = 0.0
    width = clearest = 1
    while width <= WIDEST * FOLD_BINS:
        box = (uniform_filter1d(curve, width, mode="wrap") - level) * np.sqrt(width) / scatter
        if -box.min() > dip:
            dip, clearest = float(-box.min()), width
        bump = max(bump, float(box.max()))
        width *= 2
    return dip if dip > 2 * bump else 0.0, clearest / FOLD_BINS * period


def _mean(values: Floats, width: int) -> Floats:
    mean: Floats = uniform_filter1d(values, width, mode="constant")
    return mean


def _apart(
    start: float, sigma: Floats, best: np.ndarray[tuple[int], np.dtype[np.int64]], lost: Floats
) -> list[Dip]:
    """Highest peaks of significance whose boxes do not touch."""
    left, place = sigma.copy(), np.arange(sigma.size)
    found: list[Dip] = []
    while len(found) < MAX_DIPS and left.max() > DIP_SIGMA:
        i = int(left.argmax())
        width = int(best[i])
        inside = lost[max(0, i - width // 2) : i + width // 2 + 1]
        found.append(
            Dip(start + (i + 0.5) * BIN_D, float(inside.mean()), width * BIN_D, float(left[i]))
        )
        left[np.abs(place - i) <= width + best // 2] = 0.0
    return found
