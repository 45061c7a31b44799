"""One disc in front of another: the only module that knows the eclipse library."""

import warnings

import numpy as np
import numpy.typing as npt

with warnings.catch_warnings():
    # batman 2.5.x writes "\ " in a docstring of its own tests, which compilers warn of
    warnings.simplefilter("ignore")
    import batman

Floats = npt.NDArray[np.float64]


def visible_share(
    phase: Floats,
    *,
    ratio: float,
    radius: float,
    inclination: float,
    eccentricity: float = 0.0,
    omega: float = 90.0,
    limb: tuple[float, float] = (0.3, 0.2),
) -> Floats:
    """Share of a star's light that is seen while a dark disc passes in front of it.

    Parameters
    ----------
    phase : (n_phase,)
        Revolutions since the middle of the passage.
    ratio
        Radius of the passing disc over that of the star; may be above one.
    radius
        Radius of the star over the semi-major axis.
    inclination
        [deg]
    eccentricity, omega
        Of the orbit of the passing body around the star; argument of periastron [deg].
    limb
        Quadratic limb darkening of the star.

    Returns
    -------
    share : (n_phase,)
        1 outside of the passage.

    References
    ----------
    Kreidberg 2015, PASP 127, 1161 (batman), after Mandel & Agol 2002, ApJ 580, L171.
    """
    model = batman.TransitParams()
    model.t0, model.per, model.rp, model.a = 0.0, 1.0, ratio, 1.0 / radius
    model.inc, model.ecc, model.w = inclination, eccentricity, omega
    model.u, model.limb_dark = list(limb), "quadratic"
    share: Floats = batman.TransitModel(model, phase).light_curve(model)
    return share
