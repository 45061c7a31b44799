"""Whether a period that repeats a light curve is the orbital one, half of it or twice."""

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.fold import Floats, bin_phase, fill_bins, fold
from calnet_ops.science.candidates.period import PERIOD_MIN_D
from calnet_ops.science.candidates.shape import Shape, measure_shape
from calnet_ops.science.candidates.timing import fit_line, time_pieces
from calnet_ops.science.candidates.trend import n_template, template

ODD_EVEN_SIGMA = 4.5
ODD_EVEN_SINGLE_SIGMA = 3.0
"""Difference of odd and even minima, in sigma, that tells one star's eclipse from the other's. If
there is one minimum a cycle, less will do: most binaries have two."""

ODD_EVEN_SHARE = 0.01
"""Scatter of a depth, as a share of it, that systematics (background, scattered light) make."""

TWIN_DEPTH = 0.05
"""Depth from which an eclipse of an ordinary star is one of two. The ratio of the depths is that
of the surface brightnesses: `TWIN_SHARE` means less than 0.4 of the temperature, a planet or a
brown dwarf, at most a fifth of the radius of a dwarf of 6000 K."""

TWIN_SHARE = 0.02
"""Of the primary depth: no simulated EA has a shallower secondary."""

MUCH_WORSE = 1.1
"""Ratio of residual variance at a shorter period, over that at the longer one, that keeps the
longer one."""


FEWEST_PIECES = 2
"""Pieces with minima through which any line goes: they cannot better a period."""

TINY = 1e-7
"""Depth that is none."""


def orbital_period(time: Floats, flux: Floats, period: float) -> float:
    """Orbital period, given one at which the light curve repeats.

    Parameters
    ----------
    time, flux : (n_bin,)
        Light curve in bins, without what does not repeat.
    period
        [d]

    Notes
    -----
    First the period is divided while nothing is lost, then doubled if something says that two
    stars take turns: minima that alternate in depth; a round curve with one minimum a cycle,
    which is that of two like stars in contact; a deep eclipse that has no secondary at all.
    """
    period = settle(time, flux, period)
    for factor in (2, 3):
        shorter = period / factor
        while shorter > PERIOD_MIN_D and _as_good(time, flux, shorter, period):
            period, shorter = shorter, shorter / factor
    if 2 * period > time[-1] - time[0]:
        return period
    shape = measure_shape(time, flux, period)
    if alternates(time, flux, period, shape):
        return 2 * period
    single = not shape.second.depth > 0
    if single and not measure_shape(time, flux, 2 * period).is_narrow:
        return 2 * period
    return 2 * period if single and _must_be_twin(shape) else period


def _must_be_twin(shape: Shape) -> bool:
    deep = shape.first.depth
    return deep > TWIN_DEPTH and shape.second_limit < TWIN_SHARE * deep


def _as_good(time: Floats, flux: Floats, shorter: float, period: float) -> bool:
    """Whether a fraction of a period leaves no more scatter, and its minima do not alternate."""
    left = [residual_variance(time, flux, p, shorter / 100) for p in (shorter, period)]
    if left[0] > MUCH_WORSE * left[1]:
        return False
    return not alternates(
        time, flux, shorter, measure_shape(time, flux, shorter), round(period / shorter)
    )


def residual_variance(time: Floats, flux: Floats, period: float, bin_d: float) -> float:
    """Variance per degree of freedom that a folded curve leaves.

    Parameters
    ----------
    bin_d
        Width [d] of its bins: the same for all periods that are compared, or the shorter wins.
    """
    phase, n_bin = fold(time, period, time[0]), max(round(period / bin_d), 2)
    mean, count = bin_phase(phase, flux, n_bin)
    left = flux - fill_bins(mean)[np.minimum((phase * n_bin).astype(np.int64), n_bin - 1)]
    return float(left @ left) / max(time.size - int(np.sum(count > 0)), 1)


def alternates(time: Floats, flux: Floats, period: float, shape: Shape, every: int = 2) -> bool:
    """Whether primary minima differ in depth from turn to turn.

    Parameters
    ----------
    time, flux : (n_bin,)
        Light curve in bins.
    period
        [d]
    shape
        At that period.
    every
        Minima that take turns.
    """
    turns = (time - shape.epoch) / period
    cycle = np.rint(turns).astype(np.int64)
    number, away = cycle - cycle.min(), np.abs(turns - cycle)
    width, n_cycle = shape.first.width, int(np.ptp(cycle)) + 1
    inside, beside = away < width / 4, (away > 0.6 * width) & (away < 1.2 * width)
    core, n_core = _means(number, flux, inside, n_cycle)
    wing, n_wing = _means(number, flux, beside, n_cycle)
    whole = n_core > 0.5 * n_core.max()
    if shape.is_narrow:
        whole &= n_wing > 0
    if not whole.any():
        return False
    # over what the folded curve has at the same phases: bins and minima may keep step
    model = template(fold(time, period, shape.epoch), flux, n_template(period))
    core_model, wing_model = (_means(number, model, part, n_cycle)[0] for part in (inside, beside))
    if not shape.is_narrow:
        wing = wing_model = np.ones_like(core)
    depth = ((wing - core) / np.maximum(wing_model - core_model, TINY))[whole] * shape.first.depth
    noise = shape.noise / np.sqrt(n_core[whole])
    turn = np.flatnonzero(whole) % every
    if np.unique(turn).size < every:
        return False
    groups = [turn == i for i in range(every)]
    means = [float(depth[group].mean()) for group in groups]
    low, high = groups[int(np.argmin(means))], groups[int(np.argmax(means))]
    one = _variance(depth, groups, noise, shape.first.depth)
    sigma = np.sqrt(one / low.sum() + one / high.sum())
    needed = ODD_EVEN_SIGMA if shape.second.depth > 0 else ODD_EVEN_SINGLE_SIGMA
    return bool(max(means) - min(means) > needed * sigma)


def _means(
    number: NDArray[np.int64], flux: Floats, chosen: NDArray[np.bool_], n_cycle: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Mean flux of the chosen cadences of each cycle, and how many they are."""
    count = np.bincount(number[chosen], minlength=n_cycle)
    total = np.bincount(number[chosen], flux[chosen], minlength=n_cycle)
    return total / np.maximum(count, 1), count


def _variance(
    depth: Floats, groups: list[NDArray[np.bool_]], noise: Floats, typical: float
) -> float:
    """Variance of one depth: from the scatter within the groups, but no less than allowed."""
    floor = (ODD_EVEN_SHARE * typical) ** 2 + float(np.mean(noise**2))
    n_free = depth.size - len(groups)
    if n_free < 1:
        return floor
    left = sum(float(((depth[group] - depth[group].mean()) ** 2).sum()) for group in groups)
    return max(left / n_free, floor)


def settle(time: Floats, flux: Floats, period: float) -> float:
    """Period so near that minima do not drift out of the folded curve's own."""
    for _ in range(2):
        timing = time_pieces(time, flux, period, measure_shape(time, flux, period))
        if timing.cycle.size <= FEWEST_PIECES:
            return period
        period += fit_line(timing)[0]
    return period
