"""How right periods, errors, types and morphology are, on binaries whose truth is known.

``python -m tests.bench.ephemerides`` simulates some, prints tables and draws
`docs/images/periods.png`; ``--stars 800 --seed 5`` for others; ``--fit`` prints the weights of
`morphology.TYPE_WEIGHTS` for these stars instead. Real stars of `../shared/data` follow, where
there are any.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from calnet_ops.cli.output import console, show_rows
from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.candidates.morphology import TYPES
from calnet_ops.science.labels.catalogs import read_prsa
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.binaries import simulate_binaries
from tests.support.ephemerides import Compared, compare, coverage, seen_twice, share

MIX = ("EA", "EA", "EB", "EW")
"""As they are dealt: half of them EA."""

FIGURE = Path(__file__).parents[2] / "docs" / "images" / "periods.png"
SHARED = Path(__file__).parents[3] / "shared" / "data"

SETS = {
    "one sector": {"sectors": (27,), "longest": 11.0, "part": 1.0},
    "three sectors": {"sectors": (27, 28, 61), "longest": 11.0, "part": 0.25},
    "three sectors, EA of up to 60 d": {"sectors": (27, 28, 61), "longest": 60.0, "part": 0.2},
}
"""What is simulated: sectors, longest period [d] and share of the stars asked for."""
