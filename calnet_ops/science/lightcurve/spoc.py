"""SPOC light curves: which files to believe, and what is in them."""

from dataclasses import dataclass

import numpy as np

from calnet_ops.errors import (
    ChecksumMismatch,
    EmptyFile,
    FluxWithoutTime,
    ForeignProduct,
    HeaderDisagrees,
    WrongLayout,
)
from calnet_ops.keys import SpocName
from calnet_ops.science.lightcurve.fits_curve import (
    DAY_S,
    Rows,
    build_curve,
    check_times,
    floats,
    integers,
)
from calnet_ops.science.lightcurve.hdus import (
    Columns,
    Hdu,
    split_hdus,
    sums_to_minus_zero,
    table_columns,
    table_rows,
)
from calnet_ops.science.lightcurve.light_curve import Floats, Integers, LightCurve

CADENCE_S = 120.0
"""Two-minute light curves [s]; TESS-SPOC has 1800, 600 and 200, the fast ones 20."""

ORIGIN = "NASA/Ames"
"""ORIGIN card of everything that SPOC makes; QLP, TGLC, TASOC write their own."""

COLUMNS = (
    *(("TIME", "D"), ("TIMECORR", "E"), ("CADENCENO", "J")),
    *(("SAP_FLUX", "E"), ("SAP_FLUX_ERR", "E"), ("SAP_BKG", "E"), ("SAP_BKG_ERR", "E")),
    *(("PDCSAP_FLUX", "E"), ("PDCSAP_FLUX_ERR", "E"), ("QUALITY", "J")),
    *(("PSF_CENTR1", "D"), ("PSF_CENTR1_ERR", "E"), ("PSF_CENTR2", "D"), ("PSF_CENTR2_ERR", "E")),
    *(("MOM_CENTR1", "D"), ("MOM_CENTR1_ERR", "E"), ("MOM_CENTR2", "D"), ("MOM_CENTR2_ERR", "E")),
    *(("POS_CORR1", "E"), ("POS_CORR2", "E")),
)
"""Name and TFORM of the 20 columns, in their order (EXP-TESS-ARC-ICD-0014, section 5)."""

UNITS = (
    *("BJD - 2457000, days", "d", "", *["e-/s"] * 6, ""),
    *(*["pixel"] * 8, *["pixels"] * 2),
)
"""TUNIT of the columns in 49 real files; their spelling is not that of the FITS standard."""

USED = {
    "flux": "PDCSAP_FLUX",
    "flux_err": "PDCSAP_FLUX_ERR",
    "background": "SAP_BKG",
    "centroid_col": "MOM_CENTR1",
    "centroid_row": "MOM_CENTR2",
}
"""Column for each part of a light curve."""

HDU_NAMES = ("PRIMARY", "LIGHTCURVE", "APERTURE")
"""EXTNAME of the three units."""


@dataclass(frozen=True, slots=True)
class SpocFacts:
    """What a believed file says about itself."""

    tic: int
    """TESS Input Catalog number."""
    sector: int
    """TESS sector."""
    camera: int
    """1 to 4."""
    ccd: int
    """1 to 4."""
    date: str
    """Day the file was made, UTC (DATE): part of its identity, as names are used again."""
    procver: str
    """Version of the SPOC pipeline (PROCVER)."""
    data_rel: int
    """Data release (DATA_REL)."""
    simulated: bool
    """Whether the star never was (SIMDATA)."""
    n_row: int
    """Rows of the table."""
    object_name: str
    """OBJECT card, "TIC 261136679"."""


def verify(file_name: str, body: bytes) -> SpocFacts:
    """Check every byte of a two-minute light curve, from the outside to the inside.

    Parameters
    ----------
    file_name
        Name under which the archive lists it.
    body
        The whole file as it came.

    Raises
    ------
    EmptyFile, NotFits, ForeignProduct, Truncated, WrongLayout
        If it is no such file at all.
    ChecksumMismatch
        If bytes have changed since SPOC wrote them.
    HeaderDisagrees
        If its cards name another star or sector than its name.
    TimesNotIncreasing, FluxWithoutTime
        If the table contradicts itself.

    Notes
    -----
    0.6 ms for 2 MB on one core, a third of it the checksum. Astropy's own check takes intact files
    for damaged ones (CHECKSUM without DATASUM).

    A file has 28,800 bytes and the blocks of its table, 100 bytes a row: true of 48 in 49 real
    files, but not of a bright star whose aperture takes another block. So that is no check here,
    and need not be: each unit's own header says its length, and every byte belongs to a unit.
    """
    hdus, rows = _believe(file_name, body)
    check_rows(file_name, rows)
    return _facts(hdus)


