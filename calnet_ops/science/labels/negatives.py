"""Stars to learn from as "not a binary", sampled among those of a sector that nobody labelled."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from calnet_ops.science.candidates.matches import Floats, chord, unit_vectors
from calnet_ops.science.labels.split import NEIGHBOUR

SALT = "calnet negatives 1"
"""Stirred into the hash that puts stars in order."""

NEGATIVES_PER_EB = 1.0
"""Stars that are no binaries for each binary of a sector. Labelled ones come first; those that lack
are sampled. Half and half, as in the sets that the recipes were tried on."""

N_MAGNITUDE = 5
"""Classes of Tess magnitude, each with the same number of the sector's stars."""

VARIABILITY = (0.5, 0.75, 0.9)
"""Quantiles that part the classes of variability in each of magnitude. All classes give as many
stars, so that a fourth of the negatives come from the tenth that varies most: what is hard to tell
from a binary is among them."""


class Population(NamedTuple):
    """All stars of a sector with features, one element a star."""

    tic: Sequence[int]
    tmag: Floats
    variability: Floats
    """Any number that grows with the variability of a light curve against its noise."""


def sample_negatives(population: Population, eligible: Collection[int], n: int) -> list[int]:
    """Stars by turns from each class of magnitude and variability.

    Parameters
    ----------
    population
        Whole sector: classes follow from it, and not from who is eligible.
    eligible
        TIC numbers that may be taken.
    n
        How many.

    Returns
    -------
    tics
        At most n. A longer sample begins with the shorter one, and a star that is no longer
        eligible is replaced by the next of its class: new labels do not shuffle the rest.
    """
    by_class: dict[tuple[int, int], list[int]] = defaultdict(list)
    for tic, stratum in zip(population.tic, strata(population), strict=True):
        if tic in eligible:
            by_class[stratum].append(tic)
    for tics in by_class.values():
        tics.sort(key=_share)
    turns = [
        (turn, _share(tic), tic)
        for tics in by_class.values()
        for turn, tic in enumerate(tics)
    ]  # fmt: skip
    return [tic for _, _, tic in sorted(turns)[: max(n, 0)]]


def strata(population: Population) -> list[tuple[int, int]]:
    """Class of magnitude and of variability of each star; what is NaN is in the first one."""
    magnitude = _classes(population.tmag, np.linspace(0, 1, N_MAGNITUDE + 1)[1:-1])
    variability = np.zeros(len(magnitude), np.int64)
    for number in range(N_MAGNITUDE):
        chosen = magnitude == number
        variability[chosen] = _classes(population.variability[chosen], np.array(VARIABILITY))
    return list(zip(magnitude.tolist(), variability.tolist(), strict=True))


def near_any(ra: Floats, dec: Floats, others_ra: Floats, others_dec: Floats) -> np.ndarray:
    """Which places (n,) [deg] have one of the others near: they may show its eclipses."""
    from scipy.spatial import cKDTree

    if not others_ra.size or not ra.size:
        return np.zeros(ra.size, bool)
    tree = cKDTree(unit_vectors(others_ra, others_dec))
    distance, _ = tree.query(unit_vectors(ra, dec), distance_upper_bound=chord(NEIGHBOUR))
    return np.isfinite(distance)


def _classes(values: Floats, quantiles: Floats) -> np.ndarray:
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(len(values), np.int64)
    edges = np.quantile(known, quantiles)
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), 0)


def _share(tic: int) -> bytes:
    return hashlib.sha256(f"{SALT}\n{tic}".encode()).digest()
