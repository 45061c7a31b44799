"""The nearest other star of the lists, for each candidate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from calnet_ops.science.candidates.matches import PIXEL, chord, unit_vectors

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEIGHBOUR_RADIUS = 3 * PIXEL
"""Distance [arcsec] within which a star's light can reach an aperture of a few pixels."""


@dataclass(frozen=True)
class Neighbours:
    """One element a star."""

    index: Integers
    """(n_star,) Number of the nearest other star; -1 if there is none."""
    distance: Floats
    """(n_star,) To it [arcsec]; NaN if there is none."""


def nearest_others(
    ra: Floats, dec: Floats, other_ra: Floats, other_dec: Floats, radius: float = NEIGHBOUR_RADIUS
) -> Neighbours:
    """Nearest other star within a distance of each.

    Parameters
    ----------
    ra, dec : (n_star,)
        [deg]
    other_ra, other_dec : (n_other,)
        [deg], the first n_star of them the stars themselves; NaN where unknown.
    radius
        [arcsec]
    """
    index, distance = np.full(ra.size, -1, np.int64), np.full(ra.size, np.nan)
    known = np.flatnonzero(np.isfinite(other_ra) & np.isfinite(other_dec))
    asked = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if known.size < 2 or not asked.size:  # noqa: PLR2004  # itself and another
        return Neighbours(index, distance)
    tree = cKDTree(unit_vectors(other_ra[known], other_dec[known]))
    answer = tree.query(
        unit_vectors(ra[asked], dec[asked]), k=2, distance_upper_bound=chord(radius)
    )
    gap, found = np.asarray(answer[0]), np.r_[known, -1][np.asarray(answer[1])]
    # a star at the very same place may come before the star itself
    pick = np.where(found[:, 0] == asked, 1, 0)
    rows = np.arange(asked.size)
    best, gap = found[rows, pick], gap[rows, pick]
    index[asked] = best
    angle = 3600 * np.degrees(2 * np.arcsin(np.minimum(gap, 1) / 2))
    distance[asked] = np.where(best >= 0, angle, np.nan)
    return Neighbours(index, distance)
