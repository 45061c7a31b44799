"""Where TESS pointed, when, and how the files of that sector are called: `sectors.csv`."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration

Floats = npt.NDArray[np.float64]

CAMERA_OFFSET = {1: -36.0, 2: -12.0, 3: 12.0, 4: 36.0}
"""Centre of each camera's field along the row of four [deg] (TESS Instrument Handbook, 2.2).

Sign and CCD quadrants below were read off 49 real headers (RA_OBJ, DEC_OBJ, CAMERA, CCD)."""

FIELD_HALF = 11.7
"""Half the width of a camera's field that stars are drawn from [deg]."""

PIXELS_PER_DEGREE = 174.0
"""Mean plate scale, 21 arcsec a pixel (TESS Instrument Handbook, 2.2)."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """One row of `sectors.csv`."""

    sector: int
    stamp: str
    """yyyydddhhmmss in the names of the light curves."""
    scid: str
    """Spacecraft configuration in the names of the light curves."""
    rows: int
    """Cadences in a light curve, gaps included."""
    cad_first: int
    """First cadence number."""
    gaps: tuple[tuple[int, int], ...]
    """Row and length of each pause without data."""
    dump_every: int
    """Cadences between momentum dumps; 0 if they come only at the start and after gaps."""
    date: str
    """Day the file was made, UTC."""
    procver: str
    data_rel: int
    pxtable: int
    job: int
    """Pipeline job named in CREATOR."""
    cdpp_stamp: str
    cdpp_pin: str
    ra: float
    """Boresight of the spacecraft [deg]."""
    dec: float
    roll: float

    def axes(self) -> tuple[Floats, Floats, Floats]:
        """Boresight and the two axes of the field as unit vectors (3,), equatorial."""
        ra, dec, roll = np.radians([self.ra, self.dec, self.roll])
        boresight = np.array([np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)])
        north, east = north_east(self.ra, self.dec)
        across = np.cos(roll) * east + np.sin(roll) * north
        along = -np.sin(roll) * east + np.cos(roll) * north
        return boresight, across, along

    def sky(self, camera: int, across_deg: float, along_deg: float) -> tuple[float, float]:
        """Right ascension and declination [deg] of a place in a camera's field."""
        boresight, across, along = self.axes()
        x, z = np.radians([across_deg, along_deg + CAMERA_OFFSET[camera]])
        vector = np.cos(x) * (np.cos(z) * boresight + np.sin(z) * along) + np.sin(x) * across
        ra, dec = np.degrees([np.arctan2(vector[1], vector[0]), np.arcsin(vector[2])])
        return float(ra % 360), float(dec)


def north_east(ra: float, dec: float) -> tuple[Floats, Floats]:
    """Directions, unit vectors (3,) towards north and east at a place on the sky [deg]."""
    alpha, delta = np.radians([ra, dec])
    north = np.array(
        [-np.sin(delta) * np.cos(alpha), -np.sin(delta) * np.sin(alpha), np.cos(delta)]
    )
    return north, np.array([-np.sin(alpha), np.cos(alpha), 0.0])


def ccd_and_pixel(camera: int, across_deg: float, along_deg: float) -> tuple[int, float, float]:
    """CCD and its column and row for a place in a camera's field, to a few dozen pixels.

    Cameras 1 and 2 are mounted the other way round than 3 and 4.
    """
    x, z = (across_deg, along_deg) if camera > 2 else (-across_deg, -along_deg)  # noqa: PLR2004
    ccd = {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}[x > 0, z > 0]
    inward_x, inward_z = FIELD_HALF + 0.1 - abs(x), FIELD_HALF + 0.1 - abs(z)
    column = 44 + PIXELS_PER_DEGREE * (inward_x if ccd in {1, 3} else abs(x))
    return ccd, float(column), float(PIXELS_PER_DEGREE * inward_z)


def pixel_axes(pointing: Pointing, camera: int, ccd: int) -> tuple[Floats, Floats]:
    """Directions, unit vectors (3,), in which columns and rows of a CCD grow.

    They grow from the CCD's corner; cameras 1 and 2 hang upside down.
    """
    _, across, along = pointing.axes()
    flip = 1 if camera > 2 else -1  # noqa: PLR2004
    sign = flip if ccd in {1, 2} else -flip
    return across * sign, along * sign


@lru_cache
def pointings() -> dict[int, Pointing]:
    """Every sector of the table."""
    text = files("calnet_ops.simulator").joinpath("sectors.csv").read_text(encoding="ascii")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {int(row["sector"]): _parse(row) for row in rows}


def pointing_of(sector: int) -> Pointing:
    """Look up the pointing of a sector.

    Raises
    ------
    WrongConfiguration
        If the table does not have it.
    """
    known = pointings()
    if sector not in known:
        raise WrongConfiguration(
            "sector", found=str(sector), expected=f"{min(known)} to {max(known)}"
        )
    return known[sector]


def _parse(row: dict[str, str]) -> Pointing:
    """One row of the table."""
    gaps = tuple(
        (int(start), int(length))
        for start, length in (gap.split("+") for gap in row["gaps"].split())
    )
    return Pointing(
        sector=int(row["sector"]),
        stamp=row["stamp"],
        scid=row["scid"],
        rows=int(row["rows"]),
        cad_first=int(row["cad_first"]),
        gaps=gaps,
        dump_every=int(row["dump_every"]),
        date=row["date"],
        procver=row["procver"],
        data_rel=int(row["data_rel"]),
        pxtable=int(row["pxtable"]),
        job=int(row["job"]),
        cdpp_stamp=row["cdpp_stamp"],
        cdpp_pin=row["cdpp_pin"],
        ra=float(row["ra"]),
        dec=float(row["dec"]),
        roll=float(row["roll"]),
    )
