"""Features that are not what the network learned from, and a catalog that contradicts itself."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import MissingInput, ReleaseRefused, SectorNotTrusted
from calnet_ops.science.catalog import schema
from calnet_ops.science.catalog.formats import FORMATS
from calnet_ops.steps import extract, publish
from calnet_ops.steps.validate_catalog import validate_catalog
from calnet_ops.steps.validate_features import validate_features
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

TIC = 900_000_000_001
STAGING = "staging/abc/"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("great_expectations"),
    pytest.mark.timeout(180),  # the import of Great Expectations alone takes 7 to 16 s
    pytest.mark.filterwarnings("ignore"),  # it warns of its own use of deprecated modules
]


@pytest.fixture
def made(platform):
    """A platform with the features of one star."""
    store_sector(platform, {spoc_name(TIC): spoc_bytes(tic=TIC)})
    tallies = [
        extract.extract_shard(shard, platform) for shard in extract.plan_shards(87, "v1", platform)
    ]
    extract.close_features(87, "v1", tallies, platform)
    return platform


def spoil(platform, flux: float, *, keep_statistics: bool) -> None:
    """Other features in the ledger: one sample of the first segment changed."""
    facts = platform.ledger.latest("features-v1", 87).facts
    (shard,) = facts["shards"]
    table = platform.store.load_table(shard["features"])
    values = np.array(table["flux"].to_pylist(), np.float32)
    values[0, 5] = flux
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    spoiled = table.set_column(table.column_names.index("flux"), "flux", lists)
    platform.store.save_table("features/spoiled.parquet", spoiled)
    changed = {"features": "features/spoiled.parquet"}
    if not keep_statistics:
        changed["statistics"] = ""
    facts |= {"shards": [shard | changed]}
    platform.ledger.record("features-v1", 87, f"spoiled-{keep_statistics}", facts=facts)


def test_sound_features_of_another_version_pass_though_they_need_not_fill_their_scale(platform):
    arrays = spoc_arrays()
    noise = np.random.default_rng(1).standard_normal(len(arrays["TIME"]))
    arrays["PDCSAP_FLUX"] = arrays["SAP_FLUX"] = 1e4 + 10 * noise
    store_sector(platform, {spoc_name(TIC): spoc_bytes(arrays, tic=TIC)})
    shards = extract.plan_shards(87, "v2", platform)
    tallies = [extract.extract_shard(shard, platform) for shard in shards]
    extract.close_features(87, "v2", tallies, platform)
    statistics = platform.store.load_table(tallies[0]["statistics"])
    assert min(statistics["flux_low"].to_pylist()) > 0.1
    assert validate_features(87, "v2", platform)["halted"] == []


def test_sound_features_pass_and_are_judged_once(made):
    record = validate_features(87, "v1", made)
    assert (record["halted"], record["warned"], record["n_segment"]) == ([], [], 2)
    assert b"<html" in made.store.load(record["docs"])
    before = dict(made.store.objects)
    assert validate_features(87, "v1", made) == record
    assert made.store.objects == before


@pytest.mark.parametrize(
    ("flux", "name"), [(np.nan, "all values are numbers"), (1.5, "flux fills its scale")]
)
def test_features_that_no_model_should_see_halt_the_sector(made, flux, name):
    spoil(made, flux, keep_statistics=False)
    with pytest.raises(SectorNotTrusted, match=name):
        validate_features(87, "v1", made)
    verdict = made.ledger.latest("validate-features", 87)
    report = json.loads(made.store.load(verdict.key))
    faults = {item["name"]: item["rows"][0]["row"] for item in report["faults"]}
    assert faults[name] == f"TIC {TIC} segment 1"


def test_statistics_are_those_computed_with_the_features(made):
    (shard,) = made.ledger.latest("features-v1", 87).facts["shards"]
    assert made.store.load_table(shard["statistics"]).num_rows == 2
    spoil(made, np.nan, keep_statistics=True)  # not read again
    assert validate_features(87, "v1", made)["halted"] == []


def test_sector_without_features_is_told_so(platform):
    with pytest.raises(MissingInput, match="calnet-ops extract 5"):
        validate_features(5, "v1", platform)


def row(tic: int, **changes):
    values = {"int64": tic, "int32": 1, "float64": 0.5, "text": "x", "bool": False}
    plain = {column.name: values[column.datatype] for column in schema.COLUMNS}
    sound = {"sectors": "1", "tier": "model", "eb_type": "EA", "epoch_bjd_tdb": 2_458_326.5}
    return plain | sound | changes


def stage(platform, rows) -> publish.StagedRecord:
    facts = dict.fromkeys((fact.name for fact in schema.FACTS), "")
    catalog = schema.from_rows(rows, facts)
    body = io.BytesIO()
    FORMATS["parquet"].write(catalog, body)
    platform.store.save_new(STAGING + FORMATS["parquet"].file_name, body.getvalue())
    return publish.StagedRecord(
        staging=STAGING,
        version="v2026.11.0",
        simulated=False,
        previous="",
        n_row=len(rows),
        summary="",
    )


def test_sound_catalog_passes(platform):
    staged = stage(platform, [row(1), row(2, period=None, eb_type=None, duration_1=None)])
    record = validate_catalog(staged, platform)
    assert (record["n_row"], record["halted"]) == (2, [])
    assert b"<html" in platform.store.load(record["docs"])


def test_empty_catalog_passes(platform):
    assert validate_catalog(stage(platform, []), platform)["halted"] == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"probability": 1.5}, "probability is one"),
        ({"period": 0.01}, "period was searched"),
        ({"tic": 1}, "each star is there once"),
        ({"epoch_bjd_tdb": 1326.5}, "epoch is of the mission"),
        ({"sectors": "1,1", "n_sector": 2}, "sectors are listed once"),
        ({"tier": "guess"}, "tier is known"),
        ({"duration_1": 30.0}, "eclipses are shorter than the period"),
    ],
)
def test_catalog_that_contradicts_itself_is_refused_and_cannot_be_published(
    platform, changes, name
):
    staged = stage(platform, [row(1), row(**{"tic": 2} | changes)])
    with pytest.raises(ReleaseRefused, match=name):
        validate_catalog(staged, platform)
    release = {"version": staged["version"], "lineage": "x", "simulated": False, "previous": ""}
    platform.store.save_new(keys.staging("abc", "release.json"), json.dumps(release).encode())
    with pytest.raises(ReleaseRefused, match=name):
        publish.publish_release(staged, "ada", platform)
