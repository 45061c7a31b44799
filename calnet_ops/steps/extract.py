"""From stored light curves to features, in shards."""

import json
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import (
    ForeignProduct,
    MissingInput,
    RejectedInput,
    SectorNotTrusted,
    ServiceUnavailable,
)
from calnet_ops.lineage import lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science import features
from calnet_ops.science.checks.products import segment_statistics
from calnet_ops.science.features import tables
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.steps.appearing import stored_delivery
from calnet_ops.steps.stored_files import stored_files

VERSION = 2
"""Raised when the results of this step change; part of every lineage id."""

SHARD_FILES = 500
"""Files a shard [1]: 2.5 s of CPU, against 1 s to start a task and 1.6 s of CPU until the first
features (most of it numba: `features_start_ms` of `make bench`). The largest sector (20,000 files)
is 40 mapped tasks, and the features of a shard stay below 10 MB."""

READ_THREADS = 4
"""Reads from the store under way while features are computed: a read waits more than it works."""

READ_AHEAD = 8
"""Files held in memory beside the one at work: 16 MB of two-minute light curves."""

log = structlog.get_logger()


class ExtractShard(TypedDict):
    """Some files of a sector: the rows [start, stop) of its stored files, by star."""

    sector: int
    version: str
    """Features version."""
    manifest: str
    """Key of the manifest that lists the files."""
    report: str
    """Key of the check report that says which to leave out; empty if there is none."""
    start: int
    stop: int


class ExtractTally(TypedDict):
    """What became of a shard."""

    version: str
    """Features version."""
    features: str
    """Key of the features."""
    skipped: str
    """Key of the files without features."""
    statistics: str
    """Key of the numbers by which the features are judged."""
    n_file: int
    n_segment: int
    n_skipped: dict[str, int]
    """Files without features, by reason."""
    seconds: float


class ShardKeys(NamedTuple):
    """Where the tables of a shard are."""

    features: str
    statistics: str
    skipped: str
    """Written last: where it is, all are."""


class FeatureRecord(TypedDict):
    """Features of a sector."""

    sector: int
    version: str
    skipped: str
    """Key of all the sector's files without features."""
    n_file: int
    n_segment: int
    n_skipped: dict[str, int]


