"""Drift is told from chance, from another mix of stars, and from what is usual."""

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops.science.evaluation import drift
from calnet_ops.science.evaluation.drift_figure import draw_drift


def sector(n_star, seed, shift=0.0, eb_share=0.5, cameras=4) -> pa.Table:
    """Stars of two kinds in four cameras; `shift` moves the skew of all."""
    rng = np.random.default_rng(seed)
    is_eb = rng.random(n_star) < eb_share
    columns = {name: rng.normal(np.where(is_eb, 1.5, -1.5), 1) for name in drift.NUMBERS}
    columns["flux_skew"] = columns["flux_skew"] + shift
    columns |= {"tic": np.arange(n_star), "camera": 1 + np.arange(n_star) % cameras}
    columns |= {"ccd": 1 + np.arange(n_star) // 4 % 4}
    return pa.table(columns).select(drift.STARS.names).cast(drift.STARS)


def reference(n_star=400, seed=99) -> pa.Table:
    """What labelled stars of the same two kinds look like."""
    rng = np.random.default_rng(seed)
    verdicts = np.where(np.arange(n_star) % 2, drift.EB, drift.OTHER)
    rows = []
    for name in drift.NUMBERS:
        values = rng.normal(np.where(verdicts == drift.EB, 1.5, -1.5), 1)
        rows += drift.summarise(pa.table({name: values}), list(verdicts), name)
    return pa.Table.from_pylist(rows, schema=drift.REFERENCE)


def sample(values):
    return drift.pooled([np.asarray(values, float)])


def test_distance_is_the_mean_shift_of_ranks():
    uniform = np.linspace(0, 1, 2001)
    assert drift.distance(uniform, sample(uniform)) == pytest.approx(0, abs=1e-9)
    # a tenth further: 90% of the stars move by 0.1, the others up to the last rank
    assert drift.distance(uniform + 0.1, sample(uniform)) == pytest.approx(0.095, abs=1e-3)
    assert drift.distance(uniform + 5, sample(uniform)) == pytest.approx(0.5, abs=1e-3)


def test_unit_and_scale_do_not_matter():
    rng = np.random.default_rng(1)
    one, other = rng.lognormal(0, 2, 300), rng.lognormal(0.4, 2, 300)
    expected = drift.distance(one, sample(other))
    assert drift.distance(np.log(one), sample(np.log(other))) == pytest.approx(expected)
    assert drift.distance(1e6 * one, sample(1e6 * other)) == pytest.approx(expected)


def test_equal_values_are_no_distance():
    assert drift.distance(np.zeros(50), sample(np.zeros(80))) == 0
    many, few = np.repeat([0.0, 1.0], [60, 40]), np.repeat([0.0, 1.0], [30, 20])
    assert drift.distance(many, sample(few)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(60, 60), (60, 1000), (500, 700)])
def test_the_limit_of_chance_is_that_of_a_permutation_test(n, m):
    rng = np.random.default_rng(n + m)
    pool = np.concatenate([rng.lognormal(0, 1, n), rng.lognormal(0, 1, m)])
    found = []
    for _ in range(400):
        pool = rng.permutation(pool)
        found.append(drift.distance(pool[:n], sample(pool[n:])))
    scale = drift.NOISE * np.sqrt(1 / n + 1 / m)
    assert drift.chance(n, m) == pytest.approx(scale)
    # area under a Brownian bridge: median 0.26, 95% 0.58, 99% 0.75 (200,000 bridges)
    assert np.quantile(found, 0.95) * drift.NOISE / scale == pytest.approx(0.58, rel=0.15)
    assert max(found) < scale


