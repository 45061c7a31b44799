"""Only long gaps split."""

import numpy as np
import pytest

from calnet_ops.science.lightcurve.segments import split_segments


@pytest.mark.parametrize(
    ("time", "lengths"),
    [([], []), ([5.0], [1]), ([0, 0.5, 1.25, 1.5], [4]), ([0, 0.5, 1.26, 3, 3.1], [2, 1, 2])],
)
def test_steps_longer_than_the_gap_split(time, lengths):
    segments = split_segments(np.array(time))
    assert [segment.stop - segment.start for segment in segments] == lengths
