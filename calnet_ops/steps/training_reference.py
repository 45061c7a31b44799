"""What the stars look like that a model was made with: the reference of its drift."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from calnet_ops.science.checks.products import SHAPE
from calnet_ops.science.evaluation.drift import EB, OTHER, REFERENCE, summarise
from calnet_ops.steps.dataset import Stars
from calnet_ops.steps.stored_segments import StoredSegments

REFERENCE_PART = "reference.parquet"
"""Part of a stored model that holds it; older models have none."""


def training_reference(
    parts: Sequence[tuple[pa.Table, StoredSegments]], scored: Sequence[Stars]
) -> pa.Table:
    """Distributions of all watched numbers; columns of `drift.REFERENCE`.

    Parameters
    ----------
    parts
        Rows of a data set and their segments, for each side of the split: shapes are those of all
        stars, each once in each sector.
    scored
        Stars that the network has not learned from, with calibrated probabilities: of the others it
        is too sure.
    """
    rows = summarise(
        pa.table({"probability": np.concatenate([stars.probability for stars in scored])}),
        [EB if is_eb else OTHER for stars in scored for is_eb in stars.is_eb],
        "probability",
    )
    segments = pa.concat_tables([_shapes(table, segments) for table, segments in parts])
    averages = [(name, "mean") for name in SHAPE]
    stars = segments.group_by(["tic", "sector", "verdict"]).aggregate(averages)
    for name in SHAPE:
        named = stars.select([f"{name}_mean"]).rename_columns([name])
        rows += summarise(named, stars["verdict"].to_pylist(), name)
    return pa.Table.from_pylist(rows, schema=REFERENCE)


def _shapes(rows: pa.Table, segments: StoredSegments) -> pa.Table:
    """Numbers of the segments of some rows of a data set, beside the names of their stars."""
    names = rows.select(["tic", "sector", "verdict"])
    return pa.table({**{name: names[name] for name in names.column_names}, **segments.shapes()})
