"""From what a star does to the twenty columns of its light curve."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator import timeline as t
from calnet_ops.simulator.camera import CameraSeason, slow_wander
from calnet_ops.simulator.signals import Signal
from calnet_ops.simulator.stars import Star

Floats = npt.NDArray[np.float64]

ROW = np.dtype(
    [
        ("TIME", ">f8"),
        ("TIMECORR", ">f4"),
        ("CADENCENO", ">i4"),
        ("SAP_FLUX", ">f4"),
        ("SAP_FLUX_ERR", ">f4"),
        ("SAP_BKG", ">f4"),
        ("SAP_BKG_ERR", ">f4"),
        ("PDCSAP_FLUX", ">f4"),
        ("PDCSAP_FLUX_ERR", ">f4"),
        ("QUALITY", ">i4"),
        ("PSF_CENTR1", ">f8"),
        ("PSF_CENTR1_ERR", ">f4"),
        ("PSF_CENTR2", ">f8"),
        ("PSF_CENTR2_ERR", ">f4"),
        ("MOM_CENTR1", ">f8"),
        ("MOM_CENTR1_ERR", ">f4"),
        ("MOM_CENTR2", ">f8"),
        ("MOM_CENTR2_ERR", ">f4"),
        ("POS_CORR1", ">f4"),
        ("POS_CORR2", ">f4"),
    ]
)
"""One cadence as it stands in the file: 100 bytes, big-endian."""

ZERO_POINT = 20.52
"""Magnitude of one electron a second; 20.51-20.54 for isolated stars in real files."""

NOISE_TMAG = np.arange(2.0, 17.0)
NOISE_PPM = np.array(
    [27, 42, 67, 106, 168, 266, 424, 676, 1090, 1800, 3124, 5892, 12311, 28051, 67371], dtype=float
)
"""Scatter of a two-minute cadence by magnitude: Sullivan et al. 2015, ApJ 809, 77 (form of their
section 6.4: star, sky, read noise), continued by photon noise below 5."""

FLOOR_PPM_HOUR = 60.0
"""Systematic floor in one hour (TESS mission requirement)."""

RED_PPM, RED_WIDTH = 45.0, 0.7
"""Median of the correlated noise that PDC leaves (60 ppm in an hour is the mission's floor), and
the scatter of its logarithm: a few stars in a hundred keep 200 ppm and more, as real ones do."""

RED_TIME = (0.1, 1.0)
"""Range of its correlation time [d]."""

SKY_PER_PIXEL = (90.0, 230.0)
"""Background without scattered light [e-/s]."""

SCATTERED_PEAK = (5.0, 60.0)
"""Peak of scattered light over that background."""

NEIGHBOUR_DISTANCE = (0.2, 3.0)
"""How far the eclipsing neighbour of a blend lies [pixel]."""

OTHERS_DISTANCE = (0.3, 1.5)
"""How far all other light in an aperture is centred from the star [pixel]."""

CENTROID_FLOOR = 0.0003
"""Scatter of centroids that no bright star is below [pixel]; 0.0003 to 0.0005 in real files of
stars of magnitude 5 to 8, whose stated errors are 0.0001 to 0.0003."""

WORLD_ERR, PLACE_ERR = 0.15, 0.06
"""Error of the world coordinates, by axis [pixel]: what the stars of a CCD share, and what they do
not. In 49 real files all stars of sectors 42 and 73 are displaced by about 0.2, and scatter by 0.03
to 0.08 around that."""

BLANK_SAP = t.Q_ARGABRIGHTENING | t.Q_DESATURATION | t.Q_BAD_CALIBRATION
"""Flags under which SPOC gives no flux at all; TIME is kept."""


@dataclass(frozen=True)
class Observation:
    """A light curve and what its headers say of it."""

    table: npt.NDArray[np.void]
    """(n_cadence,) of `ROW`."""
    n_pixel: int
    """In the optimal aperture."""
    white: float
    """Scatter of one cadence, relative."""
    red: float
    """Correlated noise in an hour, relative."""
    variability: float
    """Scatter of the flux over its noise (PDCVAR)."""


APERTURE_PIXELS = ((5, 7, 8.5, 10, 12, 13.5, 15), (38, 26, 20, 14, 8, 5, 4))
"""Magnitudes and pixels in the optimal aperture (NPIXSAP of 49 real files)."""


def white_noise(tmag: float, crowdsap: float = 1.0) -> float:
    """Scatter of a two-minute cadence, relative to the star's own light."""
    photon = 1e-6 * 10 ** np.interp(tmag, NOISE_TMAG, np.log10(NOISE_PPM))
    return float(photon / np.sqrt(crowdsap))


def cdpp(white: float, red: float, hours: float) -> float:
    """Estimate the combined differential photometric precision over so many hours [ppm]."""
    floor = FLOOR_PPM_HOUR * 1e-6 / np.sqrt(hours)
    return float(1e6 * np.sqrt(white**2 / (30 * hours) + floor**2 + red**2) * 1.08)


def n_aperture_pixel(tmag: float) -> int:
    """Pixels in the optimal aperture."""
    return round(float(np.interp(tmag, *APERTURE_PIXELS)))


def observe(
    rng: np.random.Generator,
    star: Star,
    signal: Signal,
    timeline: t.Timeline,
    camera: CameraSeason,
    time: tuple[Floats, Floats],
) -> Observation:
    """Put a star through telescope and pipeline.

    Parameters
    ----------
    rng
        Seeded by star and sector.
    star, signal
        Who it is and what it does.
    timeline, camera
        What it shares with the others.
    time
        Barycentric time [BTJD] and its correction [d], each (n_cadence,).
    """
    n = timeline.n_cadence
    n_pixel = n_aperture_pixel(star.tmag)
    white = white_noise(star.tmag, star.crowdsap)
    red = 1e-6 * RED_PPM * float(np.exp(RED_WIDTH * rng.normal()))
    sky = n_pixel * rng.uniform(*SKY_PER_PIXEL)
    background = sky * (1 + camera.scattered * rng.uniform(*SCATTERED_PEAK))
    flux_0 = 10 ** (0.4 * (ZERO_POINT - star.tmag))
    flux = signal.flux * (1 + red * _red_noise(rng, timeline))
    flux += 5e-5 * rng.normal() * slow_wander(rng, timeline)
    if signal.ramp:
        flux += _ramps(rng, timeline)
    sky_noise = np.sqrt(background / sky)
    noise = white * np.sqrt(np.maximum(signal.flux, 0.05)) * (0.85 + 0.15 * sky_noise)
    noisy = flux + noise * rng.standard_normal(n)
    quality, outlier = _quality(rng, timeline, camera)
    noisy[outlier] += rng.choice([-1, 1], outlier.sum()) * noise[outlier] * 8

    table = np.zeros(n, dtype=ROW)
    table["TIME"], table["TIMECORR"] = time
    table["CADENCENO"], table["QUALITY"] = timeline.cadence_no, quality
    table["PDCSAP_FLUX"] = flux_0 * noisy
    table["PDCSAP_FLUX_ERR"] = flux_0 * white * (0.85 + 0.15 * sky_noise)
    trend = 1 + 0.002 * rng.normal(1, 0.4) * camera.drift
    own, others = flux_0 * star.flfrcsap, (1 - star.crowdsap) / star.crowdsap
    table["SAP_FLUX"] = own * (noisy + others) * trend
    table["SAP_FLUX_ERR"] = table["PDCSAP_FLUX_ERR"] * star.flfrcsap
    sky_err = np.sqrt(0.012 * background)
    table["SAP_BKG"] = background + sky_err * rng.standard_normal(n)
    table["SAP_BKG_ERR"] = sky_err
    _centroids(rng, table, star, signal, camera, white)
    _blank(table, timeline.gap)
    return Observation(table, n_pixel, white, red, float(np.std(noisy) / white))


def _centroids(
    rng: np.random.Generator,
    table: npt.NDArray[np.void],
    star: Star,
    signal: Signal,
    camera: CameraSeason,
    white: float,
) -> None:
    """Fill the columns of centroids and image motion."""
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*NEIGHBOUR_DISTANCE)
    away = (distance * np.cos(angle), distance * np.sin(angle))
    neighbour = signal.neighbour_offset or (float(away[0]), float(away[1]))
    centre = photocentre(rng.spawn(1)[0], star, signal, neighbour)
    motion = (camera.column_shift, camera.row_shift)
    place = (star.column, star.row)
    for k in range(2):
        shift = motion[k] * rng.normal(1.0, 0.1)
        err = 0.78 * white * rng.uniform(0.9, 1.1)
        scatter = np.hypot(err, CENTROID_FLOOR) * rng.standard_normal(len(shift))
        table[f"MOM_CENTR{k + 1}"] = place[k] + centre[k] + shift * 0.9 + scatter
        table[f"MOM_CENTR{k + 1}_ERR"] = err
        table[f"POS_CORR{k + 1}"] = shift
        table[f"PSF_CENTR{k + 1}"] = np.nan  # SPOC does not fit them for these targets
        table[f"PSF_CENTR{k + 1}_ERR"] = np.nan


