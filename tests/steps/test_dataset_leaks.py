"""Leaks planted in a data set: each is found, told, and takes nothing from the test side."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.labels.records import NO_DETAILS, Details, LabelRecord
from calnet_ops.science.labels.split import GUARD, side_of
from calnet_ops.steps.dataset import freeze_dataset
from calnet_ops.steps.dataset_rebuild import describe_dataset
from calnet_ops.steps.freeze import freeze_labels, load_labels
from tests.support.real_sky import SkyStar, spread, store_sector

N = 4000


def on_side(side, near=(40.0, -20.0), step=0.05):
    """First place on that side, going east."""
    ra, dec = near
    while side_of(0, ra, dec) != side:
        ra += step
    return ra, dec


def report_of(platform, stars, details=None):
    """Data set of these stars, every other one a binary, nothing sampled: its table and report."""
    known = details or {}
    records = [
        LabelRecord(
            star.tic,
            "EB" if number % 2 else "NOT_EB",
            "",
            "a list",
            "catalog",
            details=known.get(star.tic, NO_DETAILS),
        )
        for number, star in enumerate(stars)
    ]
    store_sector(platform, 61, stars)
    load_labels(records, platform)
    dataset = freeze_dataset(freeze_labels(platform)["key"], "v1", platform, 0)
    return dataset.table, describe_dataset(dataset.dataset_id, platform.store)


def sides_in(table):
    return dict(zip(table["tic"].to_pylist(), table["split"].to_pylist(), strict=True))


@pytest.fixture
def ordinary():
    return spread(40)


def waves(seed, noise):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(N) / 23.0) + rng.normal(0, noise, N)


def test_an_ordinary_sector_has_no_leak(platform, ordinary):
    table, report = report_of(platform, ordinary)
    assert report["leaks"] == []
    assert report["guard"]["linked"] == 0
    assert set(sides_in(table).values()) >= {"train", "validation", "test"}


def planted(kind):
    """A star on the test side, one on the training side, and what catalogs know of each."""
    test, train = on_side("test"), on_side("train")
    one, other = SkyStar(1, *test), SkyStar(2, *train)
    ephemeris = Details(period_d=2.5, epoch_btjd=1500.25)
    if kind == "copy":
        return replace(one, flux=waves(1, 0.3)), replace(other, flux=3 * waves(1, 0.3)), {}
    if kind == "ephemeris":
        return one, other, {1: ephemeris, 2: ephemeris}
    if kind == "gaia":
        return one, other, {1: Details(gaia=77), 2: Details(gaia=77)}
    return one, other, {2: Details(same_as=1)}


@pytest.mark.parametrize("kind", ["copy", "ephemeris", "gaia", "same_star"])
def test_a_leak_is_found_and_the_test_star_stays(platform, ordinary, kind):
    one, other, details = planted(kind)
    table, report = report_of(platform, [*ordinary, one, other], details)
    assert [(leak["tic_1"], leak["tic_2"], leak["reason"]) for leak in report["leaks"]] == [
        (1, 2, kind)
    ]
    assert (report["leaks"][0]["side_1"], report["leaks"][0]["set_aside"]) == ("test", [2])
    sides = sides_in(table)
    assert (sides[1], sides[2]) == ("test", GUARD)
    assert report["guard"]["linked"] == 1
    untouched = {star.tic: side_of(star.tic, star.ra, star.dec) for star in ordinary}
    assert {tic: sides[tic] for tic in untouched} == untouched


def test_a_binary_seen_in_the_apertures_on_both_sides_of_a_border_is_a_leak(platform, ordinary):
    """Farther apart than neighbours are, so that no place tells."""
    east = np.arange(40.0, 60.0, 5 / 3600)
    sides = np.array([side_of(0, ra, 0.2) for ra in east])
    # from the test side over the border to that of training: the band takes 63 arcsec
    edge = next(
        i
        for i in np.flatnonzero((sides[:-1] == "test") & (sides[1:] == GUARD))
        if "train" in set(sides[i : i + 16])
    )
    beyond = edge + int(np.argmax(sides[edge : edge + 16] == "train"))
    one = SkyStar(1, float(east[edge]), 0.2, waves(1, 0.05))
    other = SkyStar(2, float(east[beyond]), 0.2, waves(2, 0.05))
    assert 63 < (other.ra - one.ra) * 3600 < 100
    table, report = report_of(platform, [*ordinary, one, other])
    assert [leak["reason"] for leak in report["leaks"]] == ["blend"]
    assert sides_in(table)[2] == GUARD


def test_no_group_is_on_two_sides_while_labels_grow(platform, ordinary):
    """Three trainings, each with more labels: no star moves, and the test side loses nobody."""
    one, other, details = planted("ephemeris")
    stars = [*ordinary, one, other]
    store_sector(platform, 61, stars)
    before: dict[int, str] = {}
    for part in (14, 28, len(stars)):
        load_labels(
            [
                LabelRecord(
                    s.tic, "EB", "", "a list", "catalog", details=details.get(s.tic, NO_DETAILS)
                )
                for s in stars[:part]
            ],
            platform,
        )
        dataset = freeze_dataset(freeze_labels(platform)["key"], "v1", platform, 0)
        groups: dict[str, set[str]] = {}
        for row in dataset.table.to_pylist():
            groups.setdefault(row["group"], set()).add(row["split"])
        assert all(len(sides - {GUARD}) <= 1 for sides in groups.values())
        sides = sides_in(dataset.table)
        for tic, side in before.items():
            assert sides[tic] in {side, GUARD}
            assert sides[tic] == side or side != "test"
        before = sides
    assert len(before) == len(stars)
