"""The stars of a simulated sector: where they are, how bright, and what TIC would say of them."""

from dataclasses import dataclass

import numpy as np

from calnet_ops.simulator.pointing import (
    FIELD_HALF,
    Pointing,
    ccd_and_pixel,
)

FIRST_TIC = 900_000_000_000
"""Real TIC numbers end far below (about 10^10 in TIC 8.2), so a simulated one is known by sight."""

TIC_PER_SECTOR = 1_000_000
"""Room for a sector's own stars: star `i` of sector 87 is ``FIRST_TIC + 87_000_000 + i``."""

TMAG_MEAN, TMAG_SPREAD, TMAG_RANGE = 10.3, 1.6, (6.5, 13.5)
"""Normal fit of the magnitudes of TESS eclipsing binaries (10.31, 2.03), somewhat narrowed: the
faintest 5 % would hold nothing to be seen."""

_LOG_TEFF = np.log10([3000, 3600, 4400, 5200, 5800, 6400, 7500, 10000, 16000])
_MASS = [0.15, 0.45, 0.7, 0.86, 1.0, 1.25, 1.6, 2.2, 4.2]
"""Main sequence: Pecaut & Mamajek 2013, ApJS 208, 9, table 5 (rounded)."""

_RADIUS = [0.18, 0.45, 0.68, 0.84, 1.0, 1.35, 1.7, 1.9, 2.7]


@dataclass(frozen=True, slots=True)
class Star:
    """A star as TIC lists it and as a camera sees it."""

    tic: int
    ra: float
    """ICRS, epoch J2000 [deg]."""
    dec: float
    pm_ra: float
    """Proper motion [mas/yr]."""
    pm_dec: float
    tmag: float
    teff: float
    logg: float
    metallicity: float | None
    """[M/H]; unknown for most, as in TIC."""
    mass: float
    """[solar masses]"""
    radius: float
    """[solar radii]"""
    camera: int
    ccd: int
    column: float
    """Place on the CCD [pixel]."""
    row: float
    crowdsap: float
    """Share of the aperture's light that is the star's own."""
    flfrcsap: float
    """Share of the star's light that falls into the aperture."""


def own_tic(sector: int, index: int) -> int:
    """TIC number of a sector's `index`-th star."""
    return FIRST_TIC + sector * TIC_PER_SECTOR + index


def home_sector(tic: int, otherwise: int) -> int:
    """Sector in whose field a simulated star was placed, so that it stays there."""
    sector = (tic - FIRST_TIC) // TIC_PER_SECTOR
    return sector if 1 <= sector <= 106 else otherwise  # noqa: PLR2004


def draw_star(
    rng: np.random.Generator, tic: int, pointing: Pointing, teff_range: tuple[float, float]
) -> Star:
    """Draw a star somewhere in the four fields.

    Parameters
    ----------
    rng
        Seeded by the star alone.
    tic
        Its number.
    pointing
        Of the sector it belongs to.
    teff_range
        Temperatures [K] that suit what it will do.
    """
    camera = int(rng.integers(1, 5))
    across, along = rng.uniform(-FIELD_HALF, FIELD_HALF, 2)
    ra, dec = pointing.sky(camera, across, along)
    ccd, column, row = ccd_and_pixel(camera, across, along)
    tmag = float(np.clip(rng.normal(TMAG_MEAN, TMAG_SPREAD), *TMAG_RANGE))
    teff = float(np.exp(rng.uniform(*np.log(teff_range))))
    mass = float(np.interp(np.log10(teff), _LOG_TEFF, _MASS))
    radius = main_sequence_radius(mass) * float(np.exp(rng.gamma(2.0, 0.08)))
    pm_ra, pm_dec = rng.standard_t(3, 2) * 15.0
    crowding = rng.beta(1.2, 18.0) * 2 ** max(0.0, (tmag - 10) / 1.5)
    aperture = 0.95 - 0.025 * max(0.0, tmag - 7) - 0.004 * max(0.0, tmag - 7) ** 2
    return Star(
        tic=tic,
        ra=ra,
        dec=dec,
        pm_ra=float(pm_ra),
        pm_dec=float(pm_dec),
        tmag=tmag,
        teff=teff,
        logg=4.438 + float(np.log10(mass / radius**2)),
        metallicity=float(rng.normal(-0.05, 0.2)) if rng.random() < 0.3 else None,  # noqa: PLR2004
        mass=mass,
        radius=radius,
        camera=camera,
        ccd=ccd,
        column=column + float(rng.uniform()),
        row=row + float(rng.uniform()),
        crowdsap=1.0 - float(min(crowding, 0.6)),
        flfrcsap=float(np.clip(rng.normal(aperture, 0.03), 0.5, 0.985)),
    )


def main_sequence_radius(mass: float) -> float:
    """Radius [solar radii] of an unevolved star [solar masses]."""
    return float(np.interp(mass, _MASS, _RADIUS))


def main_sequence_teff(mass: float) -> float:
    """Temperature [K] of an unevolved star [solar masses]."""
    return float(10 ** np.interp(mass, _MASS, _LOG_TEFF))
