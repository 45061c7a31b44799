"""What was measured of a candidate, in the names and units of the catalog."""

from typing import Any

from calnet_ops.science.candidates.ephemeris import Ephemeris
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO

MOST_SECTORS = 13
"""Light curves a star is measured from, this sector's and the nearest earlier ones: a year of a
star in the continuous viewing zone, 1.5 s of work. Most stars have one to three."""

HOURS = 24.0
"""In a day."""

DEPTHS = "depth_1", "depth_1_err", "depth_2", "depth_2_err"
DURATIONS = "duration_1", "duration_1_err", "duration_2", "duration_2_err"


def measured(found: Ephemeris) -> dict[str, Any]:
    """What was measured, in the names and units of the catalog."""
    days = {name: getattr(found, name) for name in ("period", "period_err", "epoch_err")}
    depths = {name: getattr(found, name) for name in DEPTHS}
    hours = {name: HOURS * getattr(found, name) for name in DURATIONS}
    return {
        **days,
        "epoch_bjd_tdb": found.epoch + BTJD_ZERO,
        **depths,
        **hours,
        "eb_type": found.eb_type or None,
        "probability_ea": found.type_probability[0],
        "probability_eb": found.type_probability[1],
        "probability_ew": found.type_probability[2],
        "morphology": found.morphology,
        "n_eclipse": found.n_eclipse or None,
        "n_sector_measured": found.n_light_curve or None,
    }
