from collections import Counter

import numpy as np
import pytest

from calnet_ops.science.labels.split import (
    CELL_DEG,
    TRAIN_SHARE,
    VALIDATION_SHARE,
    sky_cell,
    split_of,
)


def test_a_star_never_changes_sides():
    """If this fails, every model ever judged has seen test stars: do not adapt the test."""
    assert [split_of(tic) for tic in (30275861, 38846515, 117544915)] == ["train", "train", "test"]
    places = [(84.2912, -80.4692), (340.3278, -43.8413), (0.0, 0.0), (359.99, 89.99)]
    assert [split_of(1, ra, dec) for ra, dec in places] == ["train", "test", "train", "test"]


def test_shares_are_as_stated():
    sides = Counter(split_of(tic) for tic in range(20_000))
    assert sides["train"] / 20_000 == pytest.approx(TRAIN_SHARE, abs=0.01)
    assert sides["validation"] / 20_000 == pytest.approx(VALIDATION_SHARE, abs=0.01)


def test_the_position_decides_and_the_number_does_not():
    assert len({split_of(tic, 84.3, -80.5) for tic in range(100)}) == 1


@pytest.mark.parametrize("dec", [-89.9, -60.2, 0.1, 45.3, 89.9])
def test_neighbours_within_a_pixel_nearly_always_stay_together(dec):
    rng = np.random.default_rng(3)
    ra = rng.uniform(0, 360, 400)
    offset = 21 / 3600
    together = [
        split_of(1, x, dec) == split_of(2, x + offset / np.cos(np.radians(dec)), dec) for x in ra
    ]
    assert np.mean(together) > 0.95


def test_a_full_turn_is_the_same_place():
    assert sky_cell(10.0, 20.0) == sky_cell(370.0, 20.0) == sky_cell(-350.0, 20.0)


def test_cells_are_about_equally_wide_everywhere():
    for dec in (-75.1, 0.1, 60.1):
        cells = {sky_cell(ra, dec) for ra in np.arange(0, 360, 0.05)}
        width = 360 * np.cos(np.radians(dec)) / len(cells)
        assert width == pytest.approx(CELL_DEG, rel=0.05)
