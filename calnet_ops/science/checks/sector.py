"""Numbers that only the whole sector gives: a file beside the others, and the sector itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.errors import ForeignProduct
from calnet_ops.keys import SpocName
from calnet_ops.science.checks.noise import expected_noise_ppm
from calnet_ops.science.checks.statistics import COLUMNS, QUALITY_BITS
from calnet_ops.science.checks.windows import UNKNOWN_MARGIN_D, sector_window
from calnet_ops.science.lightcurve.light_curve import Floats

STORED = "stored"
"""Status in a manifest of a file that is believed."""

DUPLICATE = "duplicate target"
"""Reason in a manifest for setting aside a second file of a star."""

CAMERAS, CCDS = (1, 2, 3, 4), (1, 2, 3, 4)
"""TESS has four cameras of four CCDs each."""

COMPARED = {
    "median_noise_excess": np.divide,
    "median_background": np.divide,
    "n_listed": np.divide,
    "median_share_good": np.subtract,
    "median_magnitude_residual": np.subtract,
    "median_tmag": np.subtract,
}
"""Numbers that are held against sectors judged before, and how: a ratio or a difference."""

Statistics = Mapping[str, float | int | None]
"""Numbers of a sector, by name."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many files a sector should have, by those who know."""

    n_listed: int
    """Lines of its download script."""
    n_target: int
    """Of these, different two-minute targets."""
    n_expected: int | None = None
    """Rows of its CDPP table; None if that could not be had."""


def with_sector_columns(statistics: pa.Table, sector: int) -> pa.Table:
    """Statistics of files, with how each compares to the sector and to its magnitude.

    Parameters
    ----------
    statistics
        Rows of `file_statistics` with their ``file_name``. Columns that are missing, since the
        files were ingested by an older version, become null.
    sector
        TESS sector that the files should be of.

    Returns
    -------
    statistics
        With ``start_offset_d`` [d] and ``row_offset``, both from the sector's median;
        ``outside_window_d``, how far [d] the file reaches beyond the sector's window (negative:
        it does not); ``name_agrees``, 1 or 0; ``noise_excess``, error over that expected of its
        magnitude; ``noise_ratio``, scatter over error.
    """
    for field in COLUMNS:
        if field.name not in statistics.column_names:
            statistics = statistics.append_column(field, pa.nulls(len(statistics), field.type))
    start, n_row = _floats(statistics, "time_start"), _floats(statistics, "n_row")
    flux_err_ppm = _floats(statistics, "flux_err_ppm")
    columns = {
        "start_offset_d": start - _median(start),
        "outside_window_d": _outside(start, _floats(statistics, "time_stop"), sector),
        "row_offset": n_row - _median(n_row),
        "name_agrees": _name_agrees(statistics, sector),
        "noise_excess": flux_err_ppm / expected_noise_ppm(_floats(statistics, "tmag")),
        "noise_ratio": _floats(statistics, "scatter_ppm") / flux_err_ppm,
    }
    for name, values in columns.items():
        statistics = statistics.append_column(name, pa.array(values))
    return statistics


def ccd_statistics(statistics: pa.Table) -> pa.Table:
    """One row for each of the 16 CCDs, also for one without a file.

    Parameters
    ----------
    statistics
        Output of `with_sector_columns`.

    Returns
    -------
    ccds
        ``place`` (camera 1 CCD 2), ``camera``, ``ccd``, ``n_file``, ``share_of_even``: files over
        a sixteenth of all; medians over or minus those of the sector: ``noise_vs_sector``,
        ``good_vs_sector``, ``residual_vs_sector`` [mag].
    """
    camera, ccd = _floats(statistics, "camera"), _floats(statistics, "ccd")
    noise, good = _floats(statistics, "noise_excess"), _floats(statistics, "share_good")
    residual = _floats(statistics, "magnitude_residual")
    rows = []
    for place in ((i, j) for i in CAMERAS for j in CCDS):
        here = (camera == place[0]) & (ccd == place[1])
        rows.append(
            {
                "place": f"camera {place[0]} CCD {place[1]}",
                "camera": place[0],
                "ccd": place[1],
                "n_file": int(here.sum()),
                "share_of_even": float(here.sum() * 16 / max(len(here), 1)),
                "noise_vs_sector": _median(noise[here]) / _median(noise),
                "good_vs_sector": _median(good[here]) - _median(good),
                "residual_vs_sector": _median(residual[here]) - _median(residual),
            }
        )
    return pa.Table.from_pylist(rows)


def sector_statistics(
    statistics: pa.Table,
    manifest: pa.Table,
    size: Size,
    before: Sequence[Statistics] = (),
) -> dict[str, float | int]:
    """Numbers by which a sector is judged.

    Parameters
    ----------
    statistics
        Output of `with_sector_columns`.
    manifest
        What became of each listed file: column ``status``; if there, also ``reason``, ``trust``,
        ``compared``, ``procver`` and ``data_rel``.
    size
        How many files there should be.
    before
        The same numbers of other sectors, judged earlier.
    """
    whole: dict[str, float | int] = {
        **_counts(statistics, manifest, size),
        **_deliveries(manifest),
        **_medians(statistics),
        "n_camera": len(np.unique(_floats(statistics, "camera"))),
        "n_origin": len(pc.unique(statistics["simulated"])) if len(statistics) else 0,
        "share_simulated": pc.mean(statistics["simulated"]).as_py() or 0.0,
        "n_before": len(before),
    }
    return whole | {
        f"{name}_vs_before": float(compare(whole[name], _median_of(before, name)))
        for name, compare in COMPARED.items()
    }


