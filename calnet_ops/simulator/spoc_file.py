"""The bytes of a SPOC two-minute light curve: three HDUs, every card, a checksum each."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from calnet_ops.keys import SpocName
from calnet_ops.simulator.apertures import stamp_of
from calnet_ops.simulator.cards import BLOCK, Value, Writer, header, writer_of
from calnet_ops.simulator.checksum import seal
from calnet_ops.simulator.photometry import Observation, cdpp
from calnet_ops.simulator.pointing import PIXELS_PER_DEGREE, Pointing, north_east, pixel_axes
from calnet_ops.simulator.stars import Star
from calnet_ops.simulator.timeline import BTJD_ZERO, CADENCES_PER_DAY, J2000, Q_DESATURATION

Floats = npt.NDArray[np.float64]

LIVE_SHARE = 0.792
"""DEADC: 0.99 for the readout times 0.8 for the two of ten exposures that cosmic-ray mitigation
drops."""

MAP_ABOVE = 12.0
"""PDCVAR above which SPOC fell back from msMAP to MAP in most real files."""

REDELIVERY_DAYS = 400
"""Later deliveries of a sector are dated so many days apart; sectors 1-13 waited 1.5 to 2 years."""


def file_name(pointing: Pointing, tic: int) -> str:
    """Name of a light curve at MAST."""
    return str(SpocName(pointing.stamp, pointing.sector, tic, pointing.scid))


def spoc_file(
    rng: np.random.Generator,
    star: Star,
    pointing: Pointing,
    observation: Observation,
    delivery: int = 1,
) -> bytes:
    """All bytes of a light curve.

    Parameters
    ----------
    rng
        Seeded by star and sector; draws the numbers that describe the pipeline's work.
    star, pointing, observation
        Who, where and what.
    delivery
        2 and later are dated later, from a later pipeline.
    """
    writer = writer_of(pointing.sector)
    written = _written(rng, pointing, delivery)
    times = _times(observation.table)
    shared = _shared(star, pointing, times, written, delivery)
    placed = _placed(star, times)
    aperture, stamp = _aperture(rng, star, observation.n_pixel)
    body = _hdu("PRIMARY", shared, writer)
    curve = shared | placed | _pipeline(rng, star, observation) | _electronics(star)
    curve["NAXIS2"] = len(observation.table)
    body += _hdu("LIGHTCURVE", curve, writer, observation.table.tobytes())
    image = shared | placed | _world(star, pointing, placed, stamp)
    image |= {"NAXIS1": aperture.shape[1], "NAXIS2": aperture.shape[0]}
    image |= {"NPIXSAP": observation.n_pixel, "NPIXMISS": 0}
    body += _hdu("APERTURE", image, writer, aperture.astype(">i4").tobytes())
    return bytes(body)


def _hdu(hdu: str, values: dict[str, Value], writer: Writer, data: bytes = b"") -> bytearray:
    """Header and data of one HDU, padded and sealed."""
    body = header(hdu, values, writer) + data
    body += bytes(-len(body) % BLOCK)
    seal(body)
    return body


def _written(rng: np.random.Generator, pointing: Pointing, delivery: int) -> datetime:
    """When the pipeline wrote the file."""
    day = date.fromisoformat(pointing.date) + timedelta(days=REDELIVERY_DAYS * (delivery - 1))
    seconds = int(rng.integers(0, 86400))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)


def _times(table: npt.NDArray[np.void]) -> tuple[float, float]:
    """TSTART and TSTOP [BTJD]: the edges of the first and last cadence outside a momentum dump."""
    time = table["TIME"]
    usable = np.flatnonzero(np.isfinite(time) & ((table["QUALITY"] & Q_DESATURATION) == 0))
    half = 0.5 / CADENCES_PER_DAY
    return float(time[usable[0]]) - half, float(time[usable[-1]]) + half


def _utc(btjd: float) -> str:
    """Calendar date as SPOC prints it; TDB is 69.184 s ahead of UTC since 2017."""
    epoch = datetime(2014, 12, 8, 12, tzinfo=UTC)  # BTJD 0 = JD 2457000
    moment = epoch + timedelta(days=btjd) - timedelta(seconds=69.184)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _shared(
    star: Star,
    pointing: Pointing,
    times: tuple[float, float],
    written: datetime,
    delivery: int,
) -> dict[str, Value]:
    """Cards of the primary header, many of which come again in the others."""
    procver = pointing.procver if delivery == 1 else f"5.0.{130 + delivery}-{written:%Y%m%d}"
    return {
        "SIMDATA": True,
        "DATE": f"{written:%Y-%m-%d}",
        "TSTART": times[0],
        "TSTOP": times[1],
        "DATE-OBS": _utc(times[0]),
        "DATE-END": _utc(times[1]),
        "CREATOR": f"{pointing.job + 1000 * (delivery - 1)} LightCurveExporterPipelineModule",
        "PROCVER": f"spoc-{procver}",
        "DATA_REL": pointing.data_rel + 30 * (delivery - 1),
        "OBJECT": f"TIC {star.tic}",
        "TICID": star.tic,
        "SECTOR": pointing.sector,
        "CAMERA": star.camera,
        "CCD": star.ccd,
        "PXTABLE": pointing.pxtable,
        "RA_OBJ": star.ra,
        "DEC_OBJ": star.dec,
        "PMRA": _single(star.pm_ra),
        "PMDEC": _single(star.pm_dec),
        "PMTOTAL": _single(float(np.hypot(star.pm_ra, star.pm_dec))),
        "TESSMAG": _single(star.tmag),
        "TEFF": _single(star.teff),
        "LOGG": _single(star.logg),
        "MH": None if star.metallicity is None else _single(star.metallicity),
        "RADIUS": _single(star.radius),
        "TICVER": "8.2" if pointing.sector in {14, 15} or pointing.sector >= 38 else "8.1",  # noqa: PLR2004
        "CHECKSUM": "0" * 16,
        "written": f"{written:%Y-%m-%dT%H:%M:%SZ}",
        "camera": star.camera,
        "ccd": star.ccd,
    }


def _single(value: float) -> float:
    """Round to single precision: these columns of TIC are floats."""
    return float(np.float32(value))


def _placed(star: Star, times: tuple[float, float]) -> dict[str, Value]:
    """Place at the time of the sector (SPOC moves RA_OBJ, not DEC_OBJ) and length of it."""
    years = (times[0] + BTJD_ZERO - J2000) / 365.25
    moved = star.pm_ra / np.cos(np.radians(star.dec)) * years / 3.6e6
    span = times[1] - times[0]
    return {
        "RA_OBJ": float(star.ra + moved),
        "EXPOSURE": span * LIVE_SHARE,
        "TELAPSE": span,
        "LIVETIME": span * LIVE_SHARE,
        "CRVAL1": float(star.ra + moved),
        "CRVAL2": float(star.dec + star.pm_dec * years / 3.6e6),
    }


def _electronics(star: Star) -> dict[str, Value]:
    """Gains and read noise of the CCD, the same in every sector."""
    rng = np.random.default_rng([star.camera, star.ccd])
    delay = {1: 0.0, 2: 1.5, 3: 0.5, 4: 1.0}[star.camera] + 0.02 * (star.ccd - 1)
    values: dict[str, Value] = {"TIMEDEL": 1 / CADENCES_PER_DAY, "TMOFST": round(delay, 2)}
    for k, output in enumerate("ABCD"):
        values[f"GAIN{output}"] = _single(round(float(rng.uniform(5.11, 5.35)), 2))
        read_noise = rng.uniform(9.2, 10.4) if k in {0, 3} else rng.uniform(7.2, 7.9)
        values[f"READNOI{output}"] = _single(round(float(read_noise), 4))
        values[f"MEANBLC{output}"] = int(rng.integers(6150, 6900))
    return values


def _pipeline(rng: np.random.Generator, star: Star, observation: Observation) -> dict[str, Value]:
    """Draw what the pipeline says of its own work."""
    fallback = observation.variability > MAP_ABOVE
    noise = (observation.white, observation.red)
    values: dict[str, Value] = {
        "CDPP0_5": _single(cdpp(*noise, 0.5)),
        "CDPP1_0": _single(cdpp(*noise, 1.0)),
        "CDPP2_0": _single(cdpp(*noise, 2.0)),
        "CROWDSAP": _single(star.crowdsap),
        "FLFRCSAP": _single(star.flfrcsap),
        "PDCVAR": observation.variability,
        "PDCMETHD": "MAP" if fallback else "msMAP",
        "NUMBAND": 1 if fallback else 3,
        "PDC_VAR": None,
        "PDC_VARP": None,
        "PDC_EPT": None,
        "PDC_EPTP": None,
    }
    for band in range(1, 2 if fallback else 4):
        prior = fallback or band > 1
        values[f"FITTYPE{band}"] = "prior" if prior else "reducedRobust"
        values[f"PR_GOOD{band}"] = float(rng.beta(3, 2))
        values[f"PR_WGHT{band}"] = float(rng.lognormal(4, 1)) if prior else 0.0
    for name in ("TOT", "COR", "NOI"):
        values[f"PDC_{name}"] = float(1 - rng.beta(1, 30))
        values[f"PDC_{name}P"] = float(rng.uniform(5, 95))
    return values


def _aperture(
    rng: np.random.Generator, star: Star, n_pixel: int
) -> tuple[npt.NDArray[np.int32], tuple[int, int]]:
    """Pixel bits (n_row, n_column), and column and row of the stamp's first pixel.

    1 collected, 2 optimal aperture, 4 background, 8 centroid, 32 to 256 the CCD output.
    """
    stamp = stamp_of(star)
    output = 32 << int(np.clip((star.column - 44) // 512, 0, 3))
    bits = np.full(stamp.shape, 1 | output, dtype=np.int32)
    bits.flat[stamp.order[:n_pixel]] |= 2 | 8
    bits.flat[rng.permutation(stamp.order[-45:])[:25]] |= 4
    return bits, stamp.first


def _world(
    star: Star, pointing: Pointing, placed: dict[str, Value], stamp: tuple[int, int]
) -> dict[str, Value]:
    """World coordinates of the stamp: a tangent plane turned as the camera is."""
    north, east = north_east(star.ra, star.dec)
    column_axis, row_axis = pixel_axes(pointing, star.camera, star.ccd)
    scale = 1 / PIXELS_PER_DEGREE
    return {
        "CRPIX1": star.column - stamp[0] + 1,
        "CRPIX2": star.row - stamp[1] + 1,
        "CRVAL1": placed["CRVAL1"],
        "CRVAL2": placed["CRVAL2"],
        "CDELT1": -scale,
        "CDELT2": scale,
        "PC1_1": -float(column_axis @ east),
        "PC1_2": -float(row_axis @ east),
        "PC2_1": float(column_axis @ north),
        "PC2_2": float(row_axis @ north),
        "CRVAL1P": stamp[0],
        "CRVAL2P": stamp[1],
    }
