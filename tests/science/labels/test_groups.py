import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calnet_ops.science.labels.groups import place
from calnet_ops.science.labels.links import Star, find_links, link
from calnet_ops.science.labels.split import GUARD, side_of


def stars(**sides):
    unknown = math.nan
    return [
        Star(int(tic[1:]), side, unknown, unknown, unknown, unknown) for tic, side in sides.items()
    ]


def test_linked_stars_on_one_side_make_a_group_named_after_the_smallest():
    placed = place(stars(t5="train", t3="train", t9="train"), [link(9, 5, "gaia")])
    assert placed.group == {5: "tic 5", 9: "tic 5", 3: "tic 3"}
    assert set(placed.side.values()) == {"train"}
    assert placed.leaks == ()


def test_who_is_not_on_the_test_side_is_set_aside_and_listed():
    links = [link(1, 2, "ephemeris", 1e-6), link(2, 3, "gaia")]
    placed = place(stars(t1="train", t2="validation", t3="test", t4="train"), links)
    assert placed.side == {1: GUARD, 2: GUARD, 3: "test", 4: "train"}
    assert [(leak.sides, leak.set_aside) for leak in placed.leaks] == [
        (("train", "validation"), (1, 2)),
        (("validation", "test"), (2,)),
    ]


def test_validation_goes_before_training():
    placed = place(stars(t1="train", t2="validation"), [link(1, 2, "copy", 1.0)])
    assert placed.side == {1: GUARD, 2: "validation"}


def test_a_star_in_the_guard_band_links_nobody():
    links = [link(1, 2, "copy", 1.0), link(2, 3, "copy", 1.0)]
    placed = place(stars(t1="train", t2=GUARD, t3="test"), links)
    assert placed.side == {1: "train", 2: GUARD, 3: "test"}
    assert placed.leaks == ()


SKY = st.lists(
    st.tuples(
        st.floats(0, 0.02), st.floats(-0.02, 0.02), st.sampled_from([0.5, 1.0, 2.7]),
        st.sampled_from([1500.0, 1500.25]), st.integers(0, 3),
    ),
    min_size=2, max_size=40,
)  # fmt: skip
"""Crowds where four cells meet: right ascension, declination, ephemeris, and a name."""


@settings(max_examples=60, deadline=None)
@given(SKY, st.integers(0, 10_000))
def test_over_many_retrainings_no_group_is_on_two_sides_and_no_star_moves(sky, seed):
    """Labels come in three parts, in any order: each data set knows those before."""
    corner = np.random.default_rng(seed).integers(0, 360, 2) * [1.0, 0.5] - [0.0, 89.5]
    all_stars = []
    for tic, (ra, dec, period, epoch, name) in enumerate(sky, 1):
        where = ((corner[0] + ra) % 360, float(np.clip(corner[1] + dec, -90, 90)))
        all_stars.append(Star(tic, side_of(tic, *where), *where, period, epoch, gaia=name))
    order = np.random.default_rng(seed).permutation(len(all_stars))
    before: dict[int, str] = {}
    for part in (len(order) // 3, 2 * len(order) // 3, len(order)):
        known = [all_stars[number] for number in order[:part]]
        placed = place(known, find_links(known))
        of_group: dict[str, set[str]] = {}
        for tic, group in placed.group.items():
            of_group.setdefault(group, set()).add(placed.side[tic])
        assert all(len(sides - {GUARD}) <= 1 for sides in of_group.values())
        for one in known:
            assert placed.side[one.tic] in {one.side, GUARD}
            if one.side == "test":
                assert placed.side[one.tic] == "test"
            assert {before.get(one.tic, GUARD), placed.side[one.tic], GUARD} <= {one.side, GUARD}
        before = dict(placed.side)