def photocentre(
    rng: np.random.Generator, star: Star, signal: Signal, neighbour: tuple[float, float]
) -> Floats:
    """Where the light in the aperture is centred, from the star's place by world coordinates.

    Parameters
    ----------
    rng
        Draws where other light lies; of its own, so that it changes no other number.
    star, signal
        Who it is, how much light is its own, and what varies.
    neighbour
        Centre of the neighbour's light in the aperture, from the star's [pixel].

    Returns
    -------
    centre : (2, n_cadence)
        Column and row [pixel]: the mean of all places, weighted by the light left at each.
    """
    common = np.random.default_rng([star.camera, star.ccd]).normal(0.0, WORLD_ERR, 2)
    own_place = common + rng.normal(0.0, PLACE_ERR, 2)
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*OTHERS_DISTANCE)
    others_place = distance * np.array([np.cos(angle), np.sin(angle)])
    others = (1 - star.crowdsap) / star.crowdsap
    rest = max(others - signal.neighbour_light, 0.0)
    nothing = np.zeros(len(signal.flux))
    own = 1 + nothing if signal.neighbour is not None else signal.flux
    next_door = signal.neighbour_light - (nothing if signal.neighbour is None else signal.neighbour)
    pull = rest * others_place[:, None] + np.outer(neighbour, next_door)
    result: Floats = own_place[:, None] + pull / (own + rest + next_door)
    return result


