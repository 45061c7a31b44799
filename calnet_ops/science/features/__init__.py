"""Features: what the network sees of a light curve. Each version is frozen once it is used."""

from collections.abc import Callable

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.lightcurve.light_curve import LightCurve

__all__ = ["N_FLUX", "N_POWER", "VERSIONS", "Extract", "Segment", "extract"]

Extract = Callable[[LightCurve], list[Segment]]


def _v1(light_curve: LightCurve) -> list[Segment]:
    from calnet_ops.science.features import v1

    return v1.extract(light_curve)


def _v2(light_curve: LightCurve) -> list[Segment]:
    from calnet_ops.science.features import v2

    return v2.extract(light_curve)


VERSIONS: dict[str, Extract] = {"v1": _v1, "v2": _v2}
"""Every version there is; part of each key of features and of each model's metadata. Loaded when
first used: who only reads features, as a shard that scores, is spared scipy (0.7 s of CPU)."""


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
