"""Dark spots on a turning star."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIFFERENTIAL = 0.06
"""How much slower the pole turns than the equator; 0.2 on the Sun, less on fast rotators."""

LIFE = 27.0
"""Over so many days a spot grows or fades by a quarter, one sigma."""


def spotted_flux(rng: np.random.Generator, time: Floats, period: float, amplitude: float) -> Floats:
    """Flux (n_cadence,) of a star with a few spots, relative to its mean.

    The light lost to a small spot is its area times the cosine of its angle to the line of
    sight (Budding 1977, Ap&SS 48, 207, in the limit of small spots).

    Parameters
    ----------
    rng
        Draws the spots and the tilt of the axis.
    time : (n_cadence,)
        [d]
    period
        Of the rotation at the equator [d].
    amplitude
        Light lost to the largest spot possible.
    """
    tilt = np.arccos(rng.uniform(0, 0.9))
    since = time - time[0]
    flux = np.ones_like(time)
    for _ in range(rng.integers(2, 6)):
        latitude, longitude = np.arcsin(rng.uniform(-0.9, 0.9)), rng.uniform(0, 2 * np.pi)
        rate = 2 * np.pi / period * (1 - DIFFERENTIAL * np.sin(latitude) ** 2)
        mu = np.sin(latitude) * np.cos(tilt) + np.cos(latitude) * np.sin(tilt) * np.cos(
            rate * since + longitude
        )
        growth = np.maximum(1 + rng.normal(0, 0.25) * since / LIFE, 0)
        flux -= amplitude * rng.uniform(0.4, 1.0) * growth * np.maximum(mu, 0)
    result: Floats = flux / flux.mean()
    return result
