"""Say whose eclipses the candidates of a sector show: their own, a neighbour's, another star's."""

from typing import Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import StepRecord
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import known, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.attribution import attribute, photocentre_row
from calnet_ops.science.candidates.photocentre import Timing, measure_photocentre
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.centroids import read_centroids
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO
from calnet_ops.steps.stored_attributions import ATTRIBUTED, newest_attributions
from calnet_ops.steps.stored_files import stored_keys

VERSION = 1
"""Code version of this step in the lineage."""

HOURS = 24.0
"""In a day."""

EVEN = 0.5
"""Probability below which a candidate is more likely not the star that eclipses."""

_SHIFT = ("col", "row", "col_err", "row_err", "sigma", "pa")

PHOTOCENTRES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        *((f"shift_1_{name}", pa.float64()) for name in _SHIFT),
        ("n_shift_1", pa.int32()),
        *((f"shift_2_{name}", pa.float64()) for name in _SHIFT),
        ("n_shift_2", pa.int32()),
        ("lost", pa.float64()),
        *((f"source_{name}", pa.float64()) for name in ("col", "row", "col_err", "row_err")),
        ("target_col", pa.float64()),
        ("target_row", pa.float64()),
        *(
            (f"{axis}_{name}", pa.float64())
            for axis in ("east", "north")
            for name in ("col", "row")
        ),
        ("crowdsap", pa.float64()),
        ("flux", pa.float64()),
    ]
)
"""Columns are described in docs/attribution.md; what could not be measured is missing."""

ATTRIBUTION = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("group_id", pa.int64()),
        ("n_match", pa.int32()),
        ("match_chance", pa.float64()),
        ("p_on_target", pa.float64()),
        ("source_tic", pa.int64()),
        ("centroid_offset", pa.float64()),
        ("centroid_offset_err", pa.float64()),
        ("centroid_sigma", pa.float64()),
        ("centroid_pa", pa.float64()),
        ("neighbour_tic", pa.int64()),
        ("neighbour_distance", pa.float64()),
        ("neighbour_is_candidate", pa.bool_()),
        ("neighbour_dip_ratio", pa.float64()),
    ]
)
"""The same."""

log = structlog.get_logger()


class AttributionRecord(TypedDict):
    """What is known of whose eclipses a sector's candidates show."""

    sector: int
    model_id: str
    key: str
    photocentres: str
    """Key of the table of photocentres."""
    candidates: str
    """Key of the candidates it is about."""
    n_candidate: int
    n_measured: int
    """Candidates whose source could be placed."""
    n_matched: int
    """Candidates with the eclipses of another candidate, of any sector."""
    n_off_target: int
    """Candidates that more likely do not eclipse themselves."""


def attribute_sector(sector: int, platform: Platform) -> AttributionRecord:
    """Attribute the eclipses of a sector's candidates, by all that is known of all sectors.

    Raises
    ------
    MissingInput
        If no model is in production, or the sector has no candidates of it or no manifest.

    Notes
    -----
    Light curves are read once for a table of candidates; a sector that comes later changes the
    verdicts only. A release judges all sectors together once more.
    """
    champion = platform.ledger.champion()
    delivery = platform.ledger.delivery(sector)
    newest = _newest_candidates(platform, champion.model_id) if champion else {}
    if champion is None or delivery is None or sector not in newest:
        raise MissingInput(
            f"attribution of sector {sector}",
            found="no candidates of the model in production",
            expected="a champion, a manifest and candidates",
            cure=f"Run `calnet-ops candidates {keys.sector_key(sector)}`.",
        )
    model_id, candidates = champion.model_id, newest[sector].key
    manifest = str(delivery.facts["manifest"])
    measured = _measure_sector(model_id, sector, candidates, manifest, platform)
    others = _measured_elsewhere(platform, newest, sector)
    inputs = {
        "candidates": [newest[number].key for number in sorted(newest)],
        "photocentres": sorted([measured, *others]),
        "statistics": str(delivery.facts.get("statistics", "")),
    }
    key = keys.attribution(model_id, sector, lineage_id("attribute", VERSION, **inputs))
    if not platform.store.exists(key):
        platform.store.save_table(key, _judge(sector, candidates, inputs, platform))
    record = _count(sector, model_id, key, measured, candidates, platform)
    platform.ledger.record(ATTRIBUTED, sector, key, model_id=model_id, facts=dict(record))
    log.info("sector_attributed", **record)
    return record


