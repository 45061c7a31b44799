"""What features and a catalog look like in numbers."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from calnet_ops.science.checks.statistics import MAD_TO_SIGMA
from calnet_ops.science.features.tables import matrix
from calnet_ops.science.lightcurve.light_curve import Floats

SHAPE: Mapping[str, str] = MappingProxyType(
    {
        "flux_level": "median of the flux on its scale",
        "flux_noise": "step from sample to sample over the width of the flux",
        "flux_slow": "width of the medians of pieces over the width of the flux",
        "flux_skew": "how much further the flux reaches up than down, over its width",
        "power_median": "median of the power on its scale",
        "power_peak": "place of the strongest period on the grid, 0 shortest, 1 longest",
    }
)
"""Numbers of a segment's shape by which drift is told. None depends on the unit of the flux, and
all but the level only on widths between percentiles, which a single outlier does not move. Number
and length of segments are left out: they follow from the gaps of a sector, and differ in each."""

N_TOGETHER = 2048
"""Segments whose numbers are taken at once: 130 MB in double precision, however many there are."""

N_PIECE = 40
"""Pieces of a segment in `flux_slow`: half a day of an orbit's, longer than most periods."""

SEGMENTS = pa.schema(
    [
        ("name", pa.string()),
        ("tic", pa.int64()),
        ("segment", pa.int32()),
        ("n_cadence", pa.int32()),
        ("span_d", pa.float64()),
        ("n_not_finite", pa.int64()),
        ("flux_low", pa.float64()),
        ("flux_high", pa.float64()),
        ("power_low", pa.float64()),
        ("power_high", pa.float64()),
        *((name, pa.float64()) for name in SHAPE),
    ]
)
"""Columns of the statistics of features: one row a segment."""

Statistic = float | int


def segment_statistics(features: pa.Table) -> pa.Table:
    """Numbers by which features are judged: one row for each of theirs.

    Parameters
    ----------
    features
        Table of `calnet_ops.science.features.tables`.
    """
    flux, power = matrix(features, "flux"), matrix(features, "power")
    lost = (~np.isfinite(flux)).sum(axis=1) + (~np.isfinite(power)).sum(axis=1)
    pairs = zip(features["tic"].to_pylist(), features["segment"].to_pylist(), strict=True)
    columns = {
        "name": [f"TIC {tic} segment {segment}" for tic, segment in pairs],
        "tic": features["tic"],
        "segment": features["segment"],
        "n_cadence": features["n_cadence"],
        "span_d": pc.subtract(features["time_stop"], features["time_start"]),
        "n_not_finite": lost,
        "flux_low": flux.min(axis=1, initial=np.inf).astype(np.float64),
        "flux_high": flux.max(axis=1, initial=-np.inf).astype(np.float64),
        "power_low": power.min(axis=1, initial=np.inf).astype(np.float64),
        "power_high": power.max(axis=1, initial=-np.inf).astype(np.float64),
    }
    return pa.table(columns | segment_shape(flux, power)).cast(SEGMENTS)


def segment_shape(flux: NDArray[np.float32], power: NDArray[np.float32]) -> dict[str, Floats]:
    """Numbers of `SHAPE`, one of each for each segment; NaN where a segment has no width.

    Parameters
    ----------
    flux, power
        (n_segment, n_sample) and (n_segment, n_period).
    """
    blocks = [slice(start, start + N_TOGETHER) for start in range(0, len(flux), N_TOGETHER)]
    parts = [_shape_together(flux[block], power[block]) for block in blocks]
    return {name: np.concatenate([np.empty(0), *(part[name] for part in parts)]) for name in SHAPE}


def _shape_together(flux: NDArray[np.float32], power: NDArray[np.float32]) -> dict[str, Floats]:
    low, level, high = np.percentile(flux.astype(np.float64), [16, 50, 84], axis=1)
    width = np.where(high > low, (high - low) / 2, np.nan)
    step = np.median(np.abs(np.diff(flux, axis=1)), axis=1) * MAD_TO_SIGMA / np.sqrt(2)
    n_sample = flux.shape[1] // N_PIECE * N_PIECE
    pieces = np.median(flux[:, :n_sample].reshape(len(flux), N_PIECE, -1), axis=2)
    slow_low, slow_high = np.percentile(pieces.astype(np.float64), [16, 84], axis=1)
    return {
        "flux_level": level,
        "flux_noise": step / width,
        "flux_slow": (slow_high - slow_low) / 2 / width,
        "flux_skew": (high + low - 2 * level) / width,
        "power_median": np.median(power, axis=1).astype(np.float64),
        "power_peak": power.argmax(axis=1) / max(1, power.shape[1] - 1),
    }


def feature_statistics(segments: pa.Table, n_file: int, n_skipped: int) -> dict[str, Statistic]:
    """Numbers of all features of a sector.

    Parameters
    ----------
    segments
        Output of `segment_statistics` for all shards of the sector.
    n_file
        Files that were to give features.
    n_skipped
        Of these, files that gave none, with a reason.
    """
    n_star = len(pc.unique(segments["tic"]))
    return {
        "n_file": n_file,
        "n_segment": len(segments),
        "n_lost": n_file - n_skipped - n_star,
        "share_with_features": n_star / max(n_file, 1),
        "segments_per_file": len(segments) / n_star if n_star else np.nan,
    }


def catalog_columns(catalog: pa.Table) -> pa.Table:
    """Catalog with the numbers that follow from several of its columns.

    Parameters
    ----------
    catalog
        Table of `calnet_ops.science.catalog.schema`.

    Returns
    -------
    catalog
        With ``name`` (TIC 123); ``n_listed_sector``, sectors in its list, each counted once;
        ``sector_surplus``, ``n_sector`` minus that; ``scored_surplus``, ``n_sector`` minus
        ``n_sector_scored``; ``duration_share``, duration of the primary eclipse over the period.
    """
    lists = [set((text or "").split(",")) - {""} for text in catalog["sectors"].to_pylist()]
    listed = np.array([len(sectors) for sectors in lists], np.float64)
    n_sector = _floats(catalog, "n_sector")
    columns = {
        "name": [f"TIC {tic}" for tic in catalog["tic"].to_pylist()],
        "n_listed_sector": listed,
        "sector_surplus": n_sector - listed,
        "scored_surplus": n_sector - _floats(catalog, "n_sector_scored"),
        "duration_share": _floats(catalog, "duration_1") / (24 * _floats(catalog, "period")),
    }
    for name, values in columns.items():
        catalog = catalog.append_column(name, pa.array(values))
    return catalog


def _floats(table: pa.Table, column: str) -> Floats:
    values: Floats = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
