"""Which pixels a star is measured in, and how much of a star's light falls into them, and where."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from calnet_ops.simulator.stars import Star

Floats = npt.NDArray[np.float64]

STAMP_COLUMNS = 11
"""Width of a pixel stamp."""

IMAGE_SIGMA = 0.95
"""Width of a star's image, taken for a Gaussian [pixel]: 5, 14 and 21 pixels then hold 0.59, 0.91
and 0.98 of its light; FLFRCSAP of real files is 0.60-0.70, 0.85-0.90 and 0.92-0.95."""


@dataclass(frozen=True)
class Stamp:
    """The pixels around a star."""

    first: tuple[int, int]
    """Column and row of the first pixel."""
    order: npt.NDArray[np.int64]
    """(n_pixel,) Numbers of the pixels, row by row, the nearest to the star first."""
    shape: tuple[int, int]
    """Rows and columns."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What an aperture gets of a star's light."""

    share: float
    column: float
    """Centre of the light in the aperture [pixel of the CCD]."""
    row: float


def stamp_of(star: Star) -> Stamp:
    """Pixels that are sent down; taller for bright stars, which bleed along columns."""
    n_row = STAMP_COLUMNS + 2 * int(np.clip(np.ceil((8.2 - star.tmag) * 0.9), 0, 20))
    first = (int(star.column) - 5, int(star.row) - n_row // 2)
    y, x = np.indices((n_row, STAMP_COLUMNS))
    away = np.hypot(x + first[0] - star.column, (y + first[1] - star.row) * 11 / n_row)
    return Stamp(first, np.argsort(away, axis=None), (n_row, STAMP_COLUMNS))


def captured(star: Star, n_pixel: int, column: float, row: float) -> Captured:
    """Light that the aperture of a star gets from a star at a place [pixel of the CCD].

    Parameters
    ----------
    star
        Whose aperture it is.
    n_pixel
        Pixels in it: those nearest to the star.
    column, row
        Place of the star that shines; integers are centres of pixels.
    """
    stamp = stamp_of(star)
    pixels = np.unravel_index(stamp.order[:n_pixel], stamp.shape)
    rows, columns = pixels[0] + stamp.first[1], pixels[1] + stamp.first[0]
    light = _across(columns, column) * _across(rows, row)
    total = float(light.sum())
    return Captured(total, float(light @ columns) / total, float(light @ rows) / total)


def _across(pixels: npt.NDArray[np.int64], centre: float) -> Floats:
    """Share of a Gaussian that falls into each pixel, along one axis."""
    edge = (pixels - centre) / IMAGE_SIGMA
    half = 0.5 / IMAGE_SIGMA
    result: Floats = ndtr(edge + half) - ndtr(edge - half)
    return result