def _newest_candidates(platform: Platform, model_id: str) -> dict[int, StepRecord]:
    records = platform.ledger.records("candidates")
    return {item.sector: item for item in records if item.model_id == model_id}


def _measured_elsewhere(
    platform: Platform, newest: dict[int, StepRecord], sector: int
) -> list[str]:
    """Keys of the photocentres of all other sectors that have some."""
    found = newest_attributions(newest.values(), platform.ledger)
    return [str(item.facts["photocentres"]) for item in found.values() if item.sector != sector]


def _measure_sector(
    model_id: str, sector: int, candidates: str, manifest: str, platform: Platform
) -> str:
    """Key of the photocentres of a sector's candidates, measured if they are not there."""
    lineage = lineage_id("photocentres", VERSION, candidates=candidates, manifest=manifest)
    key = keys.photocentres(model_id, sector, lineage)
    if not platform.store.exists(key):
        raw = stored_keys(manifest, platform.store)
        rows = [
            _photocentre(row, platform.store.load(raw[row["tic"]]))
            for row in _load(candidates, platform)
        ]
        found = [{name: known(value) for name, value in row.items()} for row in rows]
        platform.store.save_table(key, pa.Table.from_pylist(found, PHOTOCENTRES))
    return key


def _photocentre(candidate: dict[str, Any], body: bytes) -> dict[str, Any]:
    light_curve = spoc.read(body)
    period, epoch, duration_1, duration_2 = (
        float("nan") if candidate[name] is None else float(candidate[name])
        for name in ("period", "epoch_bjd_tdb", "duration_1", "duration_2")
    )
    timing = Timing(period, epoch - BTJD_ZERO, duration_1 / HOURS, duration_2 / HOURS)
    found = measure_photocentre(light_curve, read_centroids(body), timing)
    row = photocentre_row(light_curve, found)
    return row | {"tic": candidate["tic"], "sector": candidate["sector"]}


def _judge(sector: int, candidates: str, inputs: dict[str, Any], platform: Platform) -> pa.Table:
    """Verdicts on the candidates of a sector."""
    every = [row for key in inputs["candidates"] for row in _load(key, platform)]
    measured = [row for key in inputs["photocentres"] for row in _load(key, platform)]
    statistics = inputs["statistics"]
    columns = ["tic", "ra", "dec"]
    targets = platform.store.load_table(statistics, columns).to_pylist() if statistics else []
    here = {row["tic"] for row in _load(candidates, platform)}
    rows = [
        {name: known(value) for name, value in row.items()} | {"sector": sector}
        for row in attribute(every, measured, targets)
        if row["tic"] in here
    ]
    return pa.Table.from_pylist(rows, ATTRIBUTION)


def _load(key: str, platform: Platform) -> list[dict[str, Any]]:
    """Rows of a table, without folded curves."""
    table = platform.store.load_table(key)
    return table.select([n for n in table.column_names if n != "curve"]).to_pylist()


def _count(
    sector: int, model_id: str, key: str, photocentres: str, candidates: str, platform: Platform
) -> AttributionRecord:
    rows = _load(key, platform)
    return AttributionRecord(
        sector=sector,
        model_id=model_id,
        key=key,
        photocentres=photocentres,
        candidates=candidates,
        n_candidate=len(rows),
        n_measured=sum(row["centroid_offset"] is not None for row in rows),
        n_matched=sum(row["n_match"] > 0 for row in rows),
        n_off_target=sum(row["p_on_target"] < EVEN for row in rows),
    )
