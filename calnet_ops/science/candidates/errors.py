"""Errors of what is measured: the fit's own, and what spots and imperfect models add.

The shares were set on about 1,100 simulated binaries, so that 60 to 80% of the true values lie
within one sigma, and are held against others by ``python -m tests.bench.ephemerides``.
"""

from dataclasses import replace

import numpy as np

from calnet_ops.science.candidates.minimum import Minimum
from calnet_ops.science.candidates.shape import Shape

DEPTH_SHARE = 0.006
"""Of a depth: what the profile, or the brightest phase of a round curve, is wrong by."""

TREND_DEPTH = 0.0005
"""What a running median takes of the tides of a detached pair of a long period."""

UNLIKE_DEPTH = 0.01
"""Of the difference of both depths in a round curve: stars unlike in temperature heat each other,
and the maxima are then not where the level is taken."""

DEPTH_TILT = 1.5
"""Of half the difference of the levels at the two minima: heating or spots, which cannot be told
apart."""

DEPTH_ASYMMETRY = 1.0
"""Of half the difference of the two maxima."""

NARROW_PHASE, ROUND_PHASE = 3e-4, 7e-5
"""Of a width: how far off the middle of a minimum is for no other reason."""

PHASE_SPOTS = 0.07
"""Of the width, times what spots take away over the depth: how far spots move a minimum."""

ROUND_SLOW = 1.6
"""Slow noise of a round curve, in errors of its phase: see `period_error`."""

MOST_SLOW = 0.01
"""Of a cycle: more than spots move minima, so that a minimum that could not be fitted does not
make a well-known period unknown (TIC 219423316)."""

NARROW_SPREAD = 1.15
"""By which the scatter of the pieces falls short in narrow curves of several stretches."""

NARROW_WIDTH, ROUND_WIDTH = 0.001, 0.015
"""Of a width."""


def with_errors(one: Minimum, shape: Shape) -> Minimum:
    """A minimum with one-sigma errors that hold for spotted stars as well."""
    narrow = shape.is_narrow
    phase_share, width_share = (
        (NARROW_PHASE, NARROW_WIDTH) if narrow else (ROUND_PHASE, ROUND_WIDTH)
    )
    unlike = float(np.nan_to_num(shape.first.depth - shape.second.depth))
    spots = np.hypot(shape.asymmetry, one.tilt)
    return replace(
        one,
        depth_err=_root(
            one.depth_err,
            DEPTH_SHARE * one.depth,
            TREND_DEPTH if narrow else UNLIKE_DEPTH * unlike,
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


def period_error(
    fitted: float, shape: Shape, phase_err: float, period: float, n_cycle: float, n_stretch: int
) -> float:
    """One-sigma error of the period [d].

    Parameters
    ----------
    fitted
        Error of the slope of the line through the minima [d].
    shape
        Folded curve.
    phase_err
        Error of the middle of the primary [d], from `with_errors`.
    period
        [d]
    n_cycle
        Cycles from end to end.
    n_stretch
        Runs of consecutive sectors.

    Notes
    -----
    Slow noise and spots are shared by the pieces of one run, so a line through them alone is less
    well known than the scatter of the pieces says: minima may move by their own error from one
    end to the other (without that, 58% of 200 simulated periods are within one sigma). A line
    through several runs years apart hangs on their means, and the scatter says it almost all.
    """
    if n_stretch > 1:
        return fitted * (NARROW_SPREAD if shape.is_narrow else 1.0)
    slow = 1.0 if shape.is_narrow else ROUND_SLOW
    return _root(fitted, min(slow * phase_err, MOST_SLOW * period) / n_cycle)


def _root(*parts: float) -> float:
    return float(np.sqrt(np.sum(np.square(parts))))
