"""Which candidates show the same eclipses: neighbours on the sky with one ephemeris.

Two light curves hold the same eclipses if their periods are as small integers p : q and their
epochs agree modulo the period that both share. How much that says depends on how well both are
known and on how many candidates lie so near: a pair is linked when chance would make it rarely.

References
----------
.. [1] Coughlin et al. 2014, AJ 147, 119 (matching by period and epoch against what chance gives).
.. [2] Prsa et al. 2022, ApJS 258, 16 (periods of 4,584 eclipsing binaries).
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PIXEL = 21.0
"""Of TESS [arcsec] (TESS Instrument Handbook, section 2.2)."""

MATCH_RADIUS = 10 * PIXEL
"""Candidates farther apart [arcsec] are not compared: an aperture of TESS reaches 1 to 3 pixels, 6
for the brightest stars, and a star's wings some pixels more."""

LARGEST_RATIO = 4
"""Periods are compared at p : q with p and q up to this: an eclipse taken for half a period or a
third of it, in one light curve or in both."""

RATIOS = tuple(
    (p, q) for p, q in product(range(1, LARGEST_RATIO + 1), repeat=2) if math.gcd(p, q) == 1
)
"""The eleven fractions in lowest terms."""

AGREE_SIGMA = 4.0
"""Differences of period and epoch up to this many sigma are none."""

PERIOD_DENSITY = 0.32
"""Most binaries in one e-fold of period, as a share of all: near 4 d in [2]_."""

MAX_CHANCE = 1e-3
"""Expected number of unrelated candidates that lie so near with an ephemeris that agrees so well;
above it a pair is not linked."""

CROWD_RADIUS = 3600.0
"""Candidates are counted within this [arcsec] to know how dense they lie here."""

EPOCH_FLOOR = 0.05
"""Error of an epoch that no light curve is below, as a share of the eclipse's duration: two stars'
noise moves the minimum of the same eclipse by 0.02 to 0.05 durations in simulated pairs."""


@dataclass(frozen=True)
class Ephemerides:
    """One element a star."""

    ra: Floats
    dec: Floats
    """(n_star,) [deg]; NaN if unknown, then nothing matches."""
    period: Floats
    period_err: Floats
    """(n_star,) [d]; NaN without a period."""
    epoch: Floats
    """(n_star,) Middle of an eclipse [d, one zero for all]."""
    epoch_err: Floats
    """(n_star,) [d]; NaN where it is to be estimated."""
    duration: Floats
    """(n_star,) Of the primary eclipse [d]."""
    n_eclipse: Floats
    """(n_star,) Primary eclipses seen."""


@dataclass(frozen=True)
class Matches:
    """Pairs of stars with the same eclipses, and the groups they make."""

    pair: Integers
    """(n_pair, 2) Numbers of the stars, the smaller first."""
    ratio: Integers
    """(n_pair, 2) p and q: how their periods compare."""
    chance: Floats
    """(n_pair,) Expected number of unrelated stars that would match as well."""
    group: Integers
    """(n_star,) Number of the first star of the group; a star's own if it is alone."""


def find_matches(stars: Ephemerides, radius: float = MATCH_RADIUS) -> Matches:
    """Link neighbours with the same eclipses.

    Parameters
    ----------
    stars
        Each star once.
    radius
        Largest distance [arcsec].

    Notes
    -----
    Neighbours come from a k-d tree of unit vectors, so 20,000 stars take well under a second.
    The chance of a pair is the number of candidates expected within its distance, times the shares
    of periods and of epochs that would have agreed, times the eleven ratios tried. An epoch that
    the error of the period has washed out by the other's time agrees always, and says nothing.
    """
    stars = _with_errors(stars)
    usable = np.flatnonzero(
        np.isfinite([stars.ra, stars.dec, stars.period, stars.epoch, stars.epoch_err]).all(axis=0)
        & (stars.period > 0)
    )
    pair, ratio = np.empty((0, 2), np.int64), np.empty((0, 2), np.int64)
    chance = np.empty(0)
    if usable.size:
        tree = cKDTree(unit_vectors(stars.ra[usable], stars.dec[usable]))
        near = tree.query_pairs(chord(radius), output_type="ndarray").astype(np.int64)
        near = near[np.lexsort((near[:, 1], near[:, 0]))]
        crowd = np.asarray(
            tree.query_ball_point(tree.data, chord(CROWD_RADIUS), return_length=True)
        )
        distance = np.maximum(separations(tree.data, near), PIXEL)
        expected = crowd[near].max(axis=1) * (distance / CROWD_RADIUS) ** 2
        best, ratio = _compare(stars, usable[near])
        chance = expected * best
        linked = chance < MAX_CHANCE
        pair, ratio, chance = usable[near[linked]], ratio[linked], chance[linked]
    return Matches(pair, ratio, chance, _groups(pair, stars.ra.size))


