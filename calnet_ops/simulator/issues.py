"""Issues of a sector as data release notes tell them, planted in its light curves.

They are written beside the tables of the archive in the form that `calnet-ops known-issues --load`
reads. Nothing is drawn, so that a sector with an issue is the same elsewhere as without it.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator import timeline as t
from calnet_ops.simulator.camera import FLAG_ABOVE

Floats = npt.NDArray[np.float64]

FILE_NAME = "known_issues.csv"
"""In the folder of the tables."""

COLUMNS = (
    "issue_id",
    "sector",
    "camera",
    "ccd",
    "time_start",
    "time_stop",
    "kind",
    "note",
    "source",
)
"""Of that file."""

GLARE = 40.0
"""Peak of planted scattered light over the background; real sectors see 5 to 60."""

RAMP = 0.02
"""What planted scattered light leaves in the corrected flux at its peak, relative: as the strongest
ramps of `photometry`, and more than the noise of an hour of any star."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an issue does to the light curves it meets."""

    bit: int
    """Of QUALITY."""
    note: str
    dark: bool = False
    """Whether nothing was measured at all."""
    glare: bool = False
    """Whether light comes and goes, and only the worst of it is flagged, if the bit is not 0."""


EFFECTS = {
    "scattered light": Effect(t.Q_SCATTERED_LIGHT, "light comes and goes", glare=True),
    "unflagged light": Effect(0, "light comes and goes, and no flag tells of it", glare=True),
    "manual exclude": Effect(t.Q_MANUAL_EXCLUDE, "cadences set aside by hand"),
    "coarse pointing": Effect(t.Q_COARSE_POINT, "out of fine pointing"),
    "instrument off": Effect(t.Q_EARTH_POINT, "no data", dark=True),
    "safe mode": Effect(t.Q_SAFE_MODE, "no data", dark=True),
}
"""Kinds of issues that can be planted."""


PARTS = {"start": float, "stop": float, "kind": str, "camera": int, "ccd": int, "sector": int}
"""Fields of an issue in words."""