def test_two_halves_of_one_sector_do_not_drift_whatever_their_size():
    for n_star in (60, 500, 5000):
        found = drift.compare(sector(n_star, 1), 0.5, [(sector(n_star, 2), 0.5)], None)
        assert drift.warnings(found) == []
        assert found


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_is_found_and_named(seed):
    found = drift.compare(sector(400, seed, shift=1.5), 0.5, [], reference())
    assert found[0].number == "flux_skew"
    assert "flux_skew of whole sector against training" in drift.warnings(found)[0]
    numbers = {one.number for one in found if one.excess > 1}
    assert numbers == {"flux_skew"}


def test_another_share_of_binaries_is_no_drift():
    stars = sector(2000, 3, eb_share=0.05)
    assert drift.warnings(drift.compare(stars, 0.05, [], reference())) == []
    assert drift.warnings(drift.compare(stars, 0.5, [], reference()))


def test_what_is_usual_among_recent_sectors_is_no_drift():
    shifts = (0.8, 1.6, 1.0, 1.4, 1.2)
    recent = [(sector(2000, 10 + k, shift), 0.5) for k, shift in enumerate(shifts)]
    stars = sector(2000, 4, shift=1.3)
    alone = drift.compare(stars, 0.5, [], reference())
    assert any(
        "flux_skew of whole sector against training" in text for text in drift.warnings(alone)
    )
    assert drift.warnings(drift.compare(stars, 0.5, recent, reference())) == []


def test_a_sector_unlike_all_recent_ones_is_found_without_training_stars():
    recent = [(sector(300, 10 + k), 0.5) for k in range(4)]
    found = drift.compare(sector(300, 5, shift=2), 0.5, recent, None)
    assert drift.warnings(found)
    assert {one.against for one in found} == {"recent"}


def test_order_of_recent_sectors_does_not_matter():
    recent = [(sector(200, 10 + k, 0.3 * k), 0.5) for k in range(4)]
    stars = sector(200, 6)
    one, other = (drift.compare(stars, 0.5, some, reference()) for some in (recent, recent[::-1]))
    for a, b in zip(one, other, strict=True):
        assert a.excess == pytest.approx(b.excess, abs=1e-12)


def test_a_few_stars_are_not_judged():
    stars = sector(100, 7)  # 25 a camera
    assert {one.scope for one in drift.compare(stars, 0.5, [], reference())} == {"sector"}
    assert drift.compare(sector(20, 7), 0.5, [], reference()) == []


def test_one_bad_camera_is_named():
    stars = sector(800, 8)
    skew = stars["flux_skew"].to_numpy() + np.where(stars["camera"].to_numpy() == 3, 4, 0)
    place = stars.column_names.index("flux_skew")
    found = drift.compare(
        stars.set_column(place, "flux_skew", pa.array(skew)), 0.5, [], reference()
    )
    cameras = {one.camera for one in found if one.excess > 1 and one.scope == "camera"}
    assert cameras == {3}


def test_values_that_are_not_known_are_left_out():
    stars = sector(200, 9)
    level = np.where(np.arange(200) < 5, np.nan, stars["flux_level"].to_numpy())
    place = stars.column_names.index("flux_level")
    stars = stars.set_column(place, "flux_level", pa.array(level))
    (whole,) = [
        one
        for one in drift.compare(stars, 0.5, [], reference())
        if (one.number, one.scope) == ("flux_level", "sector")
    ]
    assert whole.n_star == 195
    assert np.isfinite(whole.distance)


def test_the_table_holds_all_comparisons():
    found = drift.compare(sector(200, 1), 0.5, [], reference())
    table = drift.comparison_table(found).cast(drift.COMPARISONS)
    assert len(table) == len(found) > 0
    assert table["excess"].to_pylist() == sorted(table["excess"].to_pylist(), reverse=True)


@pytest.mark.parametrize("known", [True, False])
def test_a_figure_is_drawn_with_and_without_something_to_compare_with(known):
    stars, training = sector(200, 1), reference() if known else None
    curves = drift.distributions(stars, 0.5, [], training)
    figure = draw_drift("a title", curves, drift.compare(stars, 0.5, [], training))
    assert figure.startswith(b"\x89PNG")
