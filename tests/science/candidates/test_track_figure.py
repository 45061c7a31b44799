import struct

import numpy as np

from calnet_ops.science.candidates.photocentre import measure_photocentre, steady_place
from calnet_ops.science.candidates.track_figure import draw_track
from tests.science.candidates.test_photocentre import TIMING, scene


def test_a_track_is_a_picture_and_the_same_every_time():
    curve, centroids = scene(n_cadence=6000)
    found = measure_photocentre(curve, centroids, TIMING)
    one, other = (draw_track(curve, centroids, TIMING, found) for _ in range(2))
    assert one == other
    assert one.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", one[16:24])
    assert (width, height) == (1080, 528)


def test_pointing_is_not_in_the_track():
    curve, centroids = scene(n_cadence=6000, motion=0.01, source=np.zeros(2))
    seen, place = steady_place(curve, centroids)
    assert seen.all()
    assert place.std() < 1.2e-3  # of centroids alone: 1e-3
