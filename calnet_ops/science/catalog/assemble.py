"""From candidates of many sectors and what people said to the rows of a catalog."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from calnet_ops.science.candidates.combine import combine_sectors

SEARCHED = pa.schema(
    [
        pa.field("tic", pa.int64(), nullable=False),
        pa.field("sectors", pa.string(), nullable=False),
        pa.field("n_sector", pa.int32(), nullable=False),
        pa.field("n_segment", pa.int32(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("probability_by_sector", pa.list_(pa.float64()), nullable=False),
        pa.field("candidate", pa.bool_(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("simulated", pa.bool_(), nullable=False),
    ]
)
"""Every star that was scored: the denominator of any statement about the catalog."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vetting:
    """What people (or recorded simulated vetters) said about one star."""

    verdict: str
    """Consensus: ``EB``, ``NOT_EB``, or empty while there is none."""
    eb_type: str
    """``EA``, ``EB``, ``EW``, or empty."""
    n_vote_eb: int
    n_vote_not_eb: int
    n_vote_unsure: int


UNVETTED = Vetting("", "", 0, 0, 0)


def count_votes(decisions: Iterable[Any]) -> dict[int, Counter[str]]:
    """Votes by star and verdict; of each vetter the last word on a star counts.

    Parameters
    ----------
    decisions
        With ``tic``, ``vetter`` and ``verdict``, oldest first.
    """
    last = {(item.tic, item.vetter): item.verdict for item in decisions}
    votes: dict[int, Counter[str]] = {}
    for (tic, _), verdict in last.items():
        votes.setdefault(tic, Counter())[verdict] += 1
    return votes


def assemble(
    candidates: Iterable[Row],
    targets: Iterable[Row],
    vetted: Mapping[int, Vetting],
    planet_hosts: frozenset[int],
    constants: Row,
    attributed: Mapping[int, Row] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Rows of the catalog: one a star, without those that people rejected.

    Parameters
    ----------
    candidates
        Rows of the candidates tables of all sectors.
    targets
        Rows of the target scores of all sectors.
    vetted
        What people said, by TIC number.
    planet_hosts
        TIC numbers of known and confirmed planet hosts.
    constants
        Columns that are the same in every row.
    attributed
        Whose eclipses a star shows, by TIC number; of some it may not be known.
    """
    scored = dict(_by_star(targets))
    rows = []
    for tic, sectors in _by_star(candidates):
        vetting = vetted.get(tic, UNVETTED)
        if vetting.verdict != "NOT_EB":
            everywhere = {row["sector"]: row for row in (*scored.get(tic, ()), *sectors)}
            found = {
                "probability": _probability(everywhere.values()),
                "n_sector_scored": len(everywhere),
                "planet_host": tic in planet_hosts,
            }
            found |= attributed.get(tic, {})
            rows.append(_one_star(sectors) | found | _said(vetting, sectors) | dict(constants))
    return rows


def list_searched(
    targets: Iterable[Row], vetted: Mapping[int, Vetting], threshold: float
) -> pa.Table:
    """Every scored star with its probabilities; columns of `SEARCHED`, sorted by TIC number."""
    rows = []
    for tic, sectors in _by_star(targets):
        probabilities = [row["probability"] for row in sectors]
        rows.append(
            {
                "tic": tic,
                "sectors": _sector_list(sectors),
                "n_sector": len(sectors),
                "n_segment": sum(row["n_segment"] for row in sectors),
                "probability": _probability(sectors),
                "probability_by_sector": probabilities,
                "candidate": max(probabilities) >= threshold,
                "verdict": vetted.get(tic, UNVETTED).verdict,
                "simulated": any(row["simulated"] for row in sectors),
            }
        )
    return pa.Table.from_pylist(rows, SEARCHED)


def _by_star(rows: Iterable[Row]) -> Iterable[tuple[int, list[Row]]]:
    ordered = sorted(rows, key=lambda row: (row["tic"], row["sector"]))
    return ((tic, list(group)) for tic, group in groupby(ordered, key=lambda row: row["tic"]))


def _one_star(sectors: list[Row]) -> dict[str, Any]:
    best = min(sectors, key=_weakness)
    return {
        **best,
        "sectors": _sector_list(sectors),
        "n_sector": len(sectors),
        "n_segment": sum(row["n_segment"] for row in sectors),
        "simulated": any(row["simulated"] for row in sectors),
        "marks": "; ".join(row["marks"] for row in sectors if row.get("marks")) or None,
    }


def _probability(sectors: Iterable[Row]) -> float:
    """One probability from those of all sectors in which a star was scored."""
    return combine_sectors([row["probability"] for row in sectors])


def _weakness(row: Row) -> tuple[float, float]:
    """Let the sector with the best-known period speak for the star, then the most probable."""
    period, error = row["period"], row["period_err"]
    known = period is not None and error is not None and period > 0 and error > 0
    return (error / period if known else float("inf"), -row["probability"])


def _said(vetting: Vetting, sectors: list[Row]) -> dict[str, Any]:
    measured = min(sectors, key=_weakness)["eb_type"]
    return {
        "tier": "confirmed" if vetting.verdict == "EB" else "model",
        "eb_type": vetting.eb_type or measured,
        "n_vote_eb": vetting.n_vote_eb,
        "n_vote_not_eb": vetting.n_vote_not_eb,
        "n_vote_unsure": vetting.n_vote_unsure,
    }


def _sector_list(sectors: list[Row]) -> str:
    return ",".join(str(row["sector"]) for row in sectors)
