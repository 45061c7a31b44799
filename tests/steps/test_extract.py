"""Features in the store are those of local files, and nothing is done twice."""

import json
from collections import Counter

import numpy as np
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput, SectorNotTrusted, ServiceUnavailable
from calnet_ops.science.features import tables
from calnet_ops.steps import extract
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

FIRST = 900_000_000_001


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Three sound stars, one with too few good cadences, one with no flux at all."""
    short = spoc_arrays()
    short["QUALITY"][100:] = 128
    dark = spoc_arrays() | {"PDCSAP_FLUX": np.full(9000, np.nan)}
    arrays = [None, short, None, dark, None]
    tics = range(FIRST, FIRST + 5)
    return {
        spoc_name(tic): spoc_bytes(columns, tic=tic)
        for tic, columns in zip(tics, arrays, strict=True)
    }


def run(platform):
    shards = extract.plan_shards(87, "v1", platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    return tallies, extract.close_features(87, "v1", tallies, platform)


def test_every_file_ends_in_features_or_in_the_skip_list(platform, files, monkeypatch):
    monkeypatch.setattr(extract, "SHARD_FILES", 2)
    store_sector(platform, files)
    tallies, record = run(platform)
    assert [tally["n_file"] for tally in tallies] == [1, 2, 2]
    assert (record["n_file"], record["n_segment"]) == (5, 6)
    assert record["n_skipped"] == {"too few good cadences": 1, "no good cadences": 1}
    skipped = platform.store.load_table(record["skipped"])
    assert skipped["tic"].to_pylist() == [FIRST + 1, FIRST + 3]
    noted = platform.ledger.latest("features-v1", 87)
    assert [shard["n_segment"] for shard in noted.facts["shards"]] == [2, 2, 2]
    assert noted.facts["n_skipped"] == record["n_skipped"]


def test_rows_are_those_of_local_files(platform, files):
    store_sector(platform, files)
    (tally,), _ = run(platform)
    local, skipped = extract.extract_files(files.items(), "v1")
    stored = platform.store.load_table(tally["features"])
    names = [name for name in stored.column_names if name not in tables.LENGTHS]
    assert stored.select(names).cast(local.select(names).schema).equals(local.select(names))
    for name, length in tables.LENGTHS.items():
        kept, exact = tables.matrix(stored, name), tables.matrix(local, name)
        assert (kept.dtype.name, kept.shape) == ("float32", (6, length))
        np.testing.assert_allclose(kept, exact, atol=0.51 / 65535)
        assert (kept.min(), kept.max()) == (0, 1)
    assert platform.store.load_table(tally["skipped"]).cast(tables.SKIPPED).equals(skipped)


def test_second_run_reads_no_light_curve_and_says_the_same(platform, files):
    store_sector(platform, files)
    first = run(platform)
    for key in [key for key in platform.store.objects if key.startswith("tess/")]:
        del platform.store.objects[key]
    second = run(platform)
    assert second[1] == first[1]
    assert len(platform.ledger.records("features-v1")) == 1


def test_bytes_that_are_not_those_of_the_manifest_give_no_features(platform, files):
    store_sector(platform, files)
    (shard,) = extract.plan_shards(87, "v1", platform)
    one, other = (keys.raw(87, 1, spoc_name(tic)) for tic in (FIRST, FIRST + 2))
    platform.store.objects[one] = platform.store.objects[other]
    with pytest.raises(ServiceUnavailable, match=r"as in the manifest.*DAG `audit`"):
        extract.extract_shard(shard, platform)
    assert not [key for key in platform.store.objects if key.startswith("features/")]


def test_file_that_the_checks_refused_is_skipped_with_their_reason(platform, files):
    store_sector(platform, files)
    refused = spoc_name(FIRST)
    row = {"tic": FIRST, "sector": 87, "file_name": refused, "reason": "odd", "message": "odd: x"}
    report = keys.check_report(87, "test")
    manifest = keys.manifest(87, "test")
    body = json.dumps({"manifest": manifest, "rejected": [row]}).encode()
    platform.store.save_new(report, body)
    platform.ledger.move_delivery(platform.ledger.delivery(87), facts={"report": report})
    _, record = run(platform)
    assert record["n_segment"] == 4
    assert record["n_skipped"]["odd"] == 1


def test_damaged_and_foreign_local_files_are_skipped_with_their_reason(files):
    name, body = next(iter(files.items()))
    flipped = bytearray(body)
    flipped[300_000] ^= 4
    given = [
        (name, bytes(flipped)),
        ("empty.fits", b""),
        ("page.fits", b"<html>503</html>"),
        ("notes.csv", b"a,b\n1,2\n"),
        ("half.fits", body[:-2880]),
    ]
    table, skipped = extract.extract_files(given)
    assert len(table) == 0
    assert Counter(skipped["reason"].to_pylist()) == {
        "checksum mismatch": 1,
        "empty file": 1,
        "not a FITS file": 2,
        "truncated": 1,
    }
    assert skipped["tic"].to_pylist().count(None) == 4


def test_sector_without_files_has_no_shards(platform, files):
    manifest = store_sector(platform, files)
    assert manifest.num_rows == 5
    with pytest.raises(MissingInput, match="calnet-ops ingest 5"):
        extract.plan_shards(5, "v1", platform)


def test_large_sector_is_at_most_two_hundred_shards_of_equal_size(platform, files):
    manifest = store_sector(platform, files).slice(0, 1).to_pandas()
    many = manifest.loc[[0] * 20_000]
    import pyarrow as pa

    key = keys.manifest(87, "many")
    platform.store.save_table(key, pa.Table.from_pandas(many, preserve_index=False))
    platform.ledger.move_delivery(platform.ledger.delivery(87), facts={"manifest": key})
    shards = extract.plan_shards(87, "v1", platform)
    assert len(shards) == 40
    assert {shard["stop"] - shard["start"] for shard in shards} == {500}


def test_sector_that_is_halted_is_held_back(platform, files):
    store_sector(platform, files)
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="halted")
    with pytest.raises(SectorNotTrusted, match="calnet-ops validate 87"):
        extract.plan_shards(87, "v1", platform)


def test_sector_that_is_halted_stays_so_while_its_next_delivery_appears(platform, files):
    store_sector(platform, files)
    platform.ledger.move_delivery(platform.ledger.delivery(87), state="halted")
    held = platform.ledger.delivery(87)
    more = {"n_listed": 5, "listing_sha256": "1" * 64, "facts": held.facts}
    platform.ledger.add_delivery(87, 2, state="appearing", **more)
    with pytest.raises(SectorNotTrusted, match="calnet-ops validate 87"):
        extract.plan_shards(87, "v1", platform)
    platform.ledger.move_delivery(held, state="raw", facts={"report": "of the first"})
    assert extract.plan_shards(87, "v1", platform)[0]["report"] == "of the first"
