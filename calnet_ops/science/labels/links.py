"""Which stars may show each other's eclipses, or are one star under two numbers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from calnet_ops.science.candidates.matches import (
    Ephemerides,
    Floats,
    chord,
    find_matches,
    separations,
    unit_vectors,
)
from calnet_ops.science.labels.split import GUARD, NEIGHBOUR, Side

Reason = Literal["neighbour", "ephemeris", "same_star", "gaia", "copy", "blend"]

REASONS: Final[dict[Reason, str]] = {
    "neighbour": "three TESS pixels apart or less; distance [arcsec]",
    "ephemeris": "period and epoch agree; expected number of unrelated stars that would as well",
    "same_star": "a catalog says that both numbers are of one star",
    "gaia": "both have the same Gaia number",
    "copy": "one light curve under two numbers; correlation of the noise",
    "blend": "neighbours with the same variations; correlation",
}
"""What links two stars, and what is measured of it."""

PERIOD_ERR = 1e-4
"""Error of a period in a catalog, as a share of it. With this and `EPOCH_ERR`, 643 of the 679 stars
for which both Prsa et al. 2022 and Justesen & Albrecht 2021 have an ephemeris match themselves (577
at a third of both), and 0.4 pairs among the 4,577 stars of Prsa do if ephemerides are shuffled."""

EPOCH_ERR = 0.01
"""Error of an epoch in a catalog [d]: 90% of those 679 agree as well."""

EPHEMERIS_RADIUS = 3600.0
"""Ephemerides of stars farther apart [arcsec] are compared for equal numbers only: chance makes
periods and epochs agree somewhere on the sky as well as errors let them."""


class Star(NamedTuple):
    """What is known of a star that has a side."""

    tic: int
    side: Side
    ra: float
    dec: float
    """[deg]; NaN if unknown."""
    period_d: float
    epoch_btjd: float
    """[d]; NaN if unknown."""
    gaia: int = 0
    same_as: int = 0
    """0 if unknown."""


class Link(NamedTuple):
    """Two stars that must not be on different sides."""

    one: int
    other: int
    """TIC numbers, the smaller first."""
    reason: Reason
    measure: float
    """See `REASONS`; 0 where there is nothing to measure."""


def link(one: int, other: int, reason: Reason, measure: float = 0.0) -> Link:
    """Link of two stars in either order."""
    return Link(min(one, other), max(one, other), reason, float(measure))


def find_links(stars: Iterable[Star]) -> list[Link]:
    """Links that catalogs tell of: by place, ephemeris and name. Light curves: see `leaks`.

    Parameters
    ----------
    stars
        Each once; those in the guard band are passed over.

    Returns
    -------
    links
        Sorted.
    """
    used = sorted(star for star in stars if star.side != GUARD)
    found = [*_neighbours(used), *_ephemerides(used), *_equal_ephemerides(used), *_names(used)]
    return sorted(set(found))


def neighbours(ra: Floats, dec: Floats, radius: float) -> tuple[np.ndarray, Floats]:
    """Pairs of places up to `radius` [arcsec] apart, (n_pair, 2), and their distances [arcsec].

    Parameters
    ----------
    ra, dec
        (n,) [deg]; NaN is near nothing.
    """
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if not known.size:
        return np.empty((0, 2), np.int64), np.empty(0)
    tree = cKDTree(unit_vectors(ra[known], dec[known]))
    near = tree.query_pairs(chord(radius), output_type="ndarray").astype(np.int64)
    return known[near], separations(tree.data, near)


def _neighbours(stars: Sequence[Star]) -> list[Link]:
    pair, distance = neighbours(_column(stars, "ra"), _column(stars, "dec"), NEIGHBOUR)
    return [
        link(stars[one].tic, stars[other].tic, "neighbour", round(arcsec, 3))
        for (one, other), arcsec in zip(pair.tolist(), distance, strict=True)
    ]


def _ephemerides(stars: Sequence[Star]) -> list[Link]:
    """Same eclipses, as well as errors and chance let anybody tell."""
    period, unknown = _column(stars, "period_d"), np.full(len(stars), np.nan)
    matches = find_matches(
        Ephemerides(
            ra=_column(stars, "ra"),
            dec=_column(stars, "dec"),
            period=period,
            period_err=PERIOD_ERR * period,
            epoch=_column(stars, "epoch_btjd"),
            epoch_err=np.full(len(stars), EPOCH_ERR),
            duration=unknown,
            n_eclipse=unknown,
        ),
        EPHEMERIS_RADIUS,
    )
    return [
        link(stars[one].tic, stars[other].tic, "ephemeris", float(f"{chance:.2g}"))
        for (one, other), chance in zip(matches.pair.tolist(), matches.chance, strict=True)
    ]


def _equal_ephemerides(stars: Sequence[Star]) -> list[Link]:
    """The very same numbers, anywhere on the sky: one ephemeris was given to two stars."""
    by_numbers = defaultdict(list)
    for star in stars:
        if np.isfinite(star.period_d) and np.isfinite(star.epoch_btjd):
            by_numbers[star.period_d, star.epoch_btjd].append(star.tic)
    pairs = (pair for tics in by_numbers.values() for pair in pairwise(tics))
    return [link(one, other, "ephemeris") for one, other in pairs]


def _names(stars: Sequence[Star]) -> list[Link]:
    """Two numbers for one star. A duplicate's original need not be in the data set itself."""
    known = {star.tic for star in stars}
    found, by_gaia, by_original = [], defaultdict(list), defaultdict(list)
    for star in stars:
        if star.gaia:
            by_gaia[star.gaia].append(star.tic)
        if star.same_as:
            by_original[star.same_as].append(star.tic)
    for original, tics in by_original.items():
        same = sorted({*tics, *({original} & known)})
        found += [link(one, other, "same_star") for one, other in pairwise(same)]
    for tics in by_gaia.values():
        found += [link(one, other, "gaia") for one, other in pairwise(tics)]
    return found


def _column(stars: Sequence[Star], name: str) -> Floats:
    return np.array([getattr(star, name) for star in stars], np.float64)