def plan_shards(sector: int, version: str, platform: Platform) -> list[ExtractShard]:
    """Cut the stored files of a sector into shards of equal size.

    A sector without a believed file is one shard without files: Airflow skips all that follows a
    step mapped over nothing, and the sector would never have features, however few.

    Raises
    ------
    MissingInput
        If the sector has not been ingested.
    SectorNotTrusted
        If its checks have halted it: it stays so until they pass, or another delivery is in the
        store.
    """
    delivery = stored_delivery(sector, platform.ledger)
    if delivery is None:
        raise MissingInput(
            f"features of {keys.sector_key(sector)}",
            found="no manifest",
            expected="an ingested sector",
            cure=f"Run: calnet-ops ingest {sector}",
        )
    if delivery.state == "halted":
        raise SectorNotTrusted(
            f"features of {keys.sector_key(sector)}",
            found="a sector that is halted",
            expected="one that passed its checks",
            cure=f"Remove the cause, then run: calnet-ops validate {sector}",
        )
    manifest = delivery.facts["manifest"]
    n_file = len(_files_by_star(manifest, platform.store))
    n_shard = max(1, -(-n_file // SHARD_FILES))
    edges = [n_file * number // n_shard for number in range(n_shard + 1)]
    return [
        ExtractShard(
            sector=sector,
            version=version,
            manifest=manifest,
            report=delivery.facts.get("report", ""),
            start=start,
            stop=stop,
        )
        for start, stop in pairwise(edges)
    ]


def extract_shard(shard: ExtractShard, platform: Platform) -> ExtractTally:
    """Write the features of a shard; free if they are there already."""
    began = time.perf_counter()
    store, version, sector = platform.store, shard["version"], shard["sector"]
    refused = _refused(shard["manifest"], shard["report"], store)
    files, out = _plan(shard, _files_by_star(shard["manifest"], store), refused)
    if not store.exists(out.skipped):
        _extract_stored(files, refused, version, out, store)
    tally = _tally(version, out, len(files), began, store)
    log.info("features_extracted", sector=sector, **tally)
    return tally


def planned_features(sector: int, version: str, platform: Platform) -> list[str]:
    """Keys of the features that the stored files of a sector give, whether they are there or not.

    Raises
    ------
    MissingInput, SectorNotTrusted
        As `plan_shards`.
    """
    shards, store = plan_shards(sector, version, platform), platform.store
    stored = _files_by_star(shards[0]["manifest"], store)
    refused = _refused(shards[0]["manifest"], shards[0]["report"], store)
    return [_plan(shard, stored, refused)[1].features for shard in shards]


def close_features(
    sector: int, version: str, tallies: list[ExtractTally], platform: Platform
) -> FeatureRecord:
    """Note the features of a sector, once all of its shards are done."""
    store = platform.store
    lineage = lineage_id(
        "close_features", VERSION, features=version, shards=[tally["features"] for tally in tallies]
    )
    key = keys.skipped(version, sector, lineage)
    skipped = [store.load_table(tally["skipped"]).cast(tables.SKIPPED) for tally in tallies]
    store.save_table(key, pa.concat_tables([tables.skipped_table([]), *skipped]))
    record = FeatureRecord(
        sector=sector,
        version=version,
        skipped=key,
        n_file=sum(tally["n_file"] for tally in tallies),
        n_segment=sum(tally["n_segment"] for tally in tallies),
        n_skipped=dict(sum((Counter(tally["n_skipped"]) for tally in tallies), Counter())),
    )
    parts = ("features", "statistics", "skipped", "n_segment")
    shards = [{part: dict(tally)[part] for part in parts} for tally in tallies]
    platform.ledger.record(f"features-{version}", sector, key, facts={**record, "shards": shards})
    return record


def extract_files(
    files: Iterable[tuple[str, bytes]], version: str = "v1"
) -> tuple[pa.Table, pa.Table]:
    """Features of light curves in memory, and the files that gave none.

    Parameters
    ----------
    files
        File names and contents, of any kind that `read_any` knows. SPOC files under their own
        names get every check that the archive's files get.
    version
        Features version.

    Returns
    -------
    features, skipped
        Tables of `calnet_ops.science.features.tables`. The same file gives the same rows
        in the store, but there flux and power are rounded to 16 bits.
    """
    rows: list[tuple[int, int, features.Segment]] = []
    skipped: list[dict[str, int | str | None]] = []
    for name, body in files:
        tic, sector = _named(name)
        try:
            light_curve = _believe(name, body)
            tic, sector = light_curve.tic, light_curve.sector
            rows += [(tic, sector, item) for item in features.extract(light_curve, version)]
        except RejectedInput as error:
            skipped.append(tables.skipped_row(tic, sector, name, error))
    return tables.features_table(rows), tables.skipped_table(skipped)


def _plan(
    shard: ExtractShard, stored: pa.Table, refused: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], ShardKeys]:
    """Files of a shard, and where its tables are."""
    version, sector = shard["version"], shard["sector"]
    files = stored.slice(shard["start"], shard["stop"] - shard["start"]).to_pylist()
    lineage = lineage_id(
        "extract",
        VERSION,
        features=version,
        files=[[file["file_name"], file["sha256"]] for file in files],
        refused=[refused[file["file_name"]] for file in files if file["file_name"] in refused],
    )
    out = ShardKeys(
        features=keys.features(version, sector, lineage),
        statistics=keys.feature_statistics(version, sector, lineage),
        skipped=keys.skipped(version, sector, lineage),
    )
    return files, out


def _believe(name: str, body: bytes) -> LightCurve:
    if _named(name) == (None, None):
        return read_any(name, body)
    return spoc.verify_and_read(name, body)[1]


def _named(name: str) -> tuple[int, int] | tuple[None, None]:
    """TIC and sector of a SPOC file name."""
    try:
        spoc_name = keys.SpocName.parse(name)
    except ForeignProduct:
        return None, None
    return spoc_name.tic, spoc_name.sector


def _extract_stored(
    files: list[dict[str, Any]],
    refused: dict[str, dict[str, Any]],
    version: str,
    out: ShardKeys,
    store: Store,
) -> None:
    """Write the tables of a shard, last the one whose key says that the work is done."""
    wanted = [file for file in files if file["file_name"] not in refused]
    table, skipped = extract_files(_iter_bodies(wanted, store), version)
    left_out = [refused[file["file_name"]] for file in files if file["file_name"] in refused]
    store.save_table(out.features, tables.stored_table(table))
    store.save_table(out.statistics, segment_statistics(table))
    store.save_table(out.skipped, tables.skipped_table([*skipped.to_pylist(), *left_out]))


def _iter_bodies(files: list[dict[str, Any]], store: Store) -> Iterator[tuple[str, bytes]]:
    """Names and contents in order, read ahead of the one who asks."""
    ahead: deque[tuple[str, Future[bytes]]] = deque()
    with ThreadPoolExecutor(READ_THREADS) as pool:
        for file in files:
            ahead.append((file["file_name"], pool.submit(_load, file, store)))
            if len(ahead) > READ_AHEAD:
                name, body = ahead.popleft()
                yield name, body.result()
        while ahead:
            name, body = ahead.popleft()
            yield name, body.result()


def _load(file: dict[str, Any], store: Store) -> bytes:
    """Bytes of a file, which are those that the manifest names."""
    body = store.load(file["key"])
    digest = sha256_hex(body)
    if digest != file["sha256"]:
        raise ServiceUnavailable(
            store.uri(file["key"]),
            found=f"sha256 {digest[:16]}",
            expected=f"sha256 {file['sha256'][:16]}, as in the manifest",
            cure="If this comes back, trigger the DAG `audit`: it lists what is damaged.",
        )
    return body


def _files_by_star(manifest: str, store: Store) -> pa.Table:
    """Believed files of a delivery, by star."""
    files = stored_files(manifest, store, ["file_name", "tic", "key", "sha256"])
    return files.sort_by([("tic", "ascending"), ("file_name", "ascending")])


def _refused(manifest: str, report_key: str, store: Store) -> dict[str, dict[str, Any]]:
    """Rows of the skipped table for files that the checks refused, by file name."""
    report = json.loads(store.load(report_key)) if report_key else {}
    if report.get("manifest") != manifest:  # none yet, or of an older delivery
        return {}
    columns = tables.SKIPPED.names
    return {
        row["file_name"]: {column: row[column] for column in columns} for row in report["rejected"]
    }


def _tally(version: str, out: ShardKeys, n_file: int, began: float, store: Store) -> ExtractTally:
    reasons = store.load_table(out.skipped, ["reason"])["reason"].to_pylist()
    return ExtractTally(
        version=version,
        features=out.features,
        skipped=out.skipped,
        statistics=out.statistics,
        n_file=n_file,
        n_segment=len(store.load_table(out.statistics, ["segment"])),  # small, a row for each
        n_skipped=dict(Counter(reasons)),
        seconds=round(time.perf_counter() - began, 3),
    )
