"""Numbers that only the whole sector gives: a file beside the others, and the sector itself."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.science.checks.noise import expected_noise_ppm
from calnet_ops.science.lightcurve.light_curve import Floats

STORED = "stored"
"""Status in a manifest of a file that is believed."""


def with_sector_columns(statistics: pa.Table) -> pa.Table:
    """Statistics of files, with how each compares to the sector and to its magnitude.

    Parameters
    ----------
    statistics
        Rows of `file_statistics`.

    Returns
    -------
    statistics
        With ``start_offset_d`` [d] and ``row_offset``, both from the sector's median;
        ``noise_excess``, error over that expected of its magnitude; ``noise_ratio``, scatter
        over error.
    """
    start, n_row = _floats(statistics, "time_start"), _floats(statistics, "n_row")
    flux_err_ppm = _floats(statistics, "flux_err_ppm")
    columns = {
        "start_offset_d": start - _median(start),
        "row_offset": n_row - _median(n_row),
        "noise_excess": flux_err_ppm / expected_noise_ppm(_floats(statistics, "tmag")),
        "noise_ratio": _floats(statistics, "scatter_ppm") / flux_err_ppm,
    }
    for name, values in columns.items():
        statistics = statistics.append_column(name, pa.array(values))
    return statistics


def sector_statistics(
    statistics: pa.Table, manifest: pa.Table, n_listed: int
) -> dict[str, float | int]:
    """Numbers by which a sector is judged.

    Parameters
    ----------
    statistics
        Output of `with_sector_columns`.
    manifest
        What became of each listed file: column ``status``.
    n_listed
        Files in the sector's download script.
    """
    n_quarantined = pc.sum(pc.not_equal(manifest["status"], STORED)).as_py() or 0
    return {
        "n_listed": n_listed,
        "n_missing": n_listed - len(manifest),
        "n_unjudged": len(manifest) - n_quarantined - len(statistics),
        "n_quarantined": n_quarantined,
        "share_quarantined": n_quarantined / max(len(manifest), 1),
        "median_noise_excess": _median(_floats(statistics, "noise_excess")),
        "median_share_good": _median(_floats(statistics, "share_good")),
        "median_magnitude_residual": _median(_floats(statistics, "magnitude_residual")),
        "n_origin": len(pc.unique(statistics["simulated"])) if len(statistics) else 0,
    }


def _floats(table: pa.Table, column: str) -> Floats:
    if not len(table):
        return np.empty(0)
    values: Floats = table[column].to_numpy().astype(np.float64)
    return values


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan
