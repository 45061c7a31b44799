"""What a feature version makes of one segment of a light curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_FLUX = 4000
"""Samples of the resampled light curve: the network's first input (published)."""

N_POWER = 1000
"""Trial periods of the periodogram: the network's second input (published)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Features of a segment."""

    segment: int
    """1, 2, … in the order of time, among the segments of the target that are long enough."""
    n_cadence: int
    """Good cadences it is made of."""
    time_start: float
    """First good cadence, BTJD [d]."""
    time_stop: float
    """Last good cadence, BTJD [d]."""
    flux: NDArray[np.float32]
    """(4000,) Resampled light curve, in [0, 1]."""
    power: NDArray[np.float32]
    """(1000,) Periodogram, in [0, 1]."""
