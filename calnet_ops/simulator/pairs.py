"""Pairs of stars a few pixels apart, both in the list: one eclipses, the other only seems to.

Both light curves follow from one scene: where the stars are, how bright, and how much of the light
of each falls into the aperture of the other, and where.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calnet_ops.simulator.apertures import captured
from calnet_ops.simulator.binaries import binary_signal
from calnet_ops.simulator.photometry import n_aperture_pixel, white_noise
from calnet_ops.simulator.pointing import PIXELS_PER_DEGREE, Pointing, north_east, pixel_axes
from calnet_ops.simulator.signals import Kind, Signal
from calnet_ops.simulator.stars import TMAG_RANGE, Star, draw_star
from calnet_ops.simulator.variables import TEFF_RANGE

Floats = npt.NDArray[np.float64]

DISTANCE = (0.2, 3.0)
"""Of the two stars [pixel]."""

BRIGHTER = (-1.0, 3.0)
"""Magnitudes by which the quiet star is brighter: fainter ones show the eclipses deepest, brighter
ones are what a catalog of binaries would rather have."""

KINDS = (Kind.EA, Kind.EB, Kind.EW)
"""Of the eclipsing stars, in turn."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Who the two are."""

    eclipsing: int
    """TIC number of the star that eclipses."""
    quiet: int
    """TIC number of the other."""
    kind: Kind
    """Of the eclipsing star."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The two stars on the sky and on the CCD, without each other's light."""

    eclipsing: Star
    quiet: Star


def set_scene(pair: Pair, seed: int, home: Pointing) -> tuple[Scene, np.random.Generator]:
    """Place both stars; and the generator that goes on to draw the binary."""
    born = np.random.default_rng([seed, pair.eclipsing])
    eclipsing = draw_star(born, pair.eclipsing, home, TEFF_RANGE[pair.kind])
    rng = np.random.default_rng([seed, pair.quiet])
    other = draw_star(rng, pair.quiet, home, TEFF_RANGE[Kind.BLEND])
    distance, angle = rng.uniform(*DISTANCE), rng.uniform(0, 2 * np.pi)
    step = distance * np.array([np.cos(angle), np.sin(angle)])
    tmag = float(np.clip(eclipsing.tmag - rng.uniform(*BRIGHTER), *TMAG_RANGE))
    ra, dec = _moved(eclipsing, home, step)
    quiet = replace(
        other,
        ra=ra,
        dec=dec,
        pm_ra=eclipsing.pm_ra,
        pm_dec=eclipsing.pm_dec,
        tmag=tmag,
        camera=eclipsing.camera,
        ccd=eclipsing.ccd,
        column=eclipsing.column + float(step[0]),
        row=eclipsing.row + float(step[1]),
    )
    return Scene(eclipsing, quiet), born


def pair_star(
    pair: Pair, tic: int, seed: int, home: Pointing, time: Floats, longest: float
) -> tuple[Star, Signal]:
    """One of the two as its own light curve has it: the other one's light is in its aperture.

    Parameters
    ----------
    pair
        The two.
    tic
        Which of them.
    seed
        Of the sky.
    home
        Pointing in whose field they were placed.
    time : (n_cadence,)
        Barycentric [BTJD].
    longest
        Longest period [d].
    """
    scene, born = set_scene(pair, seed, home)
    eclipsing = scene.eclipsing
    noise = white_noise(eclipsing.tmag, eclipsing.crowdsap)
    signal = binary_signal(born, pair.kind, eclipsing, time, longest=longest, noise=noise)
    if tic == pair.eclipsing:
        ratio, offset = _next_door(eclipsing, scene.quiet)
        star = _crowded(eclipsing, ratio)
        return star, replace(signal, neighbour_light=ratio, neighbour_offset=offset)
    ratio, offset = _next_door(scene.quiet, eclipsing)
    return _crowded(scene.quiet, ratio), _borrowed(signal, ratio, offset)


def _moved(star: Star, home: Pointing, step: Floats) -> tuple[float, float]:
    """Right ascension and declination [deg] so many columns and rows away."""
    column_axis, row_axis = pixel_axes(home, star.camera, star.ccd)
    north, east = north_east(star.ra, star.dec)
    away = (step[0] * column_axis + step[1] * row_axis) / PIXELS_PER_DEGREE
    ra = star.ra + float(away @ east) / np.cos(np.radians(star.dec))
    return float(ra % 360), float(star.dec + away @ north)


def _next_door(star: Star, other: Star) -> tuple[float, tuple[float, float]]:
    """Light of the other in a star's aperture, relative to its own there, and where it is."""
    n_pixel = n_aperture_pixel(star.tmag)
    own = captured(star, n_pixel, star.column, star.row)
    foreign = captured(star, n_pixel, other.column, other.row)
    ratio = 10 ** (0.4 * (star.tmag - other.tmag)) * foreign.share / own.share
    return float(ratio), (foreign.column - own.column, foreign.row - own.row)


def _crowded(star: Star, ratio: float) -> Star:
    """The star with more light in its aperture, relative to its own."""
    return replace(star, crowdsap=crowded(star.crowdsap, ratio))


def crowded(crowdsap: float, ratio: float) -> float:
    """Share of the light that is a star's own, once so much light relative to its own is added."""
    return crowdsap / (1 + ratio * crowdsap)


def _borrowed(signal: Signal, ratio: float, offset: tuple[float, float]) -> Signal:
    """What a neighbour's variation looks like on top of a quiet star."""
    gone = ratio * (signal.flux.max() - signal.flux)
    return Signal(
        flux=1 - gone,
        period=signal.period,
        epoch=signal.epoch,
        depth_1=ratio * signal.depth_1,
        depth_2=ratio * signal.depth_2,
        duration_1=signal.duration_1,
        neighbour=gone,
        neighbour_light=ratio * float(signal.flux.max()),
        neighbour_offset=offset,
    )
