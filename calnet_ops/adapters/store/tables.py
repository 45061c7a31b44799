"""Tables as objects of the store: Parquet, the same bytes for the same table."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from calnet_ops.errors import DamagedObject


def to_parquet(table: pa.Table) -> bytes:
    """Parquet of a table.

    Notes
    -----
    Lists of a fixed size are measurements, of which hardly two are equal: as Parquet does it by
    default, looking for equal ones makes features 1.2 times as large, and takes 2.5 times as long,
    as keeping their first and second bytes apart.
    """
    lists = [field.name for field in table.schema if pa.types.is_fixed_size_list(field.type)]
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        store_schema=False,
        use_dictionary=[name for name in table.column_names if name not in lists],
        column_encoding={f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in lists} or None,
    )
    return buffer.getvalue()


def from_parquet(what: str, body: bytes, columns: list[str] | None = None) -> pa.Table:
    """Table of the bytes of an object.

    Raises
    ------
    DamagedObject
        If they are none.

    Notes
    -----
    Not with `pq.read_table`: that imports pandas, 0.9 s of CPU in each task that reads. Not with
    Arrow's threads: a process that ends while they end is aborted now and then, its work done (2
    of 22 on a busy machine; apache/arrow issues 34314 and 50482).
    """
    try:
        return pq.ParquetFile(pa.BufferReader(body)).read(columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        found = f"{len(body)} bytes: {error}".partition("\n")[0]
        cure = "Restore this object from a copy of the store."
        raise DamagedObject(what, found=found, expected="a Parquet table", cure=cure) from error
