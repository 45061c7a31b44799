"""Whose eclipses a candidate shows: its own, another candidate's, or a star's nobody listed.

The rule. For each candidate, and all that share its ephemeris, every one of them is in turn taken
to be the eclipsing star, and then some star that is in no list. Each of these hypotheses says where
the eclipsed source must lie in each light curve; the measured offsets, with their errors, tell how
well it says so (`_place_likelihood`). Members that lose less light than another are unlikely to be
the source (`_dip_factor`); other stars get the odds of `OTHER_ODDS`. The probability that a
candidate itself eclipses is the share of its own hypothesis.

References
----------
.. [1] Bryson et al. 2013, PASP 125, 889 (offsets from photocentres, against the other light in the
   aperture).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from calnet_ops.science.candidates.matches import PIXEL

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OTHER_ODDS = 0.1
"""A star in no list against the candidate itself, before anything is measured: one candidate in ten
is a blend (12% of Kepler's objects of interest were: Coughlin et al. 2014, AJ 147, 119)."""

TOO_FAINT_FACTOR = 0.2
"""The same odds are so much smaller if all the other light in the aperture (1 - CROWDSAP) is less
than what the eclipse takes away: no star of the input catalog can then be the source."""

OTHER_SPREAD = 1.0
"""Scatter, by axis, of apparent offsets of stars that are not the target [pixel]: what lies farther
out leaves the aperture."""

REACH = 3.0
"""An aperture cuts off a neighbour's light, so that it seems nearer than it is: at r pixels it
seems at r / (1 + (r / REACH)^2), as it does for Gaussian images of 0.95 pixel in apertures of 5 to
20 pixels (simulated pairs)."""

PLACE_SLACK = 0.3
"""One-sigma error of that, as a share of the distance."""

DIP_SCATTER = 0.2
"""Scatter of the logarithm of the light that one star is seen to lose in two light curves: depths
of 5 to 10% error, and apertures whose share of a star's light is known to 3 to 10%."""

WORST_DIP = 0.02
"""No ratio of lost light speaks louder: a depth may be wrong altogether."""

PULL = 0.8
"""Scatter, by axis, of where the other light in an aperture is centred [pixel], relative to the
target: stars 0.3 to 2 pixels away."""

PULL_FLOOR = 0.03
"""Error of the place of a lone target in its own light [pixel]."""

WORLD_ERR = 0.2
"""Error, by axis, of the place that the header's world coordinates give the target [pixel]: rms of
47 real files, stars that bleed left out; most of it is shared by the stars of a CCD."""

WORLD_ERR_TIED = 0.1
"""The same once the CCD's stars have been used to take their common error out."""

BRIGHTEST = 1e6
"""Flux [e-/s], magnitude 5.5, from which charge runs far along the columns."""

BLEED_ERR = 1.0
"""Error, by axis, of the place of so bright a star in its own light [pixel]: variation of the two
in real files (magnitudes 2.7 and 4.8) seems to come from 0.9 to 1.0 pixel away."""

MIN_TIE = 5
"""Stars of a CCD from which its common error is taken."""

TIE_CROWDSAP = 0.9
"""Least share of the light that is their own."""


@dataclass(frozen=True)
class Places:
    """Where the eclipsed source is, one element a light curve; pixels of the CCD, then the sky."""

    offset: Floats
    """(n, 2) Eclipsed source, from the target: east, north [arcsec]; NaN if unknown."""
    error: Floats
    """(n, 2) One sigma from scatter alone [arcsec]."""
    systematic: Floats
    """(n,) One sigma, by axis, of the place of the target itself [arcsec]."""


def place_sources(
    source: Floats,
    source_err: Floats,
    target: Floats,
    to_sky: Floats,
    crowdsap: Floats,
    flux: Floats,
    ccd: Integers,
) -> Places:
    """Offset of each eclipsed source from its target.

    Parameters
    ----------
    source, source_err : (n, 2)
        Eclipsed source, from the photocentre outside eclipse, and its error [pixel].
    target : (n, 2)
        Target, by the header's world coordinates, from the same photocentre [pixel]; NaN if
        unknown.
    to_sky : (n, 2, 2)
        East and north [arcsec] by column and row [pixel].
    crowdsap : (n,)
        Share of the light that is the target's own; NaN is taken for 1.
    flux : (n,)
        Of the target [e-/s].
    ccd : (n,)
        A number for each CCD of each sector.

    Notes
    -----
    The target is at the photocentre but for the pull of other light, and it is where the header
    says but for the error of that: the mean of both, weighted by their errors.
    """
    share = np.where(np.isfinite(crowdsap), crowdsap, 1.0)
    tied, world_err = _tie(target, share, ccd)
    pull = np.maximum(PULL * (1 - share), PULL_FLOOR)
    weight = np.where(np.isfinite(tied).all(axis=1), (pull / world_err) ** 2, 0.0)
    share_of_world = (weight / (1 + weight))[:, None]
    place = np.where(share_of_world > 0, share_of_world * tied, 0.0)
    systematic = np.where(flux > BRIGHTEST, BLEED_ERR, pull / np.sqrt(1 + weight))
    area = to_sky[:, 0, 0] * to_sky[:, 1, 1] - to_sky[:, 0, 1] * to_sky[:, 1, 0]
    scale = np.sqrt(np.abs(area))
    return Places(
        offset=np.einsum("nij,nj->ni", to_sky, source - place),
        error=np.sqrt(np.einsum("nij,nj->ni", to_sky**2, source_err**2)),
        systematic=systematic * scale,
    )


def _tie(target: Floats, share: Floats, ccd: Integers) -> tuple[Floats, Floats]:
    """Places by world coordinates without what the stars of a CCD have in common; their errors."""
    tied, error = target.copy(), np.full(len(target), WORLD_ERR)
    calm = np.isfinite(target).all(axis=1) & (share > TIE_CROWDSAP)
    for number in np.unique(ccd):
        here = ccd == number
        if (here & calm).sum() >= MIN_TIE:
            tied[here] -= np.median(target[here & calm], axis=0)
            error[here] = WORLD_ERR_TIED
    return tied, error


def join_sectors(places: Places, star: Integers, n_star: int) -> Places:
    """One place a star, of all its light curves: means weighted by their errors.

    The error of the target's own place does not average out: crowding is the same each time.
    """
    known = np.isfinite(places.offset).all(axis=1) & np.isfinite(places.error).all(axis=1)
    rows, offset, error = star[known], places.offset[known], places.error[known]
    systematic = places.systematic[known]

    def total(values: Floats) -> Floats:
        """(n_star, 2) Sums over a star's rows."""
        sums = [np.bincount(rows, axis, n_star) for axis in values.T]
        return np.stack(sums, axis=1).astype(np.float64)  # whole numbers if there is no row

    weight = 1 / (error**2 + systematic[:, None] ** 2)
    norm = total(weight)
    norm[norm == 0] = np.nan  # stars without a place
    return Places(
        offset=total(weight * offset) / norm,
        error=np.sqrt(total((weight * error) ** 2)) / norm,
        systematic=(total(weight * systematic[:, None]) / norm).mean(axis=1),
    )


def offset_length(places: Places) -> tuple[Floats, Floats, Floats]:
    """Distance of source and target, its error [arcsec], and its length in units of the error."""
    variance = places.error**2 + places.systematic[:, None] ** 2
    length = np.hypot(*places.offset.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = (places.offset / length[:, None]) ** 2
        along = np.where(length[:, None] > 0, along, 0.5)
        error = np.sqrt((along * variance).sum(axis=1))
    return length, error, np.sqrt((places.offset**2 / variance).sum(axis=1))


@dataclass(frozen=True)
class Verdicts:
    """One element a star."""

    on_target: Floats
    """(n_star,) Probability that the star itself eclipses."""
    source: Integers
    """(n_star,) Number of the most probable star; -1 for one that is in no list."""


def judge(
    places: Places,
    ra: Floats,
    dec: Floats,
    group: Integers,
    dip: Floats,
    lost: Floats,
    crowdsap: Floats,
) -> Verdicts:
    """Probability that each star itself eclipses.

    Parameters
    ----------
    places
        Of the eclipsed source, one a star.
    ra, dec : (n_star,)
        [deg]
    group : (n_star,)
        Number of the group of stars with the same eclipses.
    dip : (n_star,)
        Light lost in mid-eclipse, as if all the star's own light were in its aperture [e-/s].
    lost : (n_star,)
        Share of the aperture's light that is lost in mid-eclipse.
    crowdsap : (n_star,)
        Share of the aperture's light that is the star's own.
    """
    on_target, source = np.full(ra.size, np.nan), np.full(ra.size, -1, np.int64)
    odds = np.where(lost > 1 - crowdsap, TOO_FAINT_FACTOR, 1.0) * OTHER_ODDS
    for members in _by_size(group):
        apart = _separations(ra[members], dec[members])
        own = _place_likelihood(places, members, apart) + _dip_factor(dip[members])
        nobody = _nobody_likelihood(places, members) + np.log(odds[members].min(axis=1))
        every = np.concatenate([own, nobody[:, None]], axis=1)
        on_target[members] = np.exp(own - np.logaddexp.reduce(every, axis=1)[:, None])
        best = every.argmax(axis=1)
        named = np.concatenate([members, np.full((len(members), 1), -1)], axis=1)
        source[members] = np.take_along_axis(named, best[:, None], axis=1)
    return Verdicts(on_target, source)


def _by_size(group: Integers) -> Iterator[Integers]:
    """(n_group, n_member) Numbers of the stars of all groups of one size, size by size."""
    order = np.argsort(group, kind="stable")
    _, first, size = np.unique(group[order], return_index=True, return_counts=True)
    for n_member in np.unique(size):
        starts = first[size == n_member]
        yield order[starts[:, None] + np.arange(n_member)]


def _separations(ra: Floats, dec: Floats) -> Floats:
    """(n_group, n, n, 2) East and north of star j from star i [arcsec]; 0 where unknown."""
    east = (ra[:, None] - ra[:, :, None] + 180) % 360 - 180
    east *= np.cos(np.radians((dec[:, None] + dec[:, :, None]) / 2))
    return 3600 * np.nan_to_num(np.stack([east, dec[:, None] - dec[:, :, None]], axis=-1))


def _place_likelihood(places: Places, members: Integers, apart: Floats) -> Floats:
    """(n_group, n) Log-likelihood of all measured offsets if member j is the source."""
    distance = np.hypot(apart[..., 0], apart[..., 1])
    shrink = 1 / (1 + (distance / (REACH * PIXEL)) ** 2)
    expected = shrink[..., None] * apart
    slack = PLACE_SLACK * shrink * distance
    return _normal(places, members, expected, slack).sum(axis=1)


def _nobody_likelihood(places: Places, members: Integers) -> Floats:
    """(n_group,) Log-likelihood of all measured offsets if the source is in no list."""
    somewhere = np.zeros((*members.shape, 1, 2))
    spread = np.full((*members.shape, 1), OTHER_SPREAD * PIXEL)
    return _normal(places, members, somewhere, spread).sum(axis=(1, 2))


def _normal(places: Places, members: Integers, expected: Floats, slack: Floats) -> Floats:
    """(n_group, n_member, n_hypothesis) Log-density of each offset; 0 where none was measured."""
    offset = places.offset[members][:, :, None]
    variance = places.error[members][:, :, None] ** 2
    variance = variance + places.systematic[members][..., None, None] ** 2 + slack[..., None] ** 2
    density = -0.5 * ((offset - expected) ** 2 / variance + np.log(2 * np.pi * variance))
    return np.nan_to_num(density.sum(axis=-1), nan=0.0)


def _dip_factor(dip: Floats) -> Floats:
    """(n_group, n) Log of how likely it is that the others lose no more light than member j."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.log(dip)
        deeper = np.nan_to_num((size[:, None] - size[:, :, None]) / DIP_SCATTER, nan=0.0)
    factor = np.maximum(log_ndtr(deeper), np.log(WORST_DIP))
    oneself = np.arange(dip.shape[1])
    factor[:, oneself, oneself] = 0.0
    result: Floats = factor.sum(axis=1)
    return result


def smallest_members(tics: Sequence[int], group: Integers) -> list[int]:
    """Id of each star's group: the smallest TIC number in it, its own if it is alone."""
    numbers = np.asarray(tics, np.int64)
    smallest = np.full(numbers.size, np.iinfo(np.int64).max)
    np.minimum.at(smallest, group, numbers)
    return smallest[group].tolist()
