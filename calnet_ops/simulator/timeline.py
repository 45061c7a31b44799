"""The cadences of a sector: times, gaps, momentum dumps and flags that all its stars share."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.pointing import Pointing

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

CADENCES_PER_DAY = 720
"""Two-minute cadences."""

BTJD_ZERO, J2000 = 2457000.0, 2451545.0
"""BJD of BTJD 0, and of the epoch J2000 [d]."""

CLOCK_ZERO = 1325.2940
"""Spacecraft time of cadence `CLOCK_CADENCE` [BTJD, before the barycentric correction].

Read from TIME - TIMECORR in 49 files, sectors 1-88: within 0.0004 d of this."""

CLOCK_CADENCE = 70_444
"""First cadence of sector 1."""

LIGHT_TIME = 0.0057755183
"""Light travel time over one astronomical unit [d]."""

COMPACT_ROWS = 6000
"""Rows of a compact light curve: two segments of 2650 cadences, above the 2000 that CALNet asks."""

COMPACT_GAP = (2650, 700)
"""Row and length of its gap: 0.97 d, more than the 0.75 d at which segments are split."""

START_DUMP_SINCE = 7
"""From this sector on, momentum is dumped at the start of each orbit too (4 rows long)."""

SILENT_GAPS = frozenset({4, 8, 63, 64, 65})
"""Sectors whose gap rows carry QUALITY 0 although TIME and flux are NaN."""

Q_ATTITUDE_TWEAK, Q_SAFE_MODE, Q_COARSE_POINT, Q_EARTH_POINT, Q_ARGABRIGHTENING = 1, 2, 4, 8, 16
Q_DESATURATION, Q_MANUAL_EXCLUDE, Q_IMPULSIVE_OUTLIER = 32, 128, 512
Q_SCATTERED_LIGHT, Q_BAD_CALIBRATION, Q_INSUFFICIENT_TARGETS = 4096, 16384, 32768
"""Bits of QUALITY (TESS Science Data Products Description Document, table 28)."""


@dataclass(frozen=True)
class Timeline:
    """What every light curve of a sector has in common."""

    pointing: Pointing
    cadence_no: Ints
    """(n_cadence,) Cadence numbers, contiguous."""
    clock: Floats
    """(n_cadence,) Spacecraft time [BTJD before the barycentric correction]."""
    gap: npt.NDArray[np.bool_]
    """(n_cadence,) No data were taken."""
    orbit: Ints
    """(n_cadence,) Number of the stretch between gaps, from 0."""
    since_start: Floats
    """(n_cadence,) Time since that stretch began [d]."""
    quality: Ints
    """(n_cadence,) Flags that all stars share."""

    @property
    def n_cadence(self) -> int:
        """Rows of each light curve."""
        return len(self.cadence_no)

    def barycentric(self, ra: float, dec: float) -> tuple[Floats, Floats]:
        """Time [BTJD] and its correction [d] for a place on the sky [deg]."""
        correction = light_time_correction(self.clock, ra, dec)
        return self.clock + correction, correction


def make_timeline(pointing: Pointing, *, compact: bool) -> Timeline:
    """Lay out a sector, or a shortened one with a single gap."""
    n_row = COMPACT_ROWS if compact else pointing.rows
    gaps = (COMPACT_GAP,) if compact else pointing.gaps
    row = np.arange(n_row)
    gap = np.zeros(n_row, dtype=bool)
    for start, length in gaps:
        gap[start : start + length] = True
    starts = np.array([0, *(start + length for start, length in gaps)])
    orbit = np.searchsorted(starts, row, side="right") - 1
    cadence_no = (pointing.cad_first + row).astype(np.int32)
    return Timeline(
        pointing=pointing,
        cadence_no=cadence_no,
        clock=CLOCK_ZERO + (cadence_no - CLOCK_CADENCE) / CADENCES_PER_DAY,
        gap=gap,
        orbit=orbit.astype(np.int32),
        since_start=(row - starts[orbit]) / CADENCES_PER_DAY,
        quality=_shared_quality(pointing, gap, gaps, starts, compact=compact),
    )


def light_time_correction(clock: Floats, ra: float, dec: float) -> Floats:
    """Barycentric correction (n_cadence,) [d] for an observer at the Earth.

    Low-precision solar position (Astronomical Almanac, section C): within 4 s of TIMECORR in
    49 real files; what is left is the Sun's own motion and the spacecraft's orbit.
    """
    day = clock + BTJD_ZERO - J2000
    anomaly = np.radians(357.528 + 0.9856003 * day)
    longitude = np.radians(
        280.460 + 0.9856474 * day + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    )
    distance = 1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2 * anomaly)
    tilt, alpha, delta = np.radians([23.4393, ra, dec])
    projected = np.cos(longitude) * np.cos(alpha) * np.cos(delta) + np.sin(longitude) * (
        np.cos(tilt) * np.sin(alpha) * np.cos(delta) + np.sin(tilt) * np.sin(delta)
    )
    correction: Floats = -LIGHT_TIME * distance * projected
    return correction


def _shared_quality(
    pointing: Pointing,
    gap: npt.NDArray[np.bool_],
    gaps: tuple[tuple[int, int], ...],
    starts: npt.NDArray[np.int64],
    *,
    compact: bool,
) -> Ints:
    """Gap rows, momentum dumps, argabrightenings: the same for all stars of a sector."""
    n_row = len(gap)
    quality = np.zeros(n_row, dtype=np.int32)
    middle = len(gaps) // 2
    for k, (start, length) in enumerate(gaps):
        silent = pointing.sector in SILENT_GAPS and (k != middle or len(gaps) == 1)
        quality[start : start + length] = 0 if silent else Q_EARTH_POINT
    quality[0] |= Q_EARTH_POINT  # in every real file, with a finite TIME
    ends = [*(start for start, _ in gaps), n_row]
    every = min(pointing.dump_every, n_row // 4) if compact else pointing.dump_every
    for start, end in zip(starts, ends, strict=True):
        if pointing.sector >= START_DUMP_SINCE:
            quality[start : start + 4] |= Q_DESATURATION
            quality[start] |= Q_MANUAL_EXCLUDE
        for row in range(start + every + 30, end - 10, every) if every else ():
            quality[row : row + 7] |= Q_DESATURATION
            quality[row : row + 3] |= Q_MANUAL_EXCLUDE
            quality[row : row + 3] |= Q_COARSE_POINT
    rng = np.random.default_rng([pointing.sector, n_row])
    for row in rng.integers(0, n_row - 12, rng.poisson(3)):
        here = slice(row, row + rng.integers(1, 11))
        quality[here] |= np.where(gap[here], 0, Q_ARGABRIGHTENING).astype(np.int32)
    return quality
