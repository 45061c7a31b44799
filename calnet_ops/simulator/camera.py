"""What all stars of one camera share in a sector: pointing jitter, drifts and scattered light."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.pointing import pointing_of
from calnet_ops.simulator.timeline import Timeline, make_timeline

Floats = npt.NDArray[np.float64]

JITTER = 0.0035
"""Scatter of POS_CORR from cadence to cadence [pixel]; 0.002 to 0.009 in real files."""

DRIFT = 0.025
"""Slow part of POS_CORR over an orbit, velocity aberration above all [pixel]."""

EARTH_LIGHT = {1: (0.8, 1.4), 2: (0.7, 1.1), 3: (0.45, 0.7), 4: (0.45, 0.8)}
"""Per camera: how often an orbit starts in scattered Earthlight, and its mean length [d].

Cameras 1 and 2 see most of it; 0 to 25 % of the rows of a camera-4 target are flagged."""

LATE_LIGHT = 0.2
"""How often an orbit ends in scattered light too."""

FLAG_ABOVE = 0.25
"""Share of the peak of scattered light above which QUALITY gets bit 4096."""

COMPACT_LIGHT = 0.12
"""Scattered light is this much shorter in a compact sector, so that its segments keep well over
2000 good cadences."""


@dataclass(frozen=True)
class CameraSeason:
    """One camera during one sector; each array is (n_cadence,)."""

    column_shift: Floats
    """Motion of the image [pixel]."""
    row_shift: Floats
    drift: Floats
    """Relative drift of aperture photometry that PDC will take out, of order one."""
    scattered: Floats
    """Scattered light, between 0 and 1."""
    flagged: npt.NDArray[np.bool_]
    """Too much of it for SPOC."""
    few_targets: npt.NDArray[np.bool_]
    """Bit 32768: too few stars to correct errors by."""


@lru_cache(maxsize=8)
def camera_season(sector: int, camera: int, *, compact: bool) -> CameraSeason:
    """Draw a camera's season; seeded by sector and camera alone."""
    timeline = sector_timeline(sector, compact=compact)
    rng = np.random.default_rng([sector, camera, int(compact)])
    column, row, drift = (slow_wander(rng, timeline) for _ in range(3))
    scattered = _scattered_light(rng, timeline, camera, compact=compact)
    few = np.zeros(timeline.n_cadence, dtype=bool)
    if rng.random() < 0.3 and not compact:  # noqa: PLR2004
        start = int(rng.integers(0, timeline.n_cadence - 700))
        few[start : start + rng.integers(50, 600)] = True
    return CameraSeason(
        column_shift=DRIFT * column + JITTER * rng.standard_normal(timeline.n_cadence),
        row_shift=DRIFT * row + JITTER * rng.standard_normal(timeline.n_cadence),
        drift=drift,
        scattered=scattered,
        flagged=scattered > FLAG_ABOVE,
        few_targets=few,
    )


@lru_cache(maxsize=2)
def sector_timeline(sector: int, *, compact: bool) -> Timeline:
    """Lay out a sector once per process."""
    return make_timeline(pointing_of(sector), compact=compact)


def slow_wander(rng: np.random.Generator, timeline: Timeline) -> Floats:
    """Draw a parabola and a settling exponential in each orbit (n_cadence,), of order one."""
    wander = np.zeros(timeline.n_cadence)
    for orbit in range(timeline.orbit[-1] + 1):
        here = timeline.orbit == orbit
        x = np.linspace(-1, 1, int(here.sum()))
        offset, slope, bend, settle = rng.normal(0, [0.4, 0.7, 0.5, 0.6])
        wander[here] = offset + slope * x + bend * (x**2 - 1 / 3)
        wander[here] += settle * np.exp(-timeline.since_start[here] / 0.4)
    return wander


def _hump(x: Floats) -> Floats:
    """Half a Gaussian that has fallen to an eighth at x = 1."""
    result: Floats = np.exp(-2.0 * np.minimum(x, 5.0) ** 2)
    return result


def _scattered_light(
    rng: np.random.Generator, timeline: Timeline, camera: int, *, compact: bool
) -> Floats:
    """Smooth humps at the start of orbits, for some cameras at the end as well."""
    how_often, length = EARTH_LIGHT[camera]
    light = np.zeros(timeline.n_cadence)
    for orbit in range(timeline.orbit[-1] + 1):
        here = (timeline.orbit == orbit) & ~timeline.gap
        duration = rng.gamma(3.0, length / 3.0) * (COMPACT_LIGHT if compact else 1.0)
        height, happens = rng.uniform(0.5, 1.0), rng.random() < how_often
        since = timeline.since_start[here]
        if happens:
            light[here] += height * _hump(since / duration)
        if rng.random() < LATE_LIGHT:
            light[here] += 0.7 * height * _hump((since[-1] - since) / duration)
    return light
