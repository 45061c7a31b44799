"""Errors of what is measured: the fit's own, and what spots and imperfect models add.

The shares were set on 395 simulated binaries of one sector (a third of the EA and EW spotted), so
that 60 to 80% of the true values lie within one sigma, and are held against others by
``python -m tests.bench.ephemerides``.
"""

from dataclasses import replace

import numpy as np

from calnet_ops.science.candidates.minimum import Minimum
from calnet_ops.science.candidates.shape import Shape

NARROW_DEPTH, ROUND_DEPTH = 0.006, 0.008
"""Of a depth: what the profile of a narrow eclipse, or the brightest phase of a round curve, is
wrong by."""

DEPTH_TILT = 1.5
"""Of half the difference of the levels at the two minima: heating or spots, which cannot be told
apart."""

DEPTH_ASYMMETRY = 1.0
"""Of half the difference of the two maxima."""

NARROW_PHASE, ROUND_PHASE = 3e-4, 7e-5
"""Of a width: how far off the middle of a minimum is for no other reason."""

PHASE_SPOTS = 0.07
"""Of the width, times what spots take away over the depth: how far spots move a minimum."""

NARROW_WIDTH, ROUND_WIDTH = 0.001, 0.015
"""Of a width."""


def with_errors(one: Minimum, shape: Shape) -> Minimum:
    """A minimum with one-sigma errors that hold for spotted stars as well."""
    depth_share, phase_share, width_share = (
        (NARROW_DEPTH, NARROW_PHASE, NARROW_WIDTH)
        if shape.is_narrow
        else (ROUND_DEPTH, ROUND_PHASE, ROUND_WIDTH)
    )
    spots = np.hypot(shape.asymmetry, one.tilt)
    return replace(
        one,
        depth_err=_root(
            one.depth_err,
            depth_share * one.depth,
            DEPTH_TILT * one.tilt,
            DEPTH_ASYMMETRY * shape.asymmetry,
        ),
        phase_err=_root(
            one.phase_err,
            phase_share * one.width,
            PHASE_SPOTS * spots / max(one.depth, spots) * one.width,
        ),
        width_err=_root(one.width_err, width_share * one.width),
    )


def period_error(fitted: float, phase_err: float, n_cycle: float, n_stretch: int) -> float:
    """One-sigma error of the period [d].

    Parameters
    ----------
    fitted
        Error of the slope of the line through the minima [d].
    phase_err
        Error of the middle of the primary [d], from `with_errors`.
    n_cycle
        Cycles from end to end.
    n_stretch
        Runs of consecutive sectors.

    Notes
    -----
    Slow noise and spots are shared by the pieces of one run, so a line through them alone is less
    well known than the scatter of the pieces says: minima may move by their own error from one
    end to the other (without that, 58% of 200 simulated periods are within one sigma). A line
    through several runs years apart hangs on their means, and the scatter says it all (77%).
    """
    return fitted if n_stretch > 1 else _root(fitted, phase_err / n_cycle)


def _root(*parts: float) -> float:
    return float(np.sqrt(np.sum(np.square(parts))))
