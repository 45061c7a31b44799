"""Light curves of eclipsing binaries: eclipses, tides and mutual heating on top.

References
----------
.. [1] Eggleton 1983, ApJ 268, 368, eq. 2 (radius of the Roche lobe).
.. [2] Morris 1985, ApJ 295, 143, eqs. 1-3 (tidal distortion).
.. [3] Claret 2017, A&A 600, A30 (limb darkening in the TESS band; a straight line through it).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.discs import visible_share
from calnet_ops.simulator.signals import Kind, Signal
from calnet_ops.simulator.spots import spotted_flux
from calnet_ops.simulator.stars import Star, main_sequence_radius, main_sequence_teff

Floats = npt.NDArray[np.float64]

N_PHASE = 4001
"""Grid on which a model is computed once and then interpolated; the narrowest eclipse drawn
(0.01 of a period) still has 40 points."""

ENOUGH_SIGNAL = 20.0
"""An eclipse counts as seen if its depth is so many times its own noise, all eclipses of a sector
folded. Binaries below are drawn again, but for `MARGINAL` of them."""

MARGINAL = 0.04
"""Share of binaries that are kept whatever their depth."""

SPOTS_BELOW, SPOTTED_SHARE = 6500.0, 0.4
"""Stars with convective envelopes [K], and how many of them show spots: RS CVn and O'Connell
effects are common (TIC 32150630 and 425064757 among the real test stars)."""

CONTACT_BOOST = 1.35
"""First-order tides fall short of the real bulge when a star fills its lobe; this brings the mean
EW amplitude to 0.4 mag (Rucinski 2001, AJ 122, 1007)."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Two stars on an orbit. Lengths are relative to the semi-major axis."""

    period: float
    """[d]"""
    r1: float
    r2: float
    q: float
    """Mass of star 2 over mass of star 1."""
    surface_brightness: float
    """Of star 2 over star 1, TESS band."""
    inclination: float
    """[deg]"""
    eccentricity: float = 0.0
    omega: float = 90.0
    """Argument of periastron of star 1's orbit seen from star 2 [deg]."""
    limb_1: tuple[float, float] = (0.3, 0.2)
    """Quadratic limb darkening."""
    limb_2: tuple[float, float] = (0.3, 0.2)
    third_light: float = 0.0
    """Share of all light that comes from a companion that does not vary."""
    tide_boost: float = 1.0

    @property
    def light_1(self) -> float:
        """Share of the pair's light that is star 1's."""
        return 1.0 / (1.0 + self.surface_brightness * (self.r2 / self.r1) ** 2)


@dataclass(frozen=True, slots=True)
class FoldedBinary:
    """One revolution of a binary."""

    phase: Floats
    """(n_phase,) From -0.5 to 0.5, the deeper eclipse at zero."""
    flux: Floats
    """(n_phase,) Relative to the mean."""
    depth_1: float
    depth_2: float
    duration_1: float
    """Deeper eclipse, first to last contact, in phase."""


def roche_lobe(q: float) -> float:
    """Radius of the lobe of a star `q` times as heavy as its companion [1]_, eq. 2."""
    cube = q ** (1 / 3)
    return 0.49 * cube**2 / (0.6 * cube**2 + float(np.log(1 + cube)))


def eclipses(binary: Binary, phase: Floats) -> tuple[Floats, Floats, float]:
    """Visible share of each disc, and the phase of star 2's eclipse.

    The second eclipse is the first with the roles of the stars swapped: star 1 passes in
    front, its orbit around star 2 has its periastron on the opposite side.
    """
    orbit = {"inclination": binary.inclination, "eccentricity": binary.eccentricity}
    disc_1 = visible_share(
        phase,
        ratio=binary.r2 / binary.r1,
        radius=binary.r1,
        omega=binary.omega,
        limb=binary.limb_1,
        **orbit,
    )
    shift = _secondary_phase(binary)
    disc_2 = visible_share(
        (phase - shift + 0.5) % 1.0 - 0.5,
        ratio=binary.r1 / binary.r2,
        radius=binary.r2,
        omega=binary.omega + 180,
        limb=binary.limb_2,
        **orbit,
    )
    return disc_1, disc_2, shift


def fold(binary: Binary, n_phase: int = N_PHASE) -> FoldedBinary:
    """Compute one revolution, and turn it so that the deeper eclipse is at phase zero."""
    phase = np.linspace(-0.5, 0.5, n_phase)
    disc_1, disc_2, shift = eclipses(binary, phase)
    theta = 2 * np.pi * phase
    light_1 = binary.light_1
    pair = light_1 * (disc_1 + _tide_and_heat(binary, theta, star=1)) + (1 - light_1) * (
        disc_2 + _tide_and_heat(binary, theta, star=2)
    )
    flux = (1 - binary.third_light) * pair + binary.third_light
    close = binary.tide_boost > 1 or binary.r1 + binary.r2 > 0.5  # noqa: PLR2004
    depths = [
        _depth(flux, np.abs(phase) < 0.1, close=close, disc=disc_1),  # noqa: PLR2004
        _depth(flux, np.abs((phase - shift + 0.5) % 1 - 0.5) < 0.1, close=close, disc=disc_2),  # noqa: PLR2004
    ]
    widths = [float(np.mean(disc < 1 - 1e-9)) for disc in (disc_1, disc_2)]
    if depths[1] > depths[0]:
        flux = np.interp((phase + shift + 0.5) % 1 - 0.5, phase, flux)
        depths, widths = depths[::-1], widths[::-1]
    return FoldedBinary(phase, flux / flux.mean(), depths[0], depths[1], widths[0])


