"""Any light curve we know, recognised by its content."""

from calnet_ops.errors import EmptyFile, ForeignProduct
from calnet_ops.science.lightcurve import qlp, spoc, table, tess_spoc
from calnet_ops.science.lightcurve.hdus import SIGNATURE, split_hdus
from calnet_ops.science.lightcurve.light_curve import LightCurve

FITS_READERS = (
    (spoc.claims, spoc.read_checked),
    (tess_spoc.claims, tess_spoc.read),
    (qlp.claims, qlp.read),
)
"""Who says "mine" on seeing the headers, and how it is then read. The first one wins.

SPOC's two-minute files have the same table as TESS-SPOC's; under an archive's name, they go
through `spoc.verify`, which asks for more.
"""


def read_any(name: str, body: bytes) -> LightCurve:
    """Light curve in a file of any kind we know.

    Parameters
    ----------
    name
        File name, for messages; tables may carry TIC and sector in it.
    body
        The whole file.

    Raises
    ------
    QuarantinedFile
        If it is of no known kind, or not to be believed; the class says why.
    """
    if not body:
        raise EmptyFile(name, found="0 bytes", expected="a light curve")
    if not body.startswith(SIGNATURE) and table.claims(body):
        return table.read(name, body)
    hdus = split_hdus(name, body)
    for claims, read in FITS_READERS:
        if claims(hdus):
            return read(name, body)
    raise ForeignProduct(
        name,
        found=f"a FITS file of {hdus[0].text('ORIGIN') or 'unknown origin'}",
        expected="SPOC, TESS-SPOC, QLP, or a table with time and flux",
    )