def verify_and_read(file_name: str, body: bytes) -> tuple[SpocFacts, LightCurve]:
    """Do what `verify` and then `read` do, for less: headers are read once.

    Raises
    ------
    QuarantinedFile
        As `verify` does.
    """
    hdus, rows = _believe(file_name, body)
    curve = _curve(hdus, rows)
    _check_cadences(file_name, curve.cadence_no, curve.time, curve.quality, curve.flux)
    return _facts(hdus), curve


def verify_content(what: str, body: bytes) -> None:
    """Check all of a SPOC or TESS-SPOC file but its name and its cadence.

    Raises
    ------
    EmptyFile, NotFits, Truncated, WrongLayout, ChecksumMismatch
        As `verify` does.
    TimesNotIncreasing, FluxWithoutTime
        As `verify` does.
    """
    _content(what, body)


def read_checked(name: str, body: bytes) -> LightCurve:
    """Light curve of any cadence, once its content is believed whatever its name.

    Raises
    ------
    QuarantinedFile
        If it is not; the class says why.
    """
    return _curve(*_content(name, body))


def read(body: bytes) -> LightCurve:
    """Light curve in a file that `verify` believes.

    Raises
    ------
    QuarantinedFile
        If the file is another one.

    Notes
    -----
    0.4 ms on one core, with no library between the bytes and the arrays.
    """
    hdus = split_hdus("light curve", body)
    if len(hdus) < 2:  # noqa: PLR2004  # the first has no table
        raise WrongLayout("light curve", found="one HDU", expected=f"{HDU_NAMES}")
    return _curve(hdus, table_rows(hdus[1], body))


def claims(hdus: list[Hdu]) -> bool:
    """Whether this is a two-minute light curve of SPOC, by its headers."""
    return made_by_spoc(hdus) and is_two_minute(hdus[1])


def made_by_spoc(hdus: list[Hdu]) -> bool:
    """Whether it is a light curve of SPOC, of any cadence, by its headers."""
    return (
        len(hdus) > 1
        and hdus[0].text("ORIGIN") == ORIGIN
        and hdus[1].text("TTYPE8") == "PDCSAP_FLUX"
    )


def is_two_minute(table: Hdu) -> bool:
    """Whether the cadence is two minutes, to 1%."""
    return abs(table.number("TIMEDEL") * DAY_S / CADENCE_S - 1) < 0.01  # noqa: PLR2004


def check_layout(what: str, hdus: list[Hdu], body: bytes) -> Rows:
    """Rows of the table, once there are three units and the 20 columns of SPOC.

    Raises
    ------
    WrongLayout
        If there are not, if a column is in another unit, or if there is no row.
    """
    names = tuple(hdu.text("EXTNAME") for hdu in hdus)
    if names != HDU_NAMES:
        found = ", ".join(name[:20] for name in names)
        raise WrongLayout(what, found=f"HDUs {found}", expected=f"{HDU_NAMES}")
    table = hdus[1]
    columns = table_columns(table)
    if columns != COLUMNS:
        raise _other_columns(what, columns)
    for number, unit in enumerate(UNITS, 1):
        if table.text(f"TUNIT{number}") not in {unit, ""}:
            found = f"in {table.text(f'TUNIT{number}')!r}"
            column = f"{what}[{COLUMNS[number - 1][0]}]"
            raise WrongLayout(column, found=found, expected=unit or "no unit")
    rows = table_rows(table, body, columns)
    if not len(rows):
        raise WrongLayout(what, found="no row", expected="a row a cadence")
    return rows


def check_rows(what: str, rows: Rows) -> None:
    """Check that cadences follow each other and that times increase.

    Raises
    ------
    WrongLayout
        If cadence numbers are not contiguous.
    TimesNotIncreasing
        If a finite time is not later than the finite one before it.
    FluxWithoutTime
        If a cadence of QUALITY 0 has a flux but no time. (Both missing is common.)
    """
    time, cadence_no = floats(rows, "TIME"), integers(rows, "CADENCENO")
    _check_cadences(what, cadence_no, time, rows["QUALITY"], rows["PDCSAP_FLUX"])