def draw_binary(rng: np.random.Generator, kind: Kind, star: Star, longest: float) -> Binary:
    """Draw a binary of a type, its period [d] at most `longest`."""
    if kind is Kind.EA:
        return _draw_detached(rng, star, longest)
    if kind is Kind.EB:
        return _draw_semidetached(rng, star, longest)
    return _draw_contact(rng, star, longest)


def binary_signal(
    rng: np.random.Generator,
    kind: Kind,
    star: Star,
    time: Floats,
    *,
    longest: float,
    noise: float,
) -> Signal:
    """Draw a binary that can be seen in this star's noise, as it runs through a sector.

    Parameters
    ----------
    rng
        Seeded by the star.
    kind
        EA, EB or EW.
    star
        The primary.
    time : (n_cadence,)
        Barycentric [BTJD].
    longest
        Longest period [d].
    noise
        Scatter of one cadence, relative.
    """
    marginal = rng.random() < MARGINAL
    n_cadence = len(time)
    while True:
        folded = fold(binary := draw_binary(rng, kind, star, longest))
        in_eclipse = n_cadence * folded.duration_1
        if marginal or folded.depth_1 * np.sqrt(in_eclipse) > ENOUGH_SIGNAL * noise:
            break
    signal = signal_of(rng, binary, folded, time)
    if star.teff < SPOTS_BELOW and rng.random() < SPOTTED_SHARE:
        turn = binary.period * float(rng.normal(1.0, 0.01))  # tides lock the rotation
        amplitude = float(np.exp(rng.normal(np.log(0.008), 0.7)))
        signal = replace(signal, flux=signal.flux * spotted_flux(rng, time, turn, amplitude))
    return signal


def signal_of(
    rng: np.random.Generator, binary: Binary, folded: FoldedBinary, time: Floats
) -> Signal:
    """Unroll a folded binary over a sector, its epoch fixed once for all sectors."""
    epoch = first_epoch(rng.uniform() * binary.period, binary.period, float(time[0]))
    phase = ((time - epoch) / binary.period + 0.5) % 1.0 - 0.5
    return Signal(
        flux=np.interp(phase, folded.phase, folded.flux),
        period=binary.period,
        epoch=epoch,
        depth_1=folded.depth_1,
        depth_2=folded.depth_2,
        duration_1=folded.duration_1 * binary.period,
    )


def first_epoch(epoch: float, period: float, start: float) -> float:
    """Find the first epoch + n periods at or after `start`."""
    return epoch + float(np.ceil((start - epoch) / period)) * period


def _secondary_phase(binary: Binary) -> float:
    """Phase of star 2's eclipse, from Kepler's equation."""
    ecc, omega = binary.eccentricity, np.radians(binary.omega)

    def mean_anomaly(true_anomaly: float) -> float:
        tan_half = np.sqrt((1 - ecc) / (1 + ecc)) * np.tan(true_anomaly / 2)
        eccentric = 2 * np.arctan(tan_half)
        return float(eccentric - ecc * np.sin(eccentric))

    difference = mean_anomaly(-np.pi / 2 - omega) - mean_anomaly(np.pi / 2 - omega)
    return float((difference / (2 * np.pi) + 0.5) % 1.0 - 0.5)


def _tide_and_heat(binary: Binary, theta: Floats, star: int) -> Floats:
    """Ellipsoidal and reflection terms of one star (n_phase,), relative to its own light.

    Both stars are widest at quadrature; star 1 shows its heated side at phase zero (star 2 is
    in front of it), star 2 half a period later.
    """
    r, q = (binary.r1, binary.q) if star == 1 else (binary.r2, 1 / binary.q)
    tilt = np.sin(np.radians(binary.inclination)) ** 2
    limb = sum(binary.limb_1 if star == 1 else binary.limb_2)
    gravity = 0.15 * (15 + limb) * (1 + GRAVITY_DARKENING) / (3 - limb)  # [2]_, eq. 2
    tide = binary.tide_boost * gravity * q * r**3 * tilt * np.cos(2 * theta)
    other = binary.light_1 if star == 2 else 1 - binary.light_1  # noqa: PLR2004
    own = 1 - other
    side = np.cos(theta) if star == 1 else -np.cos(theta)
    heat = ALBEDO * (other / own) * r**2 * 0.5 * (1 + side * np.sqrt(tilt))
    result: Floats = np.minimum(heat, 0.5) - tide
    return result