def _counts(statistics: pa.Table, manifest: pa.Table, size: Size) -> dict[str, float | int]:
    """How many files there are, should be, and what became of them."""
    n_quarantined = pc.sum(pc.not_equal(manifest["status"], STORED)).as_py() or 0
    return {
        "n_listed": size.n_listed,
        "n_expected": np.nan if size.n_expected is None else size.n_expected,
        "listed_over_expected": size.n_target / size.n_expected if size.n_expected else np.nan,
        "n_missing": size.n_listed - len(manifest),
        "n_unjudged": len(manifest) - n_quarantined - len(statistics),
        "n_believed": len(manifest) - n_quarantined,
        "n_quarantined": n_quarantined,
        "share_quarantined": n_quarantined / max(len(manifest), 1),
        "n_duplicate": _count(manifest, "reason", DUPLICATE),
    }


def _deliveries(manifest: pa.Table) -> dict[str, float | int]:
    """How far the bytes are to be trusted, and whether all are of one processing."""
    n_compared = sum(_count(manifest, "compared", word) for word in ("same", "differs", "missing"))
    n_differ = _count(manifest, "compared", "differs")
    stored = manifest.filter(pc.equal(manifest["status"], STORED))
    return {
        "n_recovered": _count(manifest, "trust", "recovered"),
        "share_recovered": _count(manifest, "trust", "recovered") / max(len(manifest), 1),
        "n_suspect": _count(manifest, "trust", "suspect"),
        "n_compared": n_compared,
        "n_differ": n_differ,
        "share_differ": n_differ / max(n_compared, 1),
        "n_procver": _n_distinct(stored, "procver"),
        "n_data_rel": _n_distinct(stored, "data_rel"),
    }


def _medians(statistics: pa.Table) -> dict[str, float | int]:
    """The typical file; noise of the fainter half over that of the brighter half."""
    tmag, excess = _floats(statistics, "tmag"), _floats(statistics, "noise_excess")
    outside = _floats(statistics, "outside_window_d")
    faint = tmag > _median(tmag)
    return {
        "median_noise_excess": _median(excess),
        "noise_faint_over_bright": _median(excess[faint]) / _median(excess[~faint]),
        "median_share_good": _median(_floats(statistics, "share_good")),
        "median_magnitude_residual": _median(_floats(statistics, "magnitude_residual")),
        "median_background": _median(_floats(statistics, "background_median")),
        "median_tmag": _median(tmag),
        "range_tmag": float(np.subtract(*np.nanquantile(tmag, (0.99, 0.01))))
        if np.isfinite(tmag).any()
        else np.nan,
        "share_outside_window": float((outside > 0).mean()) if len(outside) else 0.0,
        **{
            f"median_share_{name}": _median(_floats(statistics, f"share_{name}"))
            for name in QUALITY_BITS
        },
    }


def _outside(start: Floats, stop: Floats, sector: int) -> Floats:
    """How far [d] files reach beyond the window of their sector, or of each other."""
    window = sector_window(sector)
    if window is not None:
        first, last = window.start, window.stop
    else:
        first, last = _median(start) - UNKNOWN_MARGIN_D, _median(stop) + UNKNOWN_MARGIN_D
    beyond: Floats = np.maximum(first - start, stop - last)
    return beyond


def _name_agrees(statistics: pa.Table, sector: int) -> list[int | None]:
    """1 where star and sector of the header are those of the file name and of the sector."""
    if "file_name" not in statistics.column_names:
        return [None] * len(statistics)
    rows = zip(
        *(statistics[name].to_pylist() for name in ("file_name", "tic", "sector")), strict=True
    )
    return [int(_named(name) == (tic, its) == (tic, sector)) for name, tic, its in rows]


def _named(file_name: str) -> tuple[int, int]:
    try:
        name = SpocName.parse(file_name)
    except ForeignProduct:
        return 0, 0
    return name.tic, name.sector


def _count(manifest: pa.Table, column: str, value: str) -> int:
    """Rows with a value; none in a manifest that has no such column yet."""
    if column not in manifest.column_names:
        return 0
    return pc.sum(pc.equal(manifest[column], value)).as_py() or 0


def _n_distinct(manifest: pa.Table, column: str) -> int:
    if column not in manifest.column_names:
        return 0
    return len(pc.unique(manifest[column].drop_null()))


def _median_of(before: Sequence[Statistics], name: str) -> float:
    values = (item.get(name) for item in before)
    return _median(np.array([v for v in values if v is not None], np.float64))


def _floats(table: pa.Table, column: str) -> Floats:
    if not len(table):
        return np.empty(0)
    values: Floats = table[column].to_numpy().astype(np.float64)
    return values


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan
