"""Segments shown in other ways in which they could have been seen.

Everything here leaves a binary a binary and its periodogram true: time may run backwards, a segment
may be shorter or longer, noisier, or have a gap. Never upside down: light curves with brightenings
where eclipses would be are what a network must tell from binaries.
"""

import numpy as np
import numpy.typing as npt

from calnet_ops.science.network.samples import Floats
from calnet_ops.science.network.settings import Settings

LONGEST_GAP = 0.05
"""Of a segment: 0.65 d of 13 d. At 0.75 d the light curve would have been cut in two."""


def augment(flux: Floats, settings: Settings, rng: np.random.Generator) -> Floats:
    """Some segments in another way, each drawn by itself.

    Parameters
    ----------
    flux
        (n_segment, n_sample) in 0..1.
    """
    n_segment = len(flux)
    backwards = rng.random(n_segment) < settings.reversed_share
    low, high = np.log(settings.shortest), np.log(settings.longest)
    length = np.exp(rng.uniform(low, high, n_segment))
    start = rng.random(n_segment) * np.abs(1 - length)
    flux = np.where(backwards[:, None], flux[:, ::-1], flux)
    flux = change_length(flux, start, length)
    if settings.gap_share:
        flux = cut_gaps(flux, rng.random(n_segment) < settings.gap_share, rng)
    if settings.noise:
        flux = add_noise(flux, rng.uniform(0, settings.noise, n_segment), rng)
    return flux


def change_length(
    flux: Floats, start: npt.NDArray[np.float64], length: npt.NDArray[np.float64]
) -> Floats:
    """Show segments as if they were shorter or longer, again with all samples.

    A piece is stretched to the range of the whole. Features v1 fill 0..1 always, so it does as
    well; v2 leave a star on which nothing happens at a part of it.

    Parameters
    ----------
    flux
        (n_segment, n_sample) in 0..1.
    start, length
        (n_segment,) Where the new segments begin and how long they are, in units of the old.
        What reaches beyond the old one is its mirror image.
    """
    if np.all(length == 1):
        return flux
    n_sample = flux.shape[1]
    reach = (start[:, None] + length[:, None] * np.linspace(0, 1, n_sample)) % 2
    place = np.minimum(reach, 2 - reach) * (n_sample - 1)
    left = np.minimum(place.astype(np.intp), n_sample - 2)
    before = np.take_along_axis(flux, left, axis=1)
    after = np.take_along_axis(flux, left + 1, axis=1)
    return _to_range_of(flux, before + (place - left) * (after - before))


def cut_gaps(flux: Floats, chosen: npt.NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Bridge a piece of the chosen segments with a straight line, as features bridge a gap."""
    flux = flux.copy()
    n_sample = flux.shape[1]
    for row in (flux[number] for number in np.flatnonzero(chosen)):
        width = int(rng.integers(2, max(3, round(LONGEST_GAP * n_sample))))
        left = int(rng.integers(0, n_sample - width))
        row[left : left + width] = np.linspace(row[left], row[left + width], width, endpoint=False)
    return flux


def add_noise(flux: Floats, sigma: npt.NDArray[np.float64], rng: np.random.Generator) -> Floats:
    """Show stars as if they were fainter.

    Parameters
    ----------
    sigma
        (n_segment,) Standard deviation of the noise of a sample, as a share of 0..1. Noise of
        0.05 adds 3e-4 of its highest peak to the periodogram of an eclipsing binary, which is
        therefore left as it is.
    """
    noise = rng.standard_normal(flux.shape, np.float32)
    return _to_range_of(flux, flux + sigma[:, None].astype(np.float32) * noise)


def _to_range_of(flux: Floats, changed: npt.NDArray[np.floating]) -> Floats:
    """What was made of some segments, stretched to the range of each."""
    low, high = changed.min(axis=1, keepdims=True), changed.max(axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1)
    bottom, top = flux.min(axis=1, keepdims=True), flux.max(axis=1, keepdims=True)
    return (bottom + (changed - low) / spread * (top - bottom)).astype(np.float32)
