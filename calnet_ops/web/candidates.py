"""Candidates of the model in production, and who has judged them."""

from functools import lru_cache
from typing import Any

from calnet_ops.adapters.ledger import Decision, Promotion, StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.platform import Platform
from calnet_ops.science.labels.consensus import WITHDRAWN

TABLES_KEPT = 512
"""Candidate tables kept in memory, a few hundred rows each. Keys are write-once, so what was
read once stays true; one sector of one model is one table."""

VETTED_BY = frozenset({"person", "simulated"})
"""Sources of decisions made by looking at a candidate; labels of a catalog are not."""


def champion_tables(
    champion: Promotion | None, newest: dict[tuple[str, int, str], StepRecord]
) -> dict[int, str]:
    """Key of the candidate table of each sector that the champion has searched."""
    if champion is None:
        return {}
    return {
        sector: record.key
        for (step, sector, model_id), record in newest.items()
        if step == "candidates" and model_id == champion.model_id
    }


def newest_records(records: list[StepRecord]) -> dict[tuple[str, int, str], StepRecord]:
    """Last record of each (step, sector, model_id)."""
    return {(item.step, item.sector, item.model_id): item for item in records}


@lru_cache(maxsize=TABLES_KEPT)
def load_rows(store: Store, key: str) -> tuple[dict[str, Any], ...]:
    """Rows of a candidate table, without the folded curves."""
    table = store.load_table(key)
    names = [name for name in table.column_names if name != "curve"]
    return tuple(table.select(names).to_pylist())


def champion_candidates(platform: Platform) -> dict[int, dict[int, dict[str, Any]]]:
    """Rows of the champion's candidates: by TIC number, then by sector."""
    newest = newest_records(platform.ledger.records("candidates"))
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for sector, key in sorted(champion_tables(platform.ledger.champion(), newest).items()):
        for row in load_rows(platform.store, key):
            found.setdefault(row["tic"], {})[sector] = row
    return found


def standing_decisions(decisions: list[Decision]) -> dict[tuple[int, str], Decision]:
    """Last word of each vetter on each star, having looked at it; withdrawn words are left out."""
    last = {(item.tic, item.vetter): item for item in decisions if item.source in VETTED_BY}
    return {key: item for key, item in last.items() if item.verdict != WITHDRAWN}
