"""Eclipses that have no period: one, or a few too far apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.candidates.dips import Dip, find_dips
from calnet_ops.science.candidates.fold import Floats
from calnet_ops.science.candidates.minimum import Minimum, fit_minimum
from calnet_ops.science.candidates.period import BIN_D, bin_time, running_median
from calnet_ops.science.candidates.sectors import Stretch

WINDOW_D = 1.5
"""[d] Running median that is taken off: eclipses of up to half of it stay."""

SINGLE_SIGMA = 12.0
"""Depth over its scatter from which a lone dip is called an eclipse: none of 60 simulated quiet
stars has such a dip."""

ASIDE = 1.5
SIDE_D = 4 / 24
"""What is beside a dip: from 1.5 widths of its box away, for four hours [d] or a width."""

EVEN = 0.5
"""Least rise on one side of an eclipse over that on the other: ramps go one way."""

SCALE_D = 10.0
"""[d] Taken as a cycle around a lone eclipse, so that it can be fitted like others."""

NEAR = 0.25
"""Of `SCALE_D` around a lone eclipse that is looked at."""

LIKE = 0.6
"""Depth of another dip, over that of the deepest, from which it counts as the same eclipse."""


@dataclass(frozen=True, slots=True)
class Single:
    """The clearest of a few eclipses."""

    epoch: float
    """[d]"""
    minimum: Minimum
    """Widths and errors in units of `SCALE_D`."""
    n_eclipse: int
    """Eclipses like it."""


def find_single(stretches: Sequence[Stretch]) -> Single | None:
    """The clearest eclipse of light curves that have no period, if there is one."""
    dips, flats = [], []
    for one in stretches:
        binned_time, binned_flux = bin_time(one.time, one.flux)
        trend = running_median(binned_flux, round(WINDOW_D / BIN_D))
        dips += [
            dip
            for dip in find_dips(binned_time, binned_flux / trend)
            if dip.sigma > SINGLE_SIGMA and comes_back(dip, binned_time, binned_flux)
        ]
        flats.append(Stretch(one.time, one.flux / np.interp(one.time, binned_time, trend)))
    if not dips:
        return None
    best = max(dips, key=lambda dip: dip.depth)
    like = [dip for dip in dips if dip.depth > LIKE * best.depth]
    time = np.concatenate([one.time for one in flats])
    flux = np.concatenate([one.flux for one in flats])
    return _fit(time, flux, best, len(like))


def comes_back(dip: Dip, time: Floats, flux: Floats) -> bool:
    """Whether the star is brighter on either side of a dip, by about as much.

    Parameters
    ----------
    time, flux : (n_bin,)
        Light curve from which no trend was taken off: that makes dips beside ramps.
    """
    away = time - dip.time
    near = ASIDE * dip.width
    far = near + max(dip.width, SIDE_D)
    parts = [
        flux[(low < away) & (away < high)]
        for low, high in ((-far, -near), (-dip.width / 2, dip.width / 2), (near, far))
    ]
    if not all(part.size for part in parts):
        return False
    before, floor, after = (float(np.median(part)) for part in parts)
    rises = before - floor, after - floor
    return min(rises) > EVEN * max(rises)


def _fit(time: Floats, flux: Floats, best: Dip, n_like: int) -> Single:
    turns = (time - best.time) / SCALE_D
    near = np.abs(turns) < NEAR
    noise = 1.4826 * float(np.median(np.abs(np.diff(flux)))) / np.sqrt(2)
    seen = Minimum(0.0, 1.5 * best.depth, best.width / SCALE_D)
    reach = min(2.5 * best.width / SCALE_D, 0.25)
    found = fit_minimum(
        turns[near] % 1.0, flux[near], seen, noise=max(noise, 1e-6), level=1.0, reach=reach
    )
    epoch = best.time + ((found.phase + 0.5) % 1.0 - 0.5) * SCALE_D
    return Single(epoch, found, n_like)
