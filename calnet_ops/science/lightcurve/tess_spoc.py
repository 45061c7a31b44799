"""SPOC's own table at other cadences: TESS-SPOC (200, 600, 1800 s) and fast files (20 s)."""

from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.hdus import Hdu


def claims(hdus: list[Hdu]) -> bool:
    """Whether SPOC made it, at another cadence than two minutes."""
    return spoc.made_by_spoc(hdus) and not spoc.is_two_minute(hdus[1])


read = spoc.read_checked
"""Light curve, once its bytes are believed."""
