"""What was measured of simulated binaries beside what is true of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calnet_ops.science.candidates.ephemeris import Ephemeris, characterise
from tests.support.binaries import SimulatedBinary

RIGHT = 1e-3
"""Relative error of a period that is right."""

SWAPPED = 0.2
"""Phase from which the epoch is that of the other minimum: equal minima have no first."""


@dataclass(frozen=True)
class Compared:
    """A binary and what was measured of it."""

    truth: SimulatedBinary
    found: Ephemeris
    n_observed: int
    """Primary eclipses with data in the middle half of their duration."""

    @property
    def ratio(self) -> float:
        """Period found over the true one; NaN if none was found."""
        return self.found.period / self.truth.period

    @property
    def is_right(self) -> bool:
        return bool(abs(self.ratio - 1) < RIGHT)

    @property
    def is_half(self) -> bool:
        return bool(abs(self.ratio - 0.5) < 0.5 * 0.01)

    @property
    def is_double(self) -> bool:
        return bool(abs(self.ratio - 2) < 2 * 0.01)

    def deviations(self) -> dict[str, float]:
        """Differences from the truth in units of the error; NaN where they say nothing."""
        truth, found = self.truth, self.found
        turns = (found.epoch - truth.epoch) / truth.period
        late = float(turns - np.rint(turns))
        if not self.is_right or abs(late) > SWAPPED:
            return {"period": (found.period - truth.period) / found.period_err}
        return {
            "period": (found.period - truth.period) / found.period_err,
            "epoch": late * truth.period / found.epoch_err,
            "depth_1": (found.depth_1 - truth.depth_1) / found.depth_1_err,
            "depth_2": (found.depth_2 - truth.depth_2) / found.depth_2_err,
        }


def compare(binaries: Iterable[SimulatedBinary], n_light_curve: int = 1) -> list[Compared]:
    """Measure binaries in their first light curves."""
    return [_compare(binary, n_light_curve) for binary in binaries]


def _compare(binary: SimulatedBinary, n_light_curve: int) -> Compared:
    used = binary.light_curves[:n_light_curve]
    time = np.concatenate([one.time[one.good] for one in used])
    cycle = np.rint((time - binary.epoch) / binary.period)
    inside = np.abs(time - binary.epoch - cycle * binary.period) < binary.duration_1 / 4
    truth = replace(binary, light_curves=())  # hundreds of megabytes otherwise
    return Compared(truth, characterise(used), int(np.unique(cycle[inside]).size))


def seen_twice(compared: Sequence[Compared]) -> list[Compared]:
    """Those with two or more eclipses observed."""
    return [one for one in compared if one.n_observed >= 2]


def share(compared: Sequence[Compared], test: Callable[[Compared], bool]) -> float:
    """Part of them that pass a test; NaN of none."""
    return float(np.mean([test(one) for one in compared])) if compared else float("nan")


def coverage(compared: Sequence[Compared], name: str) -> tuple[float, int]:
    """Share of true values within one sigma, and of how many."""
    z = np.array([one.deviations().get(name, np.nan) for one in compared if one.is_right])
    z = z[np.isfinite(z)]
    return (float(np.mean(np.abs(z) < 1)) if z.size else float("nan")), int(z.size)
