"""Rows to rows, and the promise: simulated blends go to the right star."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calnet_ops.lineage import known
from calnet_ops.science.candidates.attribution import attribute, photocentre_row
from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.candidates.photocentre import UNKNOWN, Timing, measure_photocentre
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.centroids import read_centroids
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO
from calnet_ops.simulator.pairs import Pair
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import Kind
from calnet_ops.simulator.stars import own_tic
from tests.support.light_curves import eclipsing_binary

Row = dict[str, Any]

ALLOWS_SIGMA = 4.0
"""The signal allows an answer if the expected shift is so many times its error."""


def candidate(tic, sector=87, **changes):
    row = {
        "tic": tic, "sector": sector, "period": 1.5, "period_err": 1e-4,
        "epoch_bjd_tdb": 2458326.5, "depth_1": 0.2, "duration_1": 3.0, "n_eclipse": 15,
        "ra": 10.0, "dec": -60.0,
    }  # fmt: skip
    return row | changes


def photocentre(tic, sector=87, source=(0.0, 0.0), **changes):
    row = {
        "tic": tic, "sector": sector, "camera": 1, "ccd": 1, "lost": 0.1, "source_col": source[0],
        "source_row": source[1], "source_col_err": 0.01, "source_row_err": 0.01,
        "target_col": 0.0, "target_row": 0.0, "east_col": -21.0, "east_row": 0.0,
        "north_col": 0.0, "north_row": 21.0, "crowdsap": 0.95, "flux": 1e4,
    }  # fmt: skip
    return row | changes


def measure(body):
    """Rows of a candidate and of its photocentre, as the steps write them."""
    curve = spoc.read(body)
    found = characterise([curve])
    timing = Timing(found.period, found.epoch, found.duration_1, found.duration_2)
    place = measure_photocentre(curve, read_centroids(body), timing)
    row = {
        "tic": curve.tic, "sector": curve.sector, "period": found.period,
        "period_err": found.period_err, "epoch_bjd_tdb": found.epoch + BTJD_ZERO,
        "depth_1": found.depth_1, "duration_1": 24 * found.duration_1,
        "n_eclipse": found.n_eclipse, "ra": curve.ra, "dec": curve.dec,
    }  # fmt: skip
    return {name: known(value) for name, value in row.items()}, photocentre_row(curve, place)


def columns(rows: list[tuple[Row, Row]]) -> tuple[list[Row], list[Row]]:
    return [row for row, _ in rows], [row for _, row in rows]


def test_one_row_a_star_whatever_the_sectors():
    rows = attribute([candidate(2, 61), candidate(2, 62), candidate(1, 61)], [])
    assert [row["tic"] for row in rows] == [1, 2]


def test_no_candidates_no_rows():
    assert attribute([], []) == []


def test_the_best_known_period_speaks_for_a_star():
    poor = candidate(2, 61, period=0.9, period_err=0.1)
    rows = attribute([poor, candidate(2, 62), candidate(1, dec=-60 + 20 / 3600)], [])
    assert [row["group_id"] for row in rows] == [1, 1]
    assert [row["n_match"] for row in rows] == [1, 1]


def test_a_candidate_without_period_or_photocentre_has_a_row_too():
    (row,) = attribute([candidate(1, period=None, period_err=None, epoch_bjd_tdb=None)], [])
    assert row["group_id"] == 1
    assert row["n_match"] == 0
    assert row["p_on_target"] == pytest.approx(1 / 1.1)
    assert np.isnan(row["centroid_offset"])


def test_neighbours_are_candidates_or_targets():
    stars = [candidate(1), candidate(2, period=0.7, dec=-60 + 50 / 3600, depth_1=0.4)]
    measured = [photocentre(1), photocentre(2)]
    near = {"tic": 9, "ra": 10.0, "dec": -60 - 15 / 3600}
    alone = attribute(stars, measured)
    assert alone[0]["neighbour_tic"] == 2
    assert alone[0]["neighbour_distance"] == pytest.approx(50)
    assert alone[0]["neighbour_is_candidate"]
    assert alone[0]["neighbour_dip_ratio"] == pytest.approx(2.0)
    beside = attribute(stars, measured, [near, {"tic": 1, "ra": 10.0, "dec": -60.0}])
    assert beside[0]["neighbour_tic"] == 9
    assert not beside[0]["neighbour_is_candidate"]
    assert np.isnan(beside[0]["neighbour_dip_ratio"])


def test_order_of_rows_does_not_matter():
    stars = [candidate(1), candidate(2, dec=-60 + 18 / 3600), candidate(3, ra=50.0)]
    measured = [photocentre(1, source=(0.0, 0.8)), photocentre(2), photocentre(3)]
    assert str(attribute(stars, measured)) == str(attribute(stars[::-1], measured[::-1]))


def test_the_source_of_a_blend_is_named():
    stars = [candidate(1, depth_1=0.01), candidate(2, dec=-60 + 18 / 3600)]
    rows = attribute(stars, [photocentre(1, source=(0.0, 0.8)), photocentre(2)])
    assert [row["source_tic"] for row in rows] == [2, 2]
    assert rows[0]["centroid_offset"] == pytest.approx(0.8 * 21, rel=0.05)
    assert rows[0]["centroid_pa"] == pytest.approx(0.0, abs=0.1)


def test_a_row_tells_what_was_measured_and_nothing_else():
    row = photocentre_row(eclipsing_binary(), UNKNOWN)
    assert row["flux"] > 0
    assert row["n_shift_1"] == 0
    assert np.isnan([row["shift_1_sigma"], row["source_col"], row["lost"]]).all()


@pytest.mark.slow
def test_simulated_blends_go_to_the_right_star():
    """Nine in ten, where the stars are over half a pixel apart and the signal allows it."""
    rows: list[tuple[Row, Row]] = []
    right, seen = 0, 0
    pairs = [Pair(own_tic(30, 2 * i), own_tic(30, 2 * i + 1), kind) for i, kind in
             enumerate([Kind.EA, Kind.EB, Kind.EW] * 6)]  # fmt: skip
    apart = {}
    for pair in pairs:
        for tic, kind in ((pair.eclipsing, pair.kind), (pair.quiet, Kind.BLEND)):
            job = Job(Path(), 30, tic, kind, seed=17, compact=False, pair=pair)
            _, body, star, signal, _ = light_curve(job)
            rows.append(measure(body))
            apart[tic] = (star.column, star.row, np.hypot(*(signal.neighbour_offset or (0, 0))))
    found = {row["tic"]: row for row in attribute(*columns(rows))}
    error = {row["tic"]: np.hypot(row["source_col_err"], row["source_row_err"]) for _, row in rows}
    for pair in pairs:
        one, other = apart[pair.eclipsing], apart[pair.quiet]
        far = np.hypot(one[0] - other[0], one[1] - other[1]) > 0.5
        if far and other[2] > ALLOWS_SIGMA * error[pair.quiet] / np.sqrt(2):
            seen += 1
            on, off = (found[tic]["p_on_target"] for tic in (pair.eclipsing, pair.quiet))
            right += on > 0.5 > off
    assert seen >= 10
    assert right >= 0.9 * seen


@pytest.mark.slow
def test_simulated_binaries_are_on_target():
    """Fewer than one in twenty is sent away."""
    first = Job(Path(), 30, 0, Kind.EA, seed=23, compact=False)
    jobs = [
        replace(first, tic=own_tic(30, i), kind=kind)
        for i, kind in enumerate([Kind.EA, Kind.EB, Kind.EW, Kind.EA] * 8)
    ]
    rows = [measure(light_curve(job)[1]) for job in jobs]
    found = attribute(*columns(rows))
    assert sum(row["p_on_target"] < 0.5 for row in found) <= 1


@pytest.mark.parametrize("tic", [32150630, 117544915, 425064757, 219423316, 2234723, 38846515])
def test_real_binaries_and_planets_are_on_target(shared_data, tic):
    files = sorted((shared_data / "tess").rglob(f"*{tic:016d}*.fits"))
    (row,) = attribute(*columns([measure(file.read_bytes()) for file in files]))
    assert row["p_on_target"] > 0.9
    assert row["centroid_sigma"] < 3