GRAVITY_DARKENING = 0.3
"""Of convective envelopes (Lucy 1967, Z. Astrophys. 65, 89)."""

ALBEDO = 0.5
"""Bolometric, of convective envelopes (Rucinski 1969, Acta Astron. 19, 245)."""


def _depth(flux: Floats, near: npt.NDArray[np.bool_], *, close: bool, disc: Floats) -> float:
    """Depth below the brightest phase; zero where nothing is eclipsed in a wide pair."""
    if not close and disc.min() > 1 - 1e-9:
        return 0.0
    return float(1 - flux[near].min() / flux.max())


def _limb(teff: float) -> tuple[float, float]:
    """Quadratic limb darkening of a dwarf, TESS band [3]_."""
    return float(np.clip(0.28 - 0.35 * np.log10(teff / 5800), 0.12, 0.45)), 0.22


def _log_normal(
    rng: np.random.Generator, median: float, width: float, low: float, high: float
) -> float:
    """Draw from a log-normal between two bounds."""
    while True:
        value = median * float(np.exp(rng.normal(0, width)))
        if low <= value <= high:
            return value


def _inclination(rng: np.random.Generator, largest_cosine: float) -> float:
    """Random orientation among those that eclipse [deg]."""
    return float(np.degrees(np.arccos(rng.uniform(0, largest_cosine))))


def _draw_detached(rng: np.random.Generator, star: Star, longest: float) -> Binary:
    """Two main-sequence stars well inside their lobes, sometimes on an eccentric orbit."""
    while True:
        period = _log_normal(rng, min(2.8, longest / 2), 0.75, 0.6, longest)
        q = float(rng.uniform(0.25, 1.0))
        axis = 4.208 * (star.mass * (1 + q) * period**2) ** (1 / 3)  # Kepler, solar radii
        r1 = star.radius / axis
        r2 = main_sequence_radius(star.mass * q) * float(np.exp(rng.normal(0, 0.06))) / axis
        eccentric = period > 2.0 and rng.random() < 0.35  # noqa: PLR2004
        if r1 < 0.75 * roche_lobe(1 / q) and r2 < 0.75 * roche_lobe(q) and r1 + r2 < 0.5:  # noqa: PLR2004
            break
    ratio = main_sequence_teff(star.mass * q) / main_sequence_teff(star.mass)
    return Binary(
        period=period,
        r1=r1,
        r2=r2,
        q=q,
        surface_brightness=float(np.clip(ratio**4.5 * np.exp(rng.normal(0, 0.1)), 0.01, 1.1)),
        inclination=_inclination(rng, 0.92 * (r1 + r2)),
        eccentricity=float(rng.beta(1.4, 5)) * 0.7 if eccentric else 0.0,
        omega=float(rng.uniform(0, 360)) if eccentric else 90.0,
        limb_1=_limb(star.teff),
        limb_2=_limb(star.teff * ratio),
        third_light=float(rng.uniform(0.02, 0.5)) if rng.random() < 0.2 else 0.0,  # noqa: PLR2004
    )


def _draw_semidetached(rng: np.random.Generator, star: Star, longest: float) -> Binary:
    """Draw a hot star and a cooler companion that fills its lobe."""
    q = float(rng.uniform(0.2, 0.7))
    r1 = roche_lobe(1 / q) * float(rng.uniform(0.62, 0.92))
    r2 = roche_lobe(q) * float(rng.uniform(0.93, 0.99))
    return Binary(
        period=_log_normal(rng, 0.95, 0.5, 0.4, min(5.0, longest)),
        r1=r1,
        r2=r2,
        q=q,
        surface_brightness=float(rng.uniform(0.12, 0.65)),
        inclination=_inclination(rng, 0.75 * (r1 + r2)),
        limb_1=_limb(star.teff),
        limb_2=_limb(star.teff * 0.75),
        third_light=float(rng.uniform(0.02, 0.4)) if rng.random() < 0.2 else 0.0,  # noqa: PLR2004
        tide_boost=1.15,
    )


def _draw_contact(rng: np.random.Generator, star: Star, longest: float) -> Binary:
    """Two stars in one envelope: nearly equal temperatures, both at their lobes."""
    q = float(rng.uniform(0.15, 0.85))
    fill = float(rng.uniform(1.0, 1.04))
    return Binary(
        period=_log_normal(rng, 0.36, 0.25, 0.22, min(0.9, longest)),
        r1=roche_lobe(1 / q) * fill,
        r2=roche_lobe(q) * fill,
        q=q,
        surface_brightness=float(np.clip(rng.normal(0.97, 0.09), 0.7, 1.2)),
        inclination=_inclination(rng, 0.62),
        limb_1=_limb(star.teff),
        limb_2=_limb(star.teff),
        third_light=float(rng.uniform(0.02, 0.4)) if rng.random() < 0.25 else 0.0,  # noqa: PLR2004
        tide_boost=CONTACT_BOOST,
    )
