"""What it costs to measure a candidate, beside astropy's two periodograms."""

from pathlib import Path

import numpy as np
from astropy.timeseries import BoxLeastSquares, LombScargle

from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.candidates.period import bin_time
from calnet_ops.science.candidates.sectors import normalise
from calnet_ops.science.lightcurve.light_curve import LightCurve
from tests.bench.measure import Figure, medians_ms
from tests.support.binaries import simulate_binaries

KINDS = ("EA", "EA", "EB", "EW")
N_STAR = 12
"""Candidates that are measured; the figure is their mean."""

DURATION_D = (0.08, 0.16)
"""[d] Boxes that a user tries, for periods from twice their width."""


def todays_way(light_curve: LightCurve) -> tuple[float, float]:
    """Period by GLS and by boxes, as one gets them from astropy today; no errors, no shape."""
    curve = normalise(light_curve)
    frequency, power = LombScargle(curve.time, curve.flux).autopower(
        minimum_frequency=0.04, maximum_frequency=10.0
    )
    boxes = BoxLeastSquares(*bin_time(curve.time, curve.flux))
    found = boxes.autopower(DURATION_D, minimum_period=0.4)
    best = float(1 / frequency[np.argmax(power)])
    return best, float(found.period[np.argmax(found.power)])


def measure(_folder: Path, _known: object) -> list[Figure]:
    """CPU time for a candidate with one sector, on one core."""
    kinds = [KINDS[i % len(KINDS)] for i in range(N_STAR)]
    curves = [binary.light_curves[0] for binary in simulate_binaries(kinds, seed=3)]
    characterise(curves[:1])  # numba compiles
    took = medians_ms(
        {
            "ours": lambda: [characterise([one]) for one in curves],
            "today": lambda: [todays_way(one) for one in curves],
        },
        rounds=3,
    )
    return [Figure("candidate_ms", took["ours"] / N_STAR, "ms", took["today"] / N_STAR)]
