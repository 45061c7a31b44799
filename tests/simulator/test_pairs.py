from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.centroids import read_centroids
from calnet_ops.simulator.apertures import captured
from calnet_ops.simulator.pairs import Pair
from calnet_ops.simulator.sectors import Job, light_curve, simulate_sector
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.stars import own_tic

PAIR = Pair(own_tic(30, 0), own_tic(30, 1), Kind.EA)


def make(tic, pair=PAIR, seed=9):
    kind = pair.kind if tic == pair.eclipsing else Kind.BLEND
    return light_curve(Job(Path(), 30, tic, kind, seed=seed, compact=True, pair=pair))[1:4]


@pytest.fixture(scope="module")
def pair():
    return make(PAIR.eclipsing), make(PAIR.quiet)


def test_both_stars_have_the_same_eclipses_at_the_same_time(pair):
    (_, _, own), (_, _, borrowed) = pair
    assert (own.period, own.epoch) == (borrowed.period, borrowed.epoch)
    ratio = (1 - borrowed.flux) / (own.flux.max() - own.flux + 1e-12)
    dimmed = own.flux < own.flux.max() - 1e-3
    np.testing.assert_allclose(ratio[dimmed], borrowed.depth_1 / own.depth_1, rtol=1e-6)


def test_neither_aperture_gets_more_of_the_light_than_there_is(pair):
    """Light lost next door, as if all of the star's own were in its aperture, is less."""
    (_, eclipsing, own), (_, quiet, borrowed) = pair
    loss = [10 ** (-0.4 * s.tmag) * f.depth_1 for s, f in ((eclipsing, own), (quiet, borrowed))]
    assert loss[1] < loss[0]


def test_the_sky_and_the_pixels_say_the_same_of_where_they_are(pair):
    (body, eclipsing, _), (_, quiet, _) = pair
    step = np.array([quiet.column - eclipsing.column, quiet.row - eclipsing.row])
    east, north = read_centroids(body).to_sky @ step
    assert 3600 * (quiet.dec - eclipsing.dec) == pytest.approx(north, abs=0.05)
    away = 3600 * (quiet.ra - eclipsing.ra) * np.cos(np.radians(eclipsing.dec))
    assert away == pytest.approx(east, abs=0.05)
    assert 0.2 < np.hypot(*step) < 3.0


def test_the_photocentre_moves_as_the_light_that_is_left_says(pair):
    """Shift over lost light: minus the distance from the photocentre to the eclipsed star."""
    body, star, signal = pair[1]
    curve, found = spoc.read(body), read_centroids(body)
    lost = star.crowdsap * signal.neighbour
    ratio = lost / (1 - lost)
    good = curve.good & np.isfinite(found.centroid).all(axis=0)
    place = (found.centroid - 0.9 * found.motion)[:, good]
    line = np.stack([ratio[good], np.ones(good.sum())])
    slope = np.linalg.lstsq(line.T, place.T, rcond=None)[0][0]
    # the photocentre is pulled towards the neighbour by its share of the light, and by other stars
    neighbour = np.array(signal.neighbour_offset)
    assert np.hypot(*(-slope - neighbour)) < 0.3 + (1 - star.crowdsap) * (
        np.hypot(*neighbour) + 1.5
    )
    assert -slope @ neighbour > 0


@pytest.mark.parametrize(
    ("n_pixel", "share"), [(5, (0.5, 0.7)), (14, (0.85, 0.95)), (21, (0.92, 1))]
)
def test_apertures_hold_as_much_light_as_real_ones(n_pixel, share):
    """FLFRCSAP of real files with as many pixels."""
    star = make(PAIR.eclipsing)[1]
    found = captured(star, n_pixel, star.column, star.row)
    assert share[0] < found.share < share[1]
    assert np.hypot(found.column - star.column, found.row - star.row) < 0.35


def test_light_from_farther_away_is_less_and_seems_nearer_than_it_is():
    star = make(PAIR.eclipsing)[1]
    far = [captured(star, 14, star.column + r, star.row) for r in (0.0, 1.0, 2.0, 3.0)]
    assert (np.diff([one.share for one in far]) < 0).all()
    seen = np.array([one.column for one in far]) - far[0].column
    assert (np.diff(seen) > 0).all()
    assert (seen[1:] < [1.0, 2.0, 3.0]).all()


def test_pairs_come_on_top_and_change_no_other_file(tmp_path):
    settings: dict[str, Any] = {"n_star": 3, "seed": 5, "compact": True, "workers": 1}
    without = simulate_sector(tmp_path / "a", 61, **settings)
    with_pairs = simulate_sector(tmp_path / "b", 61, n_pair=1, **settings)
    assert with_pairs.n_file == without.n_file + 2
    for row in without.truth:
        name = row.file_name
        assert (without.folder / name).read_bytes() == (with_pairs.folder / name).read_bytes()
    binary, blend = with_pairs.truth[-2:]
    assert (binary.is_eb, blend.kind, blend.is_eb) == (True, "BLEND", False)
    assert binary.period == blend.period
    assert blend.depth_1 > 0
