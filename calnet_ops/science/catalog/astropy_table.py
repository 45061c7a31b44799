"""A catalog as astropy's masked table, and back, for the formats that astropy writes."""

from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import MaskedColumn, Table

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog.schema import COLUMNS, FACTS, Column, conform, facts_of

FILL: dict[str, Any] = {
    "int64": -1,
    "int32": -1,
    "float64": np.nan,
    "text": "",
    "bool": False,
}
"""What stands under the mask; no count or number of ours is negative."""

NUMPY = {"int64": np.int64, "int32": np.int32, "float64": np.float64, "text": str, "bool": np.bool_}


def to_astropy(table: pa.Table) -> Table:
    """Masked table with units, descriptions, UCDs (``meta["ucd"]``) and facts (``meta``)."""
    masked = [_to_masked(column, table[column.name]) for column in COLUMNS]
    return Table(masked, meta=facts_of(table), copy=False)


def from_astropy(table: Table) -> pa.Table:
    """Catalog of a table that astropy read: names in any case of letters, facts in ``meta``."""
    meta = {name.lower(): value for name, value in table.meta.items()}
    missing = [fact.name for fact in FACTS if fact.name not in meta]
    if missing:
        raise WrongLayout("catalog", found=f"no {', '.join(missing)}", expected="in its metadata")
    facts = {fact.name: str(meta[fact.name]) for fact in FACTS}
    return conform({name: _values(table[name]) for name in table.colnames}, facts)


def _to_masked(column: Column, values: pa.ChunkedArray) -> MaskedColumn:
    kind = NUMPY[column.datatype]
    filled = [FILL[column.datatype] if value is None else value for value in values.to_pylist()]
    return MaskedColumn(
        np.array(filled, dtype=kind),
        name=column.name,
        mask=values.is_null().to_numpy(),
        fill_value=FILL[column.datatype] if column.datatype != "text" else None,
        unit=column.unit or None,
        description=column.description,
        meta={"ucd": column.ucd},
    )


def _values(column: Any) -> list[Any]:
    masked = np.ma.getmaskarray(np.ma.asarray(column))
    values = np.asarray(column).tolist()
    return [None if gone else _text(value) for gone, value in zip(masked, values, strict=True)]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