def _check_cadences(
    what: str, cadence_no: Integers, time: Floats, quality: np.ndarray, flux: np.ndarray
) -> None:
    """Check columns, native ones or those of the file, as `check_rows` says."""
    jumps = np.flatnonzero(np.diff(cadence_no) != 1)
    if len(jumps):
        after = f"{cadence_no[jumps[0]]} followed by {cadence_no[jumps[0] + 1]}"
        raise WrongLayout(what, found=f"CADENCENO {after}", expected="contiguous numbers")
    check_times(what, time)
    lost = np.flatnonzero(~np.isfinite(time))
    lost = lost[quality[lost] == 0]
    n_lost = int(np.isfinite(flux[lost]).sum())
    if n_lost:
        raise FluxWithoutTime(
            what,
            found=f"{n_lost} cadences of QUALITY 0 with PDCSAP_FLUX and no TIME",
            expected="a time for every flux",
        )


def _content(what: str, body: bytes) -> tuple[list[Hdu], Rows]:
    """Headers and rows, if they belong to an undamaged file of SPOC."""
    hdus = _split(what, body)
    _check_sums(what, hdus, body)
    rows = check_layout(what, hdus, body)
    check_rows(what, rows)
    return hdus, rows


def _believe(file_name: str, body: bytes) -> tuple[list[Hdu], Rows]:
    """Headers and rows, if they belong to an undamaged two-minute light curve of that name.

    What the rows say is left to be checked.
    """
    hdus = _split(file_name, body)
    name = SpocName.parse(file_name)
    _check_sums(file_name, hdus, body)
    _check_product(file_name, hdus)
    rows = check_layout(file_name, hdus, body)
    _check_identity(file_name, name, hdus)
    return hdus, rows


def _split(what: str, body: bytes) -> list[Hdu]:
    if not body:
        raise EmptyFile(what, found="0 bytes", expected="a FITS file")
    return split_hdus(what, body)


def _curve(hdus: list[Hdu], rows: Rows) -> LightCurve:
    return build_curve(hdus[0], hdus[1], rows, USED)


def _other_columns(what: str, columns: Columns) -> WrongLayout:
    """Say which is the first column that is not SPOC's."""
    for position in range(max(len(columns), len(COLUMNS))):
        found, expected = columns[position : position + 1], COLUMNS[position : position + 1]
        if found != expected:
            break
    return WrongLayout(f"{what}[column {position + 1}]", found=f"{found}", expected=f"{expected}")


def _check_sums(what: str, hdus: list[Hdu], body: bytes) -> None:
    """Damage is told first: it can look like any other fault. A missing card is a layout."""
    for number, hdu in enumerate(hdus):
        if "CHECKSUM" in hdu.cards and not sums_to_minus_zero(hdu, body):
            raise ChecksumMismatch(
                f"{what}[HDU {number}]",
                found="another ones'-complement sum",
                expected=f"0xFFFFFFFF, as CHECKSUM {hdu.text('CHECKSUM')} promises",
                cure="Fetch the file again.",
            )


def _check_product(what: str, hdus: list[Hdu]) -> None:
    origin = hdus[0].text("ORIGIN")
    if origin != ORIGIN:
        raise ForeignProduct(what, found=f"ORIGIN {origin!r}", expected=repr(ORIGIN))
    if len(hdus) > 1 and not is_two_minute(hdus[1]):
        cadence_s = hdus[1].number("TIMEDEL") * DAY_S
        raise ForeignProduct(what, found=f"a cadence of {cadence_s:.4g} s", expected="120 s")
    bare = [number for number, hdu in enumerate(hdus) if "CHECKSUM" not in hdu.cards]
    if bare:
        raise WrongLayout(f"{what}[HDU {bare[0]}]", found="no CHECKSUM", expected="one in each HDU")


def _check_identity(what: str, name: SpocName, hdus: list[Hdu]) -> None:
    primary, table = hdus[:2]
    found = (
        primary.integer("TICID"),
        table.integer("TICID"),
        primary.text("OBJECT"),
        primary.integer("SECTOR"),
    )
    expected = (name.tic, name.tic, f"TIC {name.tic}", name.sector)
    if found != expected:
        raise HeaderDisagrees(
            what,
            found="TICID {}, TICID {} of the table, OBJECT {!r}, SECTOR {}".format(*found),
            expected=f"TIC {name.tic}, sector {name.sector}",
        )


def _facts(hdus: list[Hdu]) -> SpocFacts:
    primary = hdus[0]
    return SpocFacts(
        tic=primary.integer("TICID"),
        sector=primary.integer("SECTOR"),
        camera=primary.integer("CAMERA"),
        ccd=primary.integer("CCD"),
        date=primary.text("DATE"),
        procver=primary.text("PROCVER"),
        data_rel=primary.integer("DATA_REL", below=2**31),
        simulated=primary.value("SIMDATA") is True,
        n_row=hdus[1].integer("NAXIS2"),
        object_name=primary.text("OBJECT"),
    )
