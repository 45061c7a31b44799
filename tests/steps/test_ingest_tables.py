import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from calnet_ops.steps.ingest_tables import MANIFEST, count_rows, make_table, merge, statistics_key

SCHEMA = pa.schema(
    {"name": pa.string(), "n": pa.int32(), "big": pa.int64(), "x": pa.float64(), "ok": pa.bool_()}
)
ROWS: list[dict[str, Any]] = [
    {"name": "größer", "n": 1, "big": 2**40, "x": 1.5, "ok": True},
    {"name": "", "n": None, "big": None, "x": None, "ok": None},
    {"name": None, "n": -3, "big": 0, "x": -0.0, "ok": False},
]


@pytest.mark.parametrize("n_row", [0, 1, 3, 30])
def test_table_is_the_one_that_pyarrow_makes(n_row):
    rows = (ROWS * 10)[:n_row]
    table = make_table(rows, SCHEMA)
    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist(rows, schema=SCHEMA))


def test_row_that_lacks_a_column_is_an_error():
    with pytest.raises(KeyError):
        make_table([{"name": "a"}], SCHEMA)


def test_merged_tables_are_sorted_by_name():
    schema = pa.schema({"file_name": pa.string()})
    parts = [make_table([{"file_name": name}], schema) for name in ("b", "a", "c")]
    assert merge(parts, schema)["file_name"].to_pylist() == ["a", "b", "c"]
    assert merge([], schema).num_rows == 0


def _manifest(*rows):
    blank = dict.fromkeys(MANIFEST.names)
    return make_table([blank | row for row in rows], MANIFEST)


STORED = {"status": "stored", "sha256": "aa", "trust": "sound", "reason": "", "compared": "same"}
BAD = {"status": "quarantined", "sha256": "bb", "trust": "bad", "reason": "truncated"}
SUSPECT = BAD | {"trust": "suspect", "reason": "missing at source"}


def test_statistics_belong_to_the_bytes_that_are_believed():
    first = _manifest({"file_name": "a", "n_try": 1, **STORED}, {"file_name": "b", **BAD})
    luckier = _manifest({"file_name": "a", "n_try": 5, **STORED}, {"file_name": "b", **SUSPECT})
    other = _manifest({"file_name": "a", **STORED}, {"file_name": "b", **STORED})
    assert statistics_key(87, first) == statistics_key(87, luckier)
    assert statistics_key(87, first) != statistics_key(87, other)


def test_manifest_is_counted():
    counts = count_rows(
        _manifest(
            {"n_bytes": 5, "delivery": 2, **STORED},
            {"n_bytes": 7, "delivery": 1, **STORED, "trust": "recovered", "compared": "differs"},
            {"n_bytes": 9, "delivery": 2, **BAD},
            {"n_bytes": 0, "delivery": 2, **SUSPECT},
        ),
        2,
    )
    assert counts == {
        "n_stored": 2,
        "n_quarantined": {"missing at source": 1, "truncated": 1},
        "n_bytes": 12,
        "n_recovered": 1,
        "n_bad": 1,
        "n_suspect": 1,
        "n_unchanged": 1,
        "n_compared": 2,
        "n_differ": 1,
    }


SHARD = """
import sys
from typing import Any
from pathlib import Path
from tempfile import TemporaryDirectory
from calnet_ops.steps import ingest
from tests.support.plans import plan_now
from tests.support.platforms import make_platform
from tests.support.sources import FakeArchive, FakeSecond
heavy = {"pandas", "great_expectations", "tensorflow", "mlflow", "scipy"} & sys.modules.keys()
with TemporaryDirectory() as folder:
    platform = make_platform(Path(folder))
    name = "tess2024353092137-s0087-0000000000000001-0284-s_lc.fits"
    platform.__dict__["archive"] = FakeArchive({name: [b"", b""]})
    platform.__dict__["second_source"] = FakeSecond({})
    shards = plan_now(87, platform)
    ingest.ingest_shard(shards[0], platform)
    again = ingest.ingest_shard(shards[0], platform)
    ingest.close_sector(87, [again], platform)
print(sorted(heavy | {"pandas"} & sys.modules.keys()))
"""


@pytest.mark.slow
def test_shard_is_pulled_without_heavy_imports():
    done = subprocess.run(
        [sys.executable, "-c", SHARD], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