@dataclass(frozen=True, slots=True)
class PlantedIssue:
    """A window in which something goes wrong.

    Raises
    ------
    WrongConfiguration
        If it is of an unknown kind, or no window.
    """

    start: float
    """[BTJD]"""
    stop: float
    """[BTJD]"""
    kind: str
    """Of `EFFECTS`."""
    camera: int = 0
    """1 to 4; 0 for all."""
    ccd: int = 0
    """1 to 4; 0 for all."""
    sector: int = 0
    """Sector it is meant for; 0 if there is only one."""

    def __post_init__(self) -> None:
        if self.kind not in EFFECTS:
            raise WrongConfiguration("issue", found=repr(self.kind), expected=", ".join(EFFECTS))
        if not (
            -np.inf < self.start < self.stop < np.inf and {self.camera, self.ccd} <= set(range(5))
        ):
            raise WrongConfiguration(
                "issue", found=str(self), expected="start before stop, camera and ccd 1 to 4"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``camera=2,start=3665.0,stop=3666.5,kind=scattered light``.

        Raises
        ------
        WrongConfiguration
            If it is not of that form.
        """
        values: dict[str, Any] = {}
        try:
            for part in text.split(","):
                name, _, value = (word.strip() for word in part.partition("="))
                values[name] = PARTS[name](value)
            return cls(**values)
        except (KeyError, ValueError, TypeError):
            raise WrongConfiguration(
                "--issue",
                found=repr(text[:80]),
                expected="camera=2,start=3665.0,stop=3666.5,kind=scattered light",
            ) from None

    def meets(self, camera: int, ccd: int) -> bool:
        """Whether it concerns a place of the focal plane."""
        return self.camera in {0, camera} and self.ccd in {0, ccd}


def plant(table: npt.NDArray[np.void], time: Floats, issues: Sequence[PlantedIssue]) -> None:
    """Let issues happen to a light curve, in place.

    Parameters
    ----------
    table
        Rows of a light curve.
    time
        (n_cadence,) of all of them [BTJD].
    issues
        Those that concern its star.
    """
    for issue in issues:
        here = (issue.start <= time) & (time <= issue.stop) & np.isfinite(table["TIME"])
        effect = EFFECTS[issue.kind]
        if effect.glare:
            here = _shine(table, here, (time - issue.start) / (issue.stop - issue.start))
            here &= effect.bit > 0
        table["QUALITY"][here] |= effect.bit
        blank = ["PDCSAP_FLUX"]
        if effect.dark:
            blank += ["SAP_FLUX", "SAP_BKG", "MOM_CENTR1", "MOM_CENTR2"]
            for column in ("TIME", "POS_CORR1", "POS_CORR2"):
                table[column][here] = np.nan
        for column in blank:
            table[column][here] = np.nan
            table[f"{column}_ERR"][here] = np.nan


def light_at_orbits(timeline: t.Timeline, share: float) -> tuple[PlantedIssue, ...]:
    """Unflagged light in all cameras at both ends of each orbit: a sector of scattered light.

    Before sector 27 SPOC's flags did not know scattered light, and what the correction leaves of
    it looks like slow dimming and brightening of every star.

    Parameters
    ----------
    timeline
        Of the sector.
    share
        Of each stretch between gaps that lies in the light, half of it at either end; 0 to 1.

    Raises
    ------
    WrongConfiguration
        If `share` is not a share.
    """
    if not 0 <= share <= 1:
        raise WrongConfiguration("scattered light", found=str(share), expected="a share, 0 to 1")
    windows: list[PlantedIssue] = []
    for orbit in range(timeline.orbit[-1] + 1 if share else 0):
        clock = timeline.clock[(timeline.orbit == orbit) & ~timeline.gap]
        length = share / 2 * (clock[-1] - clock[0])
        for start in (clock[0], clock[-1] - length):
            window = PlantedIssue(float(start), float(start + length), "unflagged light")
            windows += [window] if length else []
    return tuple(windows)


def save_issues(folder: Path, sector: int, issues: Sequence[PlantedIssue]) -> None:
    """Write the issues of a sector; those of others in the file are kept."""
    file = folder / FILE_NAME
    rows = []
    if file.is_file():
        with file.open(encoding="ascii", newline="") as opened:
            rows = [row for row in csv.DictReader(opened) if row["sector"] != str(sector)]
    if not (rows or issues or file.is_file()):
        return
    rows += [_row(sector, number, issue) for number, issue in enumerate(issues, 1)]
    with file.open("w", encoding="ascii", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (int(row["sector"]), row["issue_id"])))


def check_meant(issues: Sequence[PlantedIssue], sectors: Sequence[int]) -> None:
    """Make sure that it is clear which sector each issue is meant for.

    Raises
    ------
    WrongConfiguration
        If one names no sector of several, or one that is not simulated.
    """
    meant = {*sectors, 0} if len(sectors) == 1 else {*sectors}
    for issue in issues:
        if issue.sector not in meant:
            found = f"sector={issue.sector}" if issue.sector else "no sector"
            expected = f"sector= one of {', '.join(map(str, sectors))}"
            raise WrongConfiguration("--issue", found=found, expected=expected)


def check_windows(sector: int, clock: Floats, issues: Sequence[PlantedIssue]) -> None:
    """Refuse an issue that would do nothing.

    Raises
    ------
    WrongConfiguration
        If the sector has no cadence in its window.
    """
    for issue in issues:
        if issue.stop < clock[0] or clock[-1] < issue.start:
            raise WrongConfiguration(
                f"issue of sector {sector}",
                found=f"BTJD {issue.start} to {issue.stop}",
                expected=f"a window between {clock[0]:.2f} and {clock[-1]:.2f}",
            )


def _shine(
    table: npt.NDArray[np.void], here: npt.NDArray[np.bool_], phase: Floats
) -> npt.NDArray[np.bool_]:
    """Add light that rises and falls; where it is too much for SPOC."""
    light = np.where(here, np.sin(np.pi * np.clip(phase, 0, 1)) ** 2, 0.0)
    flux = table["PDCSAP_FLUX"]
    level = np.median(flux[np.isfinite(flux)]) if np.isfinite(flux).any() else np.nan
    table["SAP_BKG"] *= 1 + GLARE * light
    table["SAP_BKG_ERR"] *= np.sqrt(1 + GLARE * light)
    for column in ("SAP_FLUX", "PDCSAP_FLUX"):
        table[column] += RAMP * level * light
    flagged: npt.NDArray[np.bool_] = light > FLAG_ABOVE
    return flagged


def _row(sector: int, number: int, issue: PlantedIssue) -> dict[str, str | int | float]:
    return {
        "issue_id": f"planted-s{sector:04d}-{number}",
        "sector": sector,
        "camera": issue.camera,
        "ccd": issue.ccd,
        "time_start": issue.start,
        "time_stop": issue.stop,
        "kind": issue.kind,
        "note": EFFECTS[issue.kind].note,
        "source": "simulated",
    }
