"""Which unlabelled stars a data set takes for "no binary"."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.adapters.ledger import Ledger
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.labels.negatives import Population, near_any, sample_negatives
from calnet_ops.science.labels.records import SIMULATED_TIC
from calnet_ops.science.labels.split import GUARD, side_of
from calnet_ops.steps.dataset_inputs import Places

VERSION = 1
"""Raised when the same ledger gives another list of stars not to sample."""

SAMPLED = "sampled"
"""Source of a verdict that nobody has given."""

NOT_NEGATIVES = pa.schema(
    [
        ("tic", pa.int64()),
        ("why", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
    ]
)
"""Columns of the list of stars not to sample, sorted by TIC; place if a catalog gives one."""

Labels = Mapping[int, Mapping[str, Any]]


def save_not_negatives(platform: Platform) -> str:
    """Keep the stars that must not be sampled, as of now, and tell their key.

    Whom anybody ever called a binary, or was unsure about, such as hosts of planet candidates: of
    these many prove to be binaries. And candidates of the model in production, until somebody has
    looked at them: were they negatives, the next model would learn to miss what this one finds.
    """
    found: dict[int, dict[str, Any]] = {}
    for said in platform.ledger.decisions():
        if said.verdict not in {"EB", "UNSURE"}:
            continue
        row = found.setdefault(
            said.tic, {"tic": said.tic, "why": said.verdict, "ra": None, "dec": None}
        )
        row["why"] = min(row["why"], said.verdict)
        if said.ra is not None and row["ra"] is None:
            row |= {"ra": said.ra, "dec": said.dec}
    for tic in _candidates(platform):
        found.setdefault(tic, {"tic": tic, "why": "candidate", "ra": None, "dec": None})
    rows = [found[tic] for tic in sorted(found)]
    key = keys.not_negatives(lineage_id("not_negatives", VERSION, rows=rows))
    platform.store.save_table(key, pa.Table.from_pylist(rows, schema=NOT_NEGATIVES))
    return key


def sample(
    segments: pa.Table, labels: Labels, places: Places, excluded: pa.Table, negatives_per_eb: float
) -> tuple[dict[int, list[int]], dict[str, dict[str, int]]]:
    """Stars to take for "no binary", by sector, and how many there were and are.

    Parameters
    ----------
    segments
        All of them, see `list_segments`.
    excluded
        Columns of `NOT_NEGATIVES`.

    Notes
    -----
    Not sampled are also stars so near a binary that they may show its eclipses, stars without a
    place or in the guard band, and simulated ones: the truth of these is known to who made them.
    """
    binaries = {tic for tic, row in labels.items() if row["verdict"] == "EB"}
    avoided = np.array(sorted({*excluded["tic"].to_pylist(), *binaries}), np.int64)
    where = _places_of(excluded, avoided, places)
    chosen: dict[int, list[int]] = {}
    told: dict[str, dict[str, int]] = {}
    for sector, tics, noise in _by_sector(segments):
        real = [tic for tic in tics.tolist() if tic < SIMULATED_TIC and tic in labels]
        n_eb = sum(labels[tic]["verdict"] == "EB" for tic in real)
        n_lacking = round(negatives_per_eb * n_eb) - (len(real) - n_eb)
        if n_lacking <= 0:
            continue
        of = places.of(tics)
        eligible = np.isfinite(of.ra) & np.isfinite(of.dec) & (tics < SIMULATED_TIC)
        eligible &= ~np.isin(tics, avoided) & ~np.isin(tics, np.array(list(labels), np.int64))
        eligible[eligible] = ~near_any(of.ra[eligible], of.dec[eligible], *where)
        free = {
            tic
            for tic, ra, dec in zip(
                tics[eligible].tolist(), of.ra[eligible], of.dec[eligible], strict=True
            )
            if side_of(tic, ra, dec) != GUARD
        }
        population = Population(tics.tolist(), of.tmag, -noise)
        chosen[sector] = sample_negatives(population, free, n_lacking)
        told[keys.sector_key(sector)] = {
            "n_binary": n_eb,
            "n_labelled": len(real) - n_eb,
            "n_sampled": len(chosen[sector]),
        }
    return chosen, told


def _candidates(platform: Platform) -> set[int]:
    """Stars in the newest candidates of the model in production."""
    champion = platform.ledger.champion()
    if champion is None:
        return set()
    newest = _newest_candidates(champion.model_id, platform.ledger)
    tables = (platform.store.load_table(key, ["tic"]) for key in newest)
    return {tic for table in tables for tic in table["tic"].to_pylist()}


def _newest_candidates(model_id: str, ledger: Ledger) -> list[str]:
    records = (one for one in ledger.records("candidates") if one.model_id == model_id)
    return list({record.sector: record.key for record in records}.values())


def _places_of(
    excluded: pa.Table, avoided: np.ndarray, places: Places
) -> tuple[np.ndarray, np.ndarray]:
    """Where binaries are, by catalogs and by light curves."""
    stored = places.of(avoided)
    ra = np.append(excluded["ra"].to_numpy(), stored.ra)
    dec = np.append(excluded["dec"].to_numpy(), stored.dec)
    known = np.isfinite(ra) & np.isfinite(dec)
    return ra[known], dec[known]


def _by_sector(segments: pa.Table) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Sector, its stars, and the least noise of a segment of each against its width."""
    sector, tic = segments["sector"].to_numpy(), segments["tic"].to_numpy()
    noise = segments["flux_noise"].to_numpy()
    found = []
    for number in np.unique(sector).tolist():
        mine = sector == number
        tics, star = np.unique(tic[mine], return_inverse=True)
        values = np.where(np.isfinite(noise[mine]), noise[mine], np.inf)
        lowest = np.full(len(tics), np.inf)
        np.minimum.at(lowest, star, values)
        found.append((number, tics, np.where(np.isfinite(lowest), lowest, np.nan)))
    return found
