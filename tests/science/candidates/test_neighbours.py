import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from calnet_ops.science.candidates.neighbours import nearest_others


def field(n_star, seed=4):
    rng = np.random.default_rng(seed)
    return 359.9 + rng.uniform(0, 0.2, n_star) % 360, rng.uniform(60.0, 60.1, n_star)


def test_agrees_with_astropy():
    ra, dec = field(300)
    found = nearest_others(ra, dec, ra, dec)
    stars = SkyCoord(ra, dec, unit="deg")
    index, gap, _ = stars.match_to_catalog_sky(stars, nthneighbor=2)
    near = gap.arcsec < 63
    np.testing.assert_array_equal(found.index >= 0, near)
    np.testing.assert_array_equal(found.index[near], index[near])
    np.testing.assert_allclose(found.distance[near], gap.arcsec[near], rtol=1e-6)


def test_stars_of_the_other_list_count_too():
    ra, dec = np.array([10.0]), np.array([0.0])
    found = nearest_others(ra, dec, np.array([10.0, 10.0]), np.array([0.0, 0.01]))
    assert found.index.tolist() == [1]
    assert found.distance[0] == pytest.approx(36.0)


def test_stars_at_one_place_are_each_others_neighbours():
    ra, dec = np.array([10.0, 10.0]), np.array([0.0, 0.0])
    found = nearest_others(ra, dec, ra, dec)
    assert found.index.tolist() == [1, 0]
    assert found.distance.tolist() == [0.0, 0.0]


def test_a_star_without_a_place_has_no_neighbour():
    ra, dec = np.array([10.0, np.nan]), np.array([0.0, 0.0])
    found = nearest_others(ra, dec, ra, dec)
    assert found.index.tolist() == [-1, -1]
    assert np.isnan(found.distance).all()


def test_the_published_catalog_has_147_pairs_within_a_pixel(shared_data):
    """283 of its 10,531 stars have another within 21 arcsec, 501 within three pixels."""
    file = shared_data / "labels" / "calnet_newecl.dat"
    table = Table.read(file, format="ascii.fixed_width_two_line")
    ra, dec = (np.asarray(table[name], float) for name in ("RAJ2000", "DEJ2000"))
    near = nearest_others(ra, dec, ra, dec, 21.0)
    assert len(ra) == 10_531
    assert int((near.index >= 0).sum()) == 283
    mutual = {frozenset((i, j)) for i, j in enumerate(near.index.tolist()) if j >= 0}
    assert len(mutual) <= 147
    assert int((nearest_others(ra, dec, ra, dec).index >= 0).sum()) == 501
