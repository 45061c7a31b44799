"""Features: what the network sees of a light curve. Each version is frozen once it is used."""

from collections.abc import Callable

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.features import v1, v2
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.lightcurve.light_curve import LightCurve

__all__ = ["N_FLUX", "N_POWER", "VERSIONS", "Extract", "Segment", "extract"]

Extract = Callable[[LightCurve], list[Segment]]

VERSIONS: dict[str, Extract] = {"v1": v1.extract, "v2": v2.extract}
"""Every version there is; part of each key of features and of each model's metadata."""


def extract(light_curve: LightCurve, version: str = "v1") -> list[Segment]:
    """Features of each usable segment of a light curve.

    Raises
    ------
    WrongConfiguration
        If there is no such version.
    SkippedInput
        If no segment is usable; the class says why.
    """
    if version not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise WrongConfiguration("features version", found=repr(version), expected=known)
    return VERSIONS[version](light_curve)