def _blank(table: npt.NDArray[np.void], gap: npt.NDArray[np.bool_]) -> None:
    """Leave no number where SPOC leaves none."""
    quality = table["QUALITY"]
    no_flux = gap | ((quality & BLANK_SAP) > 0)
    no_pdc = gap | ((quality & ~t.Q_IMPULSIVE_OUTLIER) != 0)
    table["TIME"][gap] = np.nan
    for column in ("SAP_FLUX", "SAP_BKG", "MOM_CENTR1", "MOM_CENTR2"):
        table[column][no_flux] = np.nan
        table[f"{column}_ERR"][no_flux] = np.nan
    for column in ("PDCSAP_FLUX", "PDCSAP_FLUX_ERR"):
        table[column][no_pdc] = np.nan
    for column in ("POS_CORR1", "POS_CORR2"):
        table[column][no_flux] = np.nan


def _quality(
    rng: np.random.Generator, timeline: t.Timeline, camera: CameraSeason
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """QUALITY of this star, and which of its cadences are impulsive outliers."""
    n, quality = timeline.n_cadence, timeline.quality.copy()
    live = ~timeline.gap
    quality[live & camera.flagged] |= t.Q_SCATTERED_LIGHT
    quality[live & camera.few_targets & (quality == 0)] |= t.Q_INSUFFICIENT_TARGETS
    excluded = rng.integers(0, n, rng.poisson(0.004 * n))
    quality[excluded[live[excluded]]] |= t.Q_MANUAL_EXCLUDE
    outlier = np.zeros(n, dtype=bool)
    outlier[rng.integers(0, n, rng.poisson(0.0005 * n))] = True
    outlier &= live & (quality == 0)
    quality[outlier] |= t.Q_IMPULSIVE_OUTLIER
    return quality, outlier


def _red_noise(rng: np.random.Generator, timeline: t.Timeline) -> Floats:
    """Correlated noise of unit scatter (n_cadence,), by interpolation of hourly steps."""
    step = 1 / 24
    n = int((timeline.clock[-1] - timeline.clock[0]) / step) + 2
    keep = np.exp(-step / rng.uniform(*RED_TIME))
    hourly = rng.standard_normal(n) * np.sqrt(1 - keep**2)
    for i in range(1, n):
        hourly[i] += keep * hourly[i - 1]
    at = timeline.clock[0] + step * np.arange(n)
    result: Floats = np.interp(timeline.clock, at, hourly)
    return result


def _ramps(rng: np.random.Generator, timeline: t.Timeline) -> Floats:
    """Draw what scattered light leaves in the corrected flux: ramps into and out of each orbit."""
    flux = np.zeros(timeline.n_cadence)
    for orbit in range(timeline.orbit[-1] + 1):
        here = (timeline.orbit == orbit) & ~timeline.gap
        since = timeline.since_start[here]
        for away in (since, since[-1] - since):
            height = 0.012 * rng.normal() * np.exp(rng.normal(0, 0.6))
            flux[here] += height * np.exp(-away / rng.uniform(0.15, 0.9))
    return flux
