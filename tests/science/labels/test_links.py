import math

import numpy as np
import pytest

from calnet_ops.science.labels.catalogs import read_catalog
from calnet_ops.science.labels.groups import place
from calnet_ops.science.labels.links import Star, find_links, neighbours
from calnet_ops.science.labels.split import GUARD, side_of, split_of

PIXEL_DEG = 21 / 3600


def star(tic, ra=10.0, dec=-30.0, period=math.nan, epoch=math.nan, side="train", **names):
    return Star(tic, side, ra, dec, period, epoch, **names)


def reasons(*stars):
    return [(one.one, one.other, one.reason) for one in find_links(stars)]


def test_stars_within_three_pixels_are_linked_also_where_right_ascension_ends():
    assert reasons(star(1), star(2, dec=-30 + 2.9 * PIXEL_DEG)) == [(1, 2, "neighbour")]
    assert reasons(star(1), star(2, dec=-30 + 3.1 * PIXEL_DEG)) == []
    assert reasons(star(2, ra=0.001, dec=0.0), star(1, ra=359.999, dec=0.0)) == [
        (1, 2, "neighbour")
    ]
    assert reasons(star(1, ra=math.nan), star(2, ra=math.nan)) == []


def test_one_ephemeris_links_stars_that_are_farther_apart():
    one = star(1, period=2.5, epoch=1500.0)
    far = {"dec": -30 + 20 * PIXEL_DEG}
    again = star(2, **far, period=5.0001, epoch=1515.005)  # every other eclipse, six cycles on
    assert reasons(one, again) == [(1, 2, "ephemeris")]
    assert reasons(one, star(2, **far, period=2.5, epoch=1500.6)) == []
    assert reasons(one, star(2, **far, period=2.6, epoch=1500.0)) == []


def test_the_very_same_numbers_link_stars_anywhere():
    one, other = star(1, period=2.5, epoch=1500.0), star(2, 190.0, 60.0, 2.5, 1500.0)
    assert reasons(one, other) == [(1, 2, "ephemeris")]
    assert reasons(one, star(2, 190.0, 60.0, 2.5, 1500.01)) == []


def test_two_numbers_of_one_star_are_linked():
    place_of_other = (200.0, 40.0)
    assert reasons(star(1), star(2, *place_of_other, same_as=1)) == [(1, 2, "same_star")]
    assert reasons(star(1, same_as=9), star(2, *place_of_other, same_as=9)) == [(1, 2, "same_star")]
    assert reasons(star(1, gaia=7), star(2, *place_of_other, gaia=7)) == [(1, 2, "gaia")]
    assert reasons(star(1, gaia=7, same_as=5), star(2, *place_of_other, gaia=8)) == []


def test_stars_in_the_guard_band_are_passed_over():
    assert reasons(star(1), star(2, side=GUARD)) == []


def test_neighbours_are_those_of_a_search_by_brute_force():
    rng = np.random.default_rng(6)
    ra, dec = rng.uniform(0, 0.5, 300), np.append(rng.uniform(89.7, 90, 299), np.nan)
    pair, distance = neighbours(ra, dec, 63.0)
    a, d = np.radians(ra), np.radians(dec)
    half = (
        np.sin((d[:, None] - d) / 2) ** 2
        + np.cos(d[:, None]) * np.cos(d) * np.sin((a[:, None] - a) / 2) ** 2
    )
    angle = 3600 * np.degrees(2 * np.arcsin(np.sqrt(half)))
    near = np.argwhere(np.triu(angle <= 63.0, 1))
    assert {tuple(sorted(one)) for one in pair.tolist()} == {tuple(one) for one in near.tolist()}
    assert len(near) > 100
    assert distance == pytest.approx([angle[i, j] for i, j in pair], abs=1e-3)


@pytest.fixture(scope="module")
def published(shared_data):
    """Stars of CALNet's lists with their places: those trained on, and all 10,531 discoveries."""
    labels = shared_data / "labels"
    trained = read_catalog("t", (labels / "calnet_training_samples.dat").read_text())
    # Duplicates and artefacts as well, which are no labels.
    rows = (labels / "calnet_newecl.dat").read_text().splitlines()[2:]
    found = {int(row[:10]): (float(row[31:40]), float(row[41:50])) for row in rows}
    places = {r.tic: (r.details.ra, r.details.dec) for r in trained}
    assert (len(places), len(found)) == (4225, 10531)
    return places, found


def test_published_discoveries_next_to_a_star_trained_on_are_held_together(published):
    """50 within one pixel: never on two sides, and in one group unless one is set aside."""
    trained, found = published
    tics = [*trained, *found]
    places = np.array([*trained.values(), *found.values()])
    stars = [
        star(tic, ra, dec, side=side_of(tic, ra, dec))
        for tic, (ra, dec) in zip(tics, places, strict=True)
    ]
    links = find_links(stars)
    placed = place(stars, links)
    for radius, expected in ((21.0, 50), (63.0, 106)):
        pair, _ = neighbours(places[:, 0], places[:, 1], radius)
        across = [(tics[i], tics[j]) for i, j in pair if (i < len(trained)) != (j < len(trained))]
        assert len({max(tic for tic in one if tic in found) for one in across}) == expected
        for one, other in across:
            sides = {placed.side[one], placed.side[other]}
            assert len(sides - {GUARD}) < 2
            assert GUARD in sides or placed.group[one] == placed.group[other]
    assert not placed.leaks
    used = [one for one in stars if placed.side[one.tic] != GUARD]
    assert 0.96 < len(used) / len(stars) < 0.98
    assert all(split_of(one.tic, one.ra, one.dec) == placed.side[one.tic] for one in used)


def test_catalogs_that_know_one_star_both_have_one_ephemeris(shared_data):
    """Each star of Justesen & Albrecht as a neighbour, ten pixels away, of itself in Prsa et al."""
    labels = shared_data / "labels"
    name = "hlsp_tess-ebs_tess_lcf-ffi_s0001-s0026_tess_v1.0_cat.csv"
    prsa = {r.tic: r.details for r in read_catalog("p", (labels / name).read_text())}
    text = (labels / "justesen_albrecht_2021_748ebs.txt").read_text()
    other = {r.tic: r.details for r in read_catalog("j", text)}
    stars, pairs = [], set()
    for tic, known in prsa.items():
        ra, dec = known.ra or 0.0, known.dec or 0.0
        if known.period_d is None or known.epoch_btjd is None:
            continue
        stars.append(star(tic, ra, dec, known.period_d, known.epoch_btjd))
        if tic in other:
            again = other[tic]
            stars.append(star(-tic, ra, dec + 10 * PIXEL_DEG, again.period_d, again.epoch_btjd))
            pairs.add((-tic, tic))
    found = {(o.one, o.other) for o in find_links(stars) if o.reason == "ephemeris"}
    assert len(found & pairs) / len(pairs) > 0.9
