"""From the shape of a folded curve to a number and a type."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.candidates.morphology import (
    MORPHOLOGY,
    WIDTH,
    chain_widths,
    type_features,
    type_probabilities,
)
from calnet_ops.science.lightcurve import spoc

PHASE = np.arange(200) / 200
CATALOG = "labels/hlsp_tess-ebs_tess_lcf-ffi_s0001-s0026_tess_v1.0_cat.csv"


def triangles(width):
    away = np.minimum(np.abs((PHASE + 0.5) % 1 - 0.5), np.abs((PHASE + 1) % 1 - 0.5))
    return 1 - 0.3 * np.clip(1 - away / (width / 2), 0, None)


def test_parabolas_of_a_sine_are_a_quarter_cycle_wide():
    curve = 1 - 0.2 * np.cos(4 * np.pi * PHASE)
    assert chain_widths(curve, 0.5, 0.11) == pytest.approx((0.25, 0.25), abs=2e-3)


def test_wider_eclipses_have_wider_parabolas_wherever_the_search_starts():
    widths = [chain_widths(triangles(width), 0.5, 0.11)[0] for width in (0.1, 0.15, 0.2, 0.3)]
    assert all(a < b for a, b in pairwise(widths))
    assert chain_widths(triangles(0.2), 0.5, 0.08)[0] == pytest.approx(widths[2], abs=3e-3)


def test_table_follows_the_catalog(shared_data: Path):
    with (shared_data / CATALOG).open() as file:
        rows = [row for row in csv.DictReader(file) if row["prim_width_pf"]]
    known = [row for row in rows if float(row["morph_coeff"]) > 0]
    seen = [[float(row[n]) for n in ("prim_width_pf", "sec_width_pf") if row[n]] for row in known]
    width = np.array([np.mean(both) for both in seen])
    value = np.array([float(row["morph_coeff"]) for row in known])
    left = value - np.interp(width, WIDTH, MORPHOLOGY)
    assert len(known) > 4000
    assert abs(np.median(left)) < 0.01
    assert 1.4826 * np.median(np.abs(left)) < 0.07


@pytest.mark.parametrize(
    ("tic", "value"), [(117544915, 0.51), (32150630, 0.35), (425064757, 0.45), (219423316, 0.85)]
)
def test_real_binary(tic, value, shared_data: Path):
    (file,) = (shared_data / "tess").glob(f"s*/*{tic:016d}*.fits")
    found = characterise([spoc.read(file.read_bytes())])
    assert found.morphology == pytest.approx(value, abs=0.1)


def test_probabilities_add_up_and_twins_are_no_contact_binaries():
    for value, roundness, ratio in ((0.3, 0.03, 0.99), (0.5, 0.08, 0.98), (0.8, 0.22, 0.95)):
        assert type_probabilities(type_features(value, roundness, ratio)).sum() == pytest.approx(1)
    assert type_probabilities(type_features(0.5, 0.08, 0.98))[0] > 0.8
    assert type_probabilities(type_features(0.8, 0.22, 0.95))[2] > 0.7
    assert type_probabilities(type_features(0.68, 0.2, 0.4))[1] > 0.7
