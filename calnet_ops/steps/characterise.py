"""Measure the candidates of a sector: period, epoch, depths, durations, type."""

from typing import Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import known, lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import BTJD_ZERO, LightCurve
from calnet_ops.steps.stored_files import stored_keys

VERSION = 1
"""Code version of this step in the lineage."""

HOURS = 24.0
"""In a day."""

CANDIDATES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("probability", pa.float64()),
        ("n_segment", pa.int32()),
        ("period", pa.float64()),
        ("period_err", pa.float64()),
        ("epoch_bjd_tdb", pa.float64()),
        ("depth_1", pa.float64()),
        ("depth_2", pa.float64()),
        ("duration_1", pa.float64()),
        ("duration_2", pa.float64()),
        ("eb_type", pa.string()),
        ("n_eclipse", pa.int32()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("tmag", pa.float64()),
        ("teff", pa.float64()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        ("simulated", pa.bool_()),
        ("curve", pa.list_(pa.float32())),
    ]
)
"""Units as in the catalog; what could not be measured is missing, the curve then empty."""


log = structlog.get_logger()


class CandidateRecord(TypedDict):
    """What became of a sector's candidates."""

    sector: int
    model_id: str
    key: str
    targets: str
    """Key of the target scores they were chosen from."""
    n_target: int
    n_candidate: int
    n_period: int
    """Candidates with a period."""


def characterise_sector(sector: int, platform: Platform) -> CandidateRecord:
    """Measure every target at or above the threshold of the model in production.

    Raises
    ------
    MissingInput
        If no model is in production, or the sector has no scores of it or no manifest.

    Notes
    -----
    One after the other, 0.1 to 0.2 s each: a sector has a few hundred candidates.
    """
    champion = platform.ledger.champion()
    delivery = platform.ledger.delivery(sector)
    scored = platform.ledger.latest("score", sector, champion.model_id) if champion else None
    if champion is None or delivery is None or scored is None or "manifest" not in delivery.facts:
        raise MissingInput(
            f"candidates of sector {sector}",
            found="no scores by the model in production",
            expected="a champion, a manifest and target scores",
            cure=f"Run `calnet-ops score {keys.sector_key(sector)}` first.",
        )
    targets, manifest = str(scored.facts["targets"]), str(delivery.facts["manifest"])
    threshold = champion.threshold
    inputs = {"targets": targets, "manifest": manifest, "threshold": threshold}
    key = keys.candidates(champion.model_id, sector, lineage_id("characterise", VERSION, **inputs))
    scores = platform.store.load_table(targets).to_pylist()
    if platform.store.exists(key):
        table = platform.store.load_table(key)
    else:
        chosen = sorted(
            (row for row in scores if row["probability"] >= threshold), key=lambda row: row["tic"]
        )
        table = _measure(chosen, manifest, platform)
        platform.store.save_table(key, table)
    record = CandidateRecord(
        sector=sector,
        model_id=champion.model_id,
        key=key,
        targets=targets,
        n_target=len(scores),
        n_candidate=table.num_rows,
        n_period=table.num_rows - table["period"].null_count,
    )
    platform.ledger.record(
        "candidates", sector, key, model_id=champion.model_id, facts=dict(record)
    )
    log.info("candidates_measured", **record)
    return record


def _measure(chosen: list[dict[str, Any]], manifest: str, platform: Platform) -> pa.Table:
    raw = stored_keys(manifest, platform.store)
    rows = [_row(score, spoc.read(platform.store.load(raw[score["tic"]]))) for score in chosen]
    found = [{name: known(value) for name, value in row.items()} for row in rows]
    return pa.Table.from_pylist(found, CANDIDATES)


def _row(score: dict[str, Any], light_curve: LightCurve) -> dict[str, Any]:
    found = characterise(light_curve)
    return {
        "tic": score["tic"],
        "sector": score["sector"],
        "probability": score["probability"],
        "n_segment": score["n_segment"],
        "period": found.period,
        "period_err": found.period_err,
        "epoch_bjd_tdb": found.epoch + BTJD_ZERO,
        "depth_1": found.depth_1,
        "depth_2": found.depth_2,
        "duration_1": found.duration_1 * HOURS,
        "duration_2": found.duration_2 * HOURS,
        "eb_type": found.eb_type or None,
        "n_eclipse": found.n_eclipse or None,
        "ra": light_curve.ra,
        "dec": light_curve.dec,
        "tmag": light_curve.tmag,
        "teff": light_curve.teff,
        "camera": light_curve.camera,
        "ccd": light_curve.ccd,
        "simulated": light_curve.simulated,
        "curve": found.curve.tolist() if found.eb_type else [],
    }
