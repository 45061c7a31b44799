"""What features and a catalog look like in numbers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calnet_ops.science.features.tables import matrix
from calnet_ops.science.lightcurve.light_curve import Floats

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
    return pa.table(columns).cast(SEGMENTS)


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
