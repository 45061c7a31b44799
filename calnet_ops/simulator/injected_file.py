"""The bytes of a real SPOC light curve after its flux was changed: all else stays as it was."""

import io
from collections.abc import Iterable, Iterator

import numpy as np

from calnet_ops.simulator.cards import BLOCK, CARD
from calnet_ops.simulator.checksum import ones_sum, seal
from calnet_ops.simulator.injection import Change

FIRST_INJECTED = 950_000_000_000
"""TIC numbers of stars made of real ones: as far beyond real numbers as those of simulated sectors,
which begin at 900,000,000,000."""

FLUXES = ("PDCSAP_FLUX", "SAP_FLUX")
"""Columns that change, each with its ``_ERR``."""


def changed_file(body: bytes, change: Change, tic: int, history: Iterable[str]) -> bytes:
    """A SPOC light curve with another flux, marked as simulated.

    Parameters
    ----------
    body
        The real file.
    change
        Made to PDCSAP_FLUX; and to SAP_FLUX, in which other stars have a share of the light
        (1 - CROWDSAP), which is not multiplied. Errors are multiplied as the flux is.
    tic
        Number that the star gets in all headers.
    history
        Lines for the primary header, each at most 71 characters.

    Returns
    -------
    body
        With the same cards and columns, SIMDATA = T, the lines of `history`, and new checksums.
    """
    hdus = list(_hdus(body))
    parts = []
    for number, (header, data) in enumerate(hdus):
        if number == 1:
            data[:] = _changed_table(body, data, change)
        _set_card(header, "SIMDATA", "T".rjust(20))
        _set_card(header, "TICID", str(tic).rjust(20))
        _set_card(header, "OBJECT", f"'TIC {tic}'".ljust(20))
        _set_card(header, "DATASUM", f"'{ones_sum(data)}'".ljust(20))
        whole = (_with_history(header, history) if number == 0 else header) + data
        seal(whole)
        parts.append(bytes(whole))
    return b"".join(parts)


def _hdus(body: bytes) -> Iterator[tuple[bytearray, bytearray]]:
    """Header and data of each HDU."""
    from astropy.io import fits

    with fits.open(io.BytesIO(body)) as hdus:
        for place in (hdu.fileinfo() for hdu in hdus):
            start = place["datLoc"]
            yield (
                bytearray(body[place["hdrLoc"] : start]),
                bytearray(body[start : start + place["datSpan"]]),
            )


def _changed_table(body: bytes, data: bytearray, change: Change) -> bytes:
    """Data of the light curve's HDU with the fluxes changed in place."""
    from astropy.io import fits

    with fits.open(io.BytesIO(body)) as hdus:
        row = hdus[1].columns.dtype.newbyteorder(">")
        n_row, crowdsap = hdus[1].header["NAXIS2"], hdus[1].header.get("CROWDSAP", 1.0)
    table = np.frombuffer(data, row, n_row).copy()
    good = (table["QUALITY"] == 0) & np.isfinite(table["TIME"]) & np.isfinite(table["PDCSAP_FLUX"])
    for name in FLUXES:
        own = 1.0 if name == "PDCSAP_FLUX" else float(crowdsap)
        flux, error = (table[column].astype(np.float64) for column in (name, f"{name}_ERR"))
        flux, error = change.apply(flux, error, good, own)
        table[name], table[f"{name}_ERR"] = flux, error
    return table.tobytes() + bytes(data[table.nbytes :])


def _set_card(header: bytearray, keyword: str, value: str) -> None:
    """Write a value of 20 characters into a card, if the header has it."""
    for start in range(0, len(header), CARD):
        if header[start : start + 10] == f"{keyword:8}= ".encode():
            header[start + 10 : start + 30] = value.encode()
            return


def _with_history(header: bytearray, history: Iterable[str]) -> bytearray:
    """The header with lines of HISTORY before its END, in whole blocks."""
    end = next(
        start
        for start in range(0, len(header), CARD)
        if header[start : start + CARD] == b"END".ljust(CARD)
    )
    lines = "".join(f"HISTORY  {line}"[:CARD].ljust(CARD) for line in history)
    kept = header[:end] + lines.encode("ascii") + b"END".ljust(CARD)
    return kept.ljust(-(-len(kept) // BLOCK) * BLOCK)
