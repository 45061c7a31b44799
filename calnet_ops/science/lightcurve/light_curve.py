"""The light curve of one star in one sector, whatever product it came from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

BTJD_ZERO = 2457000.0
"""BJD_TDB of BTJD 0 [d] (TESS Science Data Products Description Document, section 5)."""


@dataclass(frozen=True)
class LightCurve:
    """Arrays of native float64 and int64, one element a cadence, in the order of the file."""

    tic: int
    """TESS Input Catalog number; 0 when the file does not say."""
    sector: int
    """TESS sector; 0 when the file does not say."""
    cadence_s: float
    """Time from one cadence to the next [s]."""
    time: Floats
    """(n_cadence,) BTJD = BJD_TDB - 2457000 [d]; NaN where nothing was measured."""
    flux: Floats
    """(n_cadence,) PDCSAP flux [e-/s], or what the product offers in its place."""
    flux_err: Floats
    """(n_cadence,) One-sigma error of `flux`, same unit."""
    quality: Integers
    """(n_cadence,) Bit mask; 0 means nothing is known against the cadence."""
    cadence_no: Integers
    """(n_cadence,) Running number of the cadence."""
    background: Floats
    """(n_cadence,) Background flux in the aperture [e-/s]; NaN when not given."""
    centroid_col: Floats
    """(n_cadence,) Column of the photocentre (moments) [pixel]; NaN when not given."""
    centroid_row: Floats
    """(n_cadence,) Row of the photocentre (moments) [pixel]; NaN when not given."""
    camera: int
    """1 to 4; 0 when the file does not say."""
    ccd: int
    """1 to 4; 0 when the file does not say."""
    ra: float
    """Right ascension [deg, ICRS, epoch 2000]; NaN when missing."""
    dec: float
    """Declination [deg, ICRS, epoch 2000]; NaN when missing."""
    tmag: float
    """TESS magnitude; NaN when missing."""
    teff: float
    """Effective temperature [K]; NaN when missing."""
    crowdsap: float
    """Share of the flux in the aperture that is the target's own; NaN when missing."""
    cdpp_1h: float
    """Combined differential photometric precision over 1 h [ppm]; NaN when missing."""
    simulated: bool
    """Whether the star never was (header SIMDATA)."""
    time_unit: str = ""
    """Unit of `time` in the words of the file; empty when it does not say."""
    flux_unit: str = ""
    """Unit of `flux` in the words of the file; empty when it does not say."""

    @cached_property
    def good(self) -> Mask:
        """(n_cadence,) QUALITY 0, with a time and a flux.

        Notes
        -----
        QUALITY 0 alone is not enough: real sectors have up to 2,341 such cadences whose time
        and flux are both NaN (sectors 4, 8, 22, 35, 63, 64, 65, 69).
        """
        return (self.quality == 0) & np.isfinite(self.time) & np.isfinite(self.flux)
