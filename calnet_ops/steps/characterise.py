"""Measure the candidates of a sector: period, epoch, depths, durations, type."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypedDict

import pyarrow as pa
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, known, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.ephemeris import characterise
from calnet_ops.science.lightcurve import spoc
from calnet_ops.steps.measured import MOST_SECTORS, measured
from calnet_ops.steps.stored_files import stored_keys

VERSION = 3
"""Code version of this step in the lineage."""

CANDIDATES = pa.schema(
    [
        ("tic", pa.int64()),
        ("sector", pa.int32()),
        ("probability", pa.float64()),
        ("n_segment", pa.int32()),
        ("period", pa.float64()),
        ("period_err", pa.float64()),
        ("epoch_bjd_tdb", pa.float64()),
        ("epoch_err", pa.float64()),
        ("depth_1", pa.float64()),
        ("depth_1_err", pa.float64()),
        ("depth_2", pa.float64()),
        ("depth_2_err", pa.float64()),
        ("duration_1", pa.float64()),
        ("duration_1_err", pa.float64()),
        ("duration_2", pa.float64()),
        ("duration_2_err", pa.float64()),
        ("eb_type", pa.string()),
        ("probability_ea", pa.float64()),
        ("probability_eb", pa.float64()),
        ("probability_ew", pa.float64()),
        ("morphology", pa.float64()),
        ("n_eclipse", pa.int32()),
        ("n_sector_measured", pa.int32()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("tmag", pa.float64()),
        ("teff", pa.float64()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        ("simulated", pa.bool_()),
        ("marks", pa.string()),
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
    n_light_curve: int
    """Light curves they were measured from, of this sector and earlier ones."""


def characterise_sector(sector: int, platform: Platform) -> CandidateRecord:
    """Measure every target at or above the threshold of the model in production.

    From its light curves of this sector and of earlier ones (`MOST_SECTORS`), so that what is
    measured of a sector does not change when a later one is ingested.

    Raises
    ------
    MissingInput
        If no model is in production, or the sector has no scores of it or no manifest.

    Notes
    -----
    One star after the other, 0.1 to 0.2 s a light curve: a sector has a few hundred candidates.
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
    targets, threshold = str(scored.facts["targets"]), champion.threshold
    scores = platform.store.load_table(targets).to_pylist()
    chosen = sorted(
        (row for row in scores if row["probability"] >= threshold), key=lambda row: row["tic"]
    )
    files = _light_curves(sector, {row["tic"] for row in chosen}, platform)
    marks = _marks(delivery, files.keys(), platform.store)
    inputs = {"targets": targets, "threshold": threshold, "files": _digest(files), "marks": marks}
    key = keys.candidates(champion.model_id, sector, lineage_id("characterise", VERSION, **inputs))
    if platform.store.exists(key):
        table = platform.store.load_table(key)
    else:
        rows = [
            _row(score, files[score["tic"]], platform.store)
            | {"marks": marks.get(str(score["tic"]))}
            for score in chosen
        ]
        found = [{name: known(value) for name, value in row.items()} for row in rows]
        table = pa.Table.from_pylist(found, CANDIDATES)
        platform.store.save_table(key, table)
    record = CandidateRecord(
        sector=sector,
        model_id=champion.model_id,
        key=key,
        targets=targets,
        n_target=len(scores),
        n_candidate=table.num_rows,
        n_period=table.num_rows - table["period"].null_count,
        n_light_curve=sum(map(len, files.values())),
    )
    platform.ledger.record(
        "candidates", sector, key, model_id=champion.model_id, facts=dict(record)
    )
    log.info("candidates_measured", **record)
    return record


def _light_curves(sector: int, tics: AbstractSet[int], platform: Platform) -> dict[int, list[str]]:
    """Keys of the light curves each star is measured from, this sector's first."""
    files: dict[int, list[str]] = {tic: [] for tic in tics}
    deliveries = [item for item in platform.ledger.deliveries() if item.sector <= sector]
    for delivery in sorted(deliveries, key=lambda item: -item.sector):
        if not tics or "manifest" not in delivery.facts:
            continue
        stored = stored_keys(str(delivery.facts["manifest"]), platform.store)
        for tic in tics & stored.keys():
            if len(files[tic]) < MOST_SECTORS:
                files[tic].append(stored[tic])
    return files


def _marks(delivery: Delivery, tics: AbstractSet[int], store: Store) -> dict[str, str]:
    """What the checks marked the light curves of some stars by, in words, by TIC number as text.

    The words and not the key of their table: that depends on sectors which were judged before.
    """
    key, found = str(delivery.facts.get("marks", "")), dict[str, list[str]]()
    for row in store.load_table(key).to_pylist() if key else []:
        if row["tic"] in tics:
            found.setdefault(str(row["tic"]), []).append(row["expectation"])
    sector = keys.sector_key(delivery.sector)
    return {tic: f"{sector}: {', '.join(missed)}" for tic, missed in found.items()}


def _digest(files: Mapping[int, list[str]]) -> str:
    """Hash of which files there are: their keys name bytes that never change."""
    return sha256_hex(canonical_json(sorted(key for found in files.values() for key in found)))


def _row(score: dict[str, Any], files: list[str], store: Store) -> dict[str, Any]:
    light_curves = [spoc.read(store.load(key)) for key in files]
    here, found = light_curves[0], characterise(light_curves)
    return {
        "tic": score["tic"],
        "sector": score["sector"],
        "probability": score["probability"],
        "n_segment": score["n_segment"],
        **measured(found),
        "ra": here.ra,
        "dec": here.dec,
        "tmag": here.tmag,
        "teff": here.teff,
        "camera": here.camera,
        "ccd": here.ccd,
        "simulated": any(light_curve.simulated for light_curve in light_curves),
        "curve": found.curve.tolist() if found.eb_type else [],
    }
