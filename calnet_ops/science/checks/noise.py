"""How noisy a star of some brightness should be."""

import numpy as np

from calnet_ops.science.lightcurve.light_curve import Floats

_TMAG = np.array([5.0, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
_NOISE_PPM = np.array([106.0, 168, 266, 424, 676, 1090, 1800, 3124, 5892, 12311, 28051, 67371])
"""Two-minute noise [ppm] of the model of Sullivan et al. 2015, ApJ 809, 77: star, zodiacal
light, background stars and read noise in 4 pixels. Real files have 0.8 to 1.1 of it, more where
the aperture is crowded."""


def expected_noise_ppm(tmag: Floats) -> Floats:
    """Photometric error of a two-minute cadence.

    Parameters
    ----------
    tmag : (n_star,)
        TESS magnitude; NaN gives NaN.

    Returns
    -------
    noise_ppm : (n_star,)
        One sigma [ppm of the flux]. Outside 5 to 16 mag, photon noise on from the ends.
    """
    inside = np.interp(tmag, _TMAG, np.log10(_NOISE_PPM))
    beyond = np.minimum(tmag - _TMAG[0], 0) + np.maximum(tmag - _TMAG[-1], 0)
    noise: Floats = 10 ** (inside + 0.2 * beyond)
    return noise