def unit_vectors(ra: Floats, dec: Floats) -> Floats:
    """(n, 3) Directions of places on the sky [deg]."""
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack(
        [np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=1
    )


def chord(arcsec: float) -> float:
    """Straight distance of two unit vectors at an angle [arcsec]."""
    return 2 * math.sin(math.radians(arcsec / 3600) / 2)


def separations(vectors: Floats, pair: Integers) -> Floats:
    """(n_pair,) Angles [arcsec] between unit vectors."""
    gap = np.linalg.norm(vectors[pair[:, 0]] - vectors[pair[:, 1]], axis=1)
    result: Floats = 3600 * np.degrees(2 * np.arcsin(np.minimum(gap / 2, 1.0)))
    return result


def _with_errors(stars: Ephemerides) -> Ephemerides:
    """Fill in errors of epochs, and keep all errors above what eclipses can be timed to.

    A straight line through n eclipses, times known to s each, has a period good to
    s sqrt(12 / n^3) and an epoch in the middle good to s / sqrt(n): n / sqrt(12) times as much.
    """
    n_eclipse = np.maximum(np.nan_to_num(stars.n_eclipse, nan=2.0), 2.0)
    floor = EPOCH_FLOOR * np.nan_to_num(stars.duration, nan=0.0)
    estimate = stars.period_err * n_eclipse / math.sqrt(12)
    epoch_err = np.where(np.isfinite(stars.epoch_err), stars.epoch_err, estimate)
    return Ephemerides(
        stars.ra,
        stars.dec,
        stars.period,
        np.maximum(stars.period_err, floor / n_eclipse),
        stars.epoch,
        np.maximum(epoch_err, floor),
        stars.duration,
        stars.n_eclipse,
    )


def _compare(stars: Ephemerides, pair: Integers) -> tuple[Floats, Integers]:
    """Chance that periods and epochs agree so well, infinite where they do not; p and q."""
    chance = np.full(len(pair), np.inf)
    ratio = np.ones((len(pair), 2), np.int64)
    one, other = pair[:, 0], pair[:, 1]
    for p, q in RATIOS:
        unit_1, unit_2 = stars.period[one] / p, stars.period[other] / q
        unit = (unit_1 + unit_2) / 2
        unit_err = np.hypot(stars.period_err[one] / p, stars.period_err[other] / q)
        # the first or the second eclipse may be called the primary: half a period is no difference
        shared = unit / 2 if p == q else unit
        apart = stars.epoch[one] - stars.epoch[other]
        late = np.abs(apart - np.rint(apart / shared) * shared)
        cycles = np.abs(apart) / unit
        late_err = np.sqrt(
            stars.epoch_err[one] ** 2 + stars.epoch_err[other] ** 2
            + (cycles * np.minimum(stars.period_err[one] / p, stars.period_err[other] / q)) ** 2
        )  # fmt: skip
        agree = np.abs(unit_1 - unit_2) < AGREE_SIGMA * unit_err
        agree &= late < AGREE_SIGMA * late_err
        by_period = np.minimum(2 * AGREE_SIGMA * unit_err / unit * PERIOD_DENSITY, 1.0)
        by_epoch = np.minimum(2 * AGREE_SIGMA * late_err / shared, 1.0)
        found = np.where(agree, len(RATIOS) * by_period * by_epoch, np.inf)
        better = found < chance
        chance[better], ratio[better] = found[better], (p, q)
    return chance, ratio


def _groups(pair: Integers, n_star: int) -> Integers:
    links = coo_array((np.ones(len(pair)), (pair[:, 0], pair[:, 1])), shape=(n_star, n_star))
    _, label = connected_components(links, directed=False)
    first = np.full(n_star, n_star, np.int64)
    np.minimum.at(first, label, np.arange(n_star))
    return first[label]
