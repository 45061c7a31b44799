"""Pieces of a light curve between its long gaps."""

from itertools import pairwise

import numpy as np

from calnet_ops.science.lightcurve.light_curve import Floats

GAP_D = 0.75
"""A longer step in time [d] starts a new segment (published recipe).

In sectors 1 to 55 the downlink between the orbits is one gap of 0.9 to 1.6 d. From sector 56
on there are three of 0.21 d, which do not split: a sector may be one segment.
"""


def split_segments(time: Floats, gap_d: float = GAP_D) -> list[slice]:
    """Where each piece without a long gap begins and ends.

    Parameters
    ----------
    time : (n_cadence,)
        BTJD [d] of good cadences, increasing, no NaN.
    gap_d
        Steps longer than this split [d].

    Returns
    -------
    segments
        Slices of `time` in its order; none if it is empty, n for n - 1 long gaps.

    Examples
    --------
    >>> split_segments(np.array([0.0, 0.1, 0.2, 1.0, 1.1]))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    if not len(time):
        return []
    edges = [0, *(np.flatnonzero(np.diff(time) > gap_d) + 1).tolist(), len(time)]
    return [slice(start, stop) for start, stop in pairwise(edges)]
