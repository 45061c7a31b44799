"""Light curves of several sectors of a star: made one, and kept in step."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.period import BIN_D
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments

MIN_CADENCES = 200
"""Below this (seven hours of two-minute data) there is no period to look for."""

FLARE_SIGMA = 5.0
"""Points brighter than this many sigma above the rest are left out: eclipses only dim."""

APART_D = 20.0
"""[d] A longer break starts a new stretch: over it the cycles of a long period are lost count
of."""

LONGEST_D = 90.0
"""[d] Length of a stretch at which the next sector starts another: three sectors."""

SAME = 0.5
"""Overlap from which two light curves are the same sector, in two products."""

ALIKE = 0.6
"""Correlation of folded curves from which two stretches show the same star doing the same."""

SURE_CYCLES = 0.3
"""Uncertainty of the phase, three sigma, up to which the count of cycles over a break is sure."""

SHIFT_BINS = 1000
"""Bins in phase by which a stretch is shifted against another; peaks are interpolated."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sectors in a row."""

    time: Floats
    flux: Floats
    """(n_cadence,) Good cadences, each segment divided by its median, without flares."""
    n_light_curve: int = 1

    @property
    def span(self) -> float:
        """First to last cadence [d]."""
        return float(self.time[-1] - self.time[0])


JITTER = 0.003
"""Error of the phase of a stretch against another, in cycles: spots move minima of contact
binaries that much."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Stretches that are in step."""

    kept: list[int]
    period: float


def join_sectors(light_curves: Iterable[LightCurve]) -> list[Stretch]:
    """Sectors that follow each other as one light curve, by time; none from too few cadences.

    Of light curves that overlap by more than half, the one with the most cadences.
    """
    parts: list[Stretch] = []
    for part in sorted(map(normalise, light_curves), key=lambda part: -part.time.size):
        if part.time.size and not any(_overlap(part, kept) > SAME for kept in parts):
            parts.append(part)
    parts.sort(key=lambda part: float(part.time[0]))
    rows: list[list[Stretch]] = []
    for part in parts:
        if (
            rows
            and part.time[0] - rows[-1][-1].time[-1] < APART_D
            and part.time[-1] - rows[-1][0].time[0] < LONGEST_D
        ):
            rows[-1].append(part)
        else:
            rows.append([part])
    return [concatenate(row) for row in rows]


def _overlap(part: Stretch, kept: Stretch) -> float:
    """Share of one light curve's days that another has as well."""
    common = min(part.time[-1], kept.time[-1]) - max(part.time[0], kept.time[0])
    return float(common) / max(part.span, 1e-9)


def concatenate(parts: list[Stretch]) -> Stretch:
    """Stretches as one, times increasing even if two products cover the same days."""
    time = np.concatenate([part.time for part in parts])
    flux = np.concatenate([part.flux for part in parts])
    order = np.argsort(time, kind="stable")
    return Stretch(time[order], flux[order], sum(part.n_light_curve for part in parts))


def normalise(light_curve: LightCurve) -> Stretch:
    """Good cadences, each segment divided by its median, without flares; empty if too few."""
    good = light_curve.good
    time, flux = light_curve.time[good], light_curve.flux[good]
    if np.any(np.diff(time) < 0):
        order = np.argsort(time, kind="stable")
        time, flux = time[order], flux[order]
    times, fluxes = [], []
    for segment in split_segments(time):
        level = float(np.median(flux[segment]))
        if level > 0:
            times.append(time[segment])
            fluxes.append(flux[segment] / level)
    if sum(map(len, times)) < MIN_CADENCES:
        return Stretch(np.empty(0), np.empty(0))
    time, flux = np.concatenate(times), np.concatenate(fluxes)
    spread = 1.4826 * np.median(np.abs(np.diff(flux))) + 0.5 * np.ptp(np.percentile(flux, [1, 99]))
    calm = flux < np.percentile(flux, 99) + FLARE_SIGMA * spread
    return Stretch(time[calm], flux[calm])


def link(stretches: list[Stretch], best: int, epoch: float, period: float, error: float) -> Linked:
    """Which stretches can be counted through, and the period over them.

    Parameters
    ----------
    stretches
        Without what does not repeat.
    best
        The one in which the period was found.
    epoch, period, error
        Measured there [d].

    Notes
    -----
    Nearest first: each makes the period surer for the next.
    """
    n_bin = int(np.clip(period / BIN_D, 200, SHIFT_BINS))
    model = _curve(stretches[best], epoch, period, n_bin)
    middles = [float(one.time.mean()) for one in stretches]
    home = np.rint((middles[best] - epoch) / period)
    kept, cycles, times = [best], [home], [epoch + home * period]
    by_distance = sorted(range(len(stretches)), key=lambda i: abs(middles[i] - middles[best]))
    for i in by_distance[1:]:
        cycle = np.rint((middles[i] - times[0]) / period) + home
        if 3 * error * abs(cycle - home) > SURE_CYCLES * period:
            continue
        late, alike = _shift(model, _curve(stretches[i], times[0], period, n_bin))
        if alike < ALIKE:
            continue
        kept.append(i)
        cycles.append(cycle)
        times.append(times[0] + (cycle - home + late) * period)
        slope = float(np.polyfit(cycles, times, 1)[0])
        jitter = JITTER * period / np.ptp(cycles)
        period, error = slope, min(error, float(jitter))
    return Linked(sorted(kept), period)


def _curve(stretch: Stretch, epoch: float, period: float, n_bin: int) -> Floats:
    phase = fold(stretch.time, period, epoch)
    return fill_bins(bin_phase(phase, stretch.flux, n_bin)[0])


def _shift(model: Floats, curve: Floats) -> tuple[float, float]:
    """Phase in [-0.5, 0.5) by which a curve is late, and the correlation at that shift."""
    a, b = model - model.mean(), curve - curve.mean()
    product = np.fft.irfft(np.fft.rfft(b) * np.conj(np.fft.rfft(a)), a.size)
    norm = float(np.sqrt((a @ a) * (b @ b)))
    top = int(product.argmax())
    left, middle, right = (float(product[(top + k) % a.size]) for k in (-1, 0, 1))
    bend = left - 2 * middle + right
    fine = 0.5 * (left - right) / bend if bend < 0 else 0.0
    late = (top + fine) / a.size
    return (late + 0.5) % 1.0 - 0.5, middle / norm if norm > 0 else 0.0


def pieces(parts: list[Stretch], n_piece: int) -> NDArray[np.int64]:
    """Number of the piece of each cadence, `n_piece` of equal length in each stretch."""
    numbers = [
        i * n_piece
        + np.minimum(
            (n_piece * (p.time - p.time[0]) / np.ptp(p.time)).astype(np.int64), n_piece - 1
        )
        for i, p in enumerate(parts)
    ]
    return np.concatenate(numbers)
