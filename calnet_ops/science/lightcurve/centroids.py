"""Where the light in an aperture is centred, and where the target should be: SPOC files only.

Apart from `LightCurve`, because features and ingest need none of it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calnet_ops.errors import WrongLayout
from calnet_ops.science.lightcurve.fits_curve import Rows, floats
from calnet_ops.science.lightcurve.hdus import Hdu, split_hdus, table_rows
from calnet_ops.science.lightcurve.light_curve import Floats

Axes = NDArray[np.float64]

ARCSEC = 3600.0
"""In a degree."""

MOTION = ("POS_CORR1", "POS_CORR2")
CENTROID = ("MOM_CENTR1", "MOM_CENTR2")
CENTROID_ERR = ("MOM_CENTR1_ERR", "MOM_CENTR2_ERR")
"""Columns for column and row of the CCD (EXP-TESS-ARC-ICD-0014, section 5)."""


@dataclass(frozen=True)
class Centroids:
    """Arrays of native float64, one row an axis (column, row), one column a cadence."""

    centroid: Floats
    """(2, n_cadence) Flux-weighted centroid in the aperture [pixel of the CCD]; NaN if unknown."""
    centroid_err: Floats
    """(2, n_cadence) Its one-sigma error as the file states it [pixel]."""
    motion: Floats
    """(2, n_cadence) How far the pointing carried the star, from its neighbours [pixel]."""
    target: Floats
    """(2,) Where the header's world coordinates put the target [pixel of the CCD]; else NaN."""
    to_sky: Axes
    """(2, 2) Arcsec to the east and to the north for a pixel of column and of row; else NaN."""


def read_centroids(body: bytes) -> Centroids:
    """Centroids in a SPOC light curve that `spoc.verify` believes.

    Raises
    ------
    QuarantinedFile
        If the file is no light curve with such columns.

    Notes
    -----
    0.3 ms for 20,000 cadences on one core. Without an APERTURE unit, or one whose world coordinates
    are not a tangent plane, `target` and `to_sky` are NaN.
    """
    hdus = split_hdus("light curve", body)
    if len(hdus) < 2:  # noqa: PLR2004  # the first has no table
        raise WrongLayout("light curve", found="one HDU", expected="a table of centroids")
    rows = table_rows(hdus[1], body)
    missing = {*MOTION, *CENTROID, *CENTROID_ERR}.difference(rows.dtype.names or ())
    if missing:
        expected = ", ".join((*CENTROID, *MOTION))
        raise WrongLayout("light curve", found=f"no {min(missing)}", expected=expected)
    target, to_sky = world_of(hdus[2]) if len(hdus) > 2 else _NOWHERE  # noqa: PLR2004
    return Centroids(
        centroid=_stack(rows, CENTROID),
        centroid_err=_stack(rows, CENTROID_ERR),
        motion=_stack(rows, MOTION),
        target=target,
        to_sky=to_sky,
    )


def world_of(aperture: Hdu) -> tuple[Floats, Axes]:
    """Pixel of the reference point, which SPOC puts on the target, and the axes on the sky.

    Parameters
    ----------
    aperture
        Header with a tangent plane (CRPIX, CRVAL, CDELT, PC) and the pixel of the CCD that is the
        first of the stamp (CRVAL1P, CRVAL2P).

    Returns
    -------
    target : (2,)
        Column and row [pixel of the CCD].
    to_sky : (2, 2)
        East and north [arcsec] by column and row [pixel].

    References
    ----------
    .. [1] Greisen & Calabretta 2002, A&A 395, 1061, eq. 1 (x = CDELT * PC * (p - CRPIX)).
    """
    target = [aperture.number(f"CRPIX{k}") - 1 + aperture.number(f"CRVAL{k}P") for k in (1, 2)]
    scale = np.array([aperture.number(f"CDELT{k}") for k in (1, 2)])
    turn = np.array([[aperture.number(f"PC{i}_{k}") for k in (1, 2)] for i in (1, 2)])
    to_sky = ARCSEC * scale[:, None] * turn
    if not aperture.text("CTYPE1").startswith("RA---TAN") or not np.isfinite(to_sky).all():
        return _NOWHERE
    return np.array(target), to_sky


def position_angle(east: float, north: float) -> float:
    """Direction on the sky, from north through east [deg], in [0, 360).

    Examples
    --------
    >>> position_angle(1.0, 0.0)
    90.0
    """
    return math.degrees(math.atan2(east, north)) % 360.0


_NOWHERE = (np.full(2, np.nan), np.full((2, 2), np.nan))


def _stack(rows: Rows, columns: tuple[str, str]) -> Floats:
    return np.stack([floats(rows, column) for column in columns])
