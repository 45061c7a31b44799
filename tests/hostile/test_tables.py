"""Whatever is wrong with a table, reading it ends in a value or a named reason."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calnet_ops.science.lightcurve.readers import read_any
from tests.support.mutations import NASTY, copy_bytes, flip_bits, outcome, splice, truncate

CSV = b"# by hand\ntime,flux,flux_err,quality\n3.0,30,1,0\n1.0,10,1,0\n2.0,,1,0\n2.0,21,1,4\n"
ECSV = (
    b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: time, unit: d, datatype: float64}\n"
    b"# - {name: flux, datatype: float64}\ntime flux\n2459000.5 1.0\n2459001.5 2.0\n"
)


def parquet() -> bytes:
    buffer, numbers = io.BytesIO(), np.arange(50.0)
    pq.write_table(pa.table({"time": numbers, "flux": numbers, "tic": [7] * 50}), buffer)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore")  # astropy warns, and goes on
@pytest.mark.parametrize("body", [CSV, ECSV, parquet()], ids=["CSV", "ECSV", "Parquet"])
def test_mutated_tables(body):
    assert outcome(lambda: read_any("file", body)) == "value"
    for number in range(300):
        rng = np.random.default_rng([13, number])
        bad = bytearray(body)
        for _ in range(rng.integers(1, 4)):
            way = (flip_bits, splice, copy_bytes, truncate, None)[rng.integers(5)]
            if way is not None:
                way(bad, rng)
                continue
            at = int(rng.integers(len(bad) + 1))
            bad[at : at + int(rng.integers(3))] = NASTY[rng.integers(len(NASTY))].encode("latin-1")
        outcome(lambda bad=bytes(bad): read_any("file", bad))  # type: ignore[misc]
