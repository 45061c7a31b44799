"""How compactly features may be stored is decided by what a trained network makes of them."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.features import tables, v1
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.network.litert import Scorer
from calnet_ops.science.network.settings import DEMO
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import Kind

N_STAR = 120
N_EPOCH = 3
"""Enough for scores from 0.1 to 0.9 and weights that have grown: those of a fresh network flatter
low precision tenfold."""

WITHIN = 1e-4
"""Largest change of a score that storing may cause: a tenth of what a threshold is given to."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    """Features of simulated stars of all kinds, half of them binaries; and which are these."""
    folder, rows, is_eb = tmp_path_factory.mktemp("stars"), [], []
    binaries = [kind for kind in Kind if kind.is_eb]
    others = [kind for kind in Kind if not kind.is_eb]
    for number in range(N_STAR):
        kinds = binaries if number % 2 else others
        kind = kinds[number // 2 % len(kinds)]
        job = Job(folder, 61, 900_000_000_000 + number, kind, seed=5, compact=True)
        segments = v1.extract(spoc.read(light_curve(job)[1]))
        rows += [(number, 61, segment) for segment in segments]
        is_eb += [kind.is_eb] * len(segments)
    return tables.features_table(rows), np.array(is_eb)


@pytest.fixture(scope="module")
def scorer(keras, stars):
    """A network that has learned from the first two thirds of them."""
    from calnet_ops.science.network.export import to_litert
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.samples import Samples

    features, is_eb = stars
    samples = Samples(tables.matrix(features, "flux"), tables.matrix(features, "power"), is_eb)
    last = len(is_eb) * 2 // 3
    learned, unseen = samples.take(np.arange(last)), samples.take(np.arange(last, len(is_eb)))
    model, _ = train_fresh(learned, unseen, replace(DEMO, n_epoch=N_EPOCH))
    return Scorer(to_litert(model))


def test_scores_of_stored_features_are_those_of_exact_ones(scorer, stars, record_property):
    features, _ = stars
    flux, power = tables.matrix(features, "flux"), tables.matrix(features, "power")
    exact = scorer.score(flux, power)
    stored = tables.stored_table(features)
    sixteen = scorer.score(tables.matrix(stored, "flux"), tables.matrix(stored, "power"))
    half = scorer.score(*(one.astype(np.float16).astype(np.float32) for one in (flux, power)))
    change, change_of_half = np.abs(sixteen - exact).max(), np.abs(half - exact).max()
    record_property("largest change of a score, uint16", f"{change:.1e}")
    record_property("largest change of a score, float16", f"{change_of_half:.1e}")
    assert np.ptp(exact) > 0.5  # it has learned to tell them apart
    assert change <= WITHIN
    assert change < change_of_half
