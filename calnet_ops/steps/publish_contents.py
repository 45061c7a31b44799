"""What a release is made from, and its files."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from calnet_ops import keys
from calnet_ops.adapters.ledger import Decision, Promotion, StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import canonical_json, lineage_id, sha256_hex
from calnet_ops.platform import Platform
from calnet_ops.science.catalog.assemble import (
    Row,
    Vetting,
    assemble,
    count_votes,
    list_searched,
)
from calnet_ops.science.catalog.contents import Contents
from calnet_ops.science.catalog.formats import FORMATS
from calnet_ops.science.catalog.schema import TITLE, from_rows
from calnet_ops.science.labels.consensus import consensus

VERSION = 2
"""Code version of the contents of a release in the lineage."""

MARK = "-simulated"
"""Ends the version of a release with any simulated ancestor."""

PARQUET = FORMATS["parquet"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a release is made from."""

    champion: Promotion
    records: tuple[StepRecord, ...]
    """Newest candidates of the champion, one a sector."""
    decisions: tuple[Decision, ...]
    label_set: str
    """Key of the newest frozen label set; empty if there is none."""

    @property
    def votes(self) -> list[Decision]:
        """What was said while vetting: of a light curve, so with its sector, by no catalog."""
        return [d for d in self.decisions if d.sector and d.source in {"person", "simulated"}]

    @property
    def lineage(self) -> str:
        """Id of the content: the same inputs make the same catalog, whatever its version."""
        said = [
            (d.tic, d.sector, d.verdict, d.eb_type, d.vetter, d.source, d.simulated)
            for d in self.decisions
        ]
        return lineage_id(
            "publish",
            VERSION,
            model_id=self.champion.model_id,
            model_version=self.champion.model_version,
            threshold=self.champion.threshold,
            candidates=[record.key for record in self.records],
            decisions=sha256_hex(canonical_json(said)),
        )


def collect_inputs(platform: Platform) -> Inputs:
    """Newest candidates of the model in production, and all that was said.

    Raises
    ------
    MissingInput
        If no model is in production, or it has scored no sector yet.
    """
    champion = platform.ledger.champion()
    if champion is None:
        raise MissingInput(
            "release", found="no model in production", expected="a champion",
            cure="Promote a version that passed the gate.",
        )  # fmt: skip
    records = platform.ledger.records("candidates")
    newest = {item.sector: item for item in records if item.model_id == champion.model_id}
    if not newest:
        raise MissingInput(
            "release",
            found=f"no sector scored by model version {champion.model_version}",
            expected="candidates of at least one sector",
            cure="Run `calnet-ops score` and `calnet-ops candidates` for a sector.",
        )
    ordered = tuple(newest[sector] for sector in sorted(newest))
    labels = platform.ledger.latest("labels", 0)
    decisions = tuple(platform.ledger.decisions())
    return Inputs(champion, ordered, decisions, labels.key if labels else "")


def build_release(inputs: Inputs, number: str, previous: str, store: Store) -> Contents:
    """Put the catalog together from candidates, scores and what people said.

    Parameters
    ----------
    inputs
        What it is made from.
    number
        Version without a mark.
    previous
        Version of the last release; empty for the first.
    """
    champion = inputs.champion
    candidates = _rows(store, [record.key for record in inputs.records])
    targets = _rows(store, [record.facts["targets"] for record in inputs.records])
    vetted = _vetted(inputs.votes)
    hosts = frozenset(d.tic for d in inputs.decisions if d.source == "planet_host")
    stars = {row["tic"] for row in candidates}
    rehearsed = any(vote.simulated for vote in inputs.votes if vote.tic in stars)
    simulated = champion.simulated or rehearsed or any(row["simulated"] for row in targets)
    version = number + MARK if simulated else number
    constants = {"model_version": champion.model_version, "release": version}
    rows = assemble(candidates, targets, vetted, hosts, constants)
    searched = list_searched(targets, vetted, champion.threshold)
    facts = {
        "title": TITLE,
        "release": version,
        "simulated": "true" if simulated else "false",
        "lineage": inputs.lineage,
        "model_id": champion.model_id,
        "model_version": str(champion.model_version),
        "threshold": repr(champion.threshold),
    }
    counts = _count(rows, candidates, searched.to_pylist())
    return Contents(
        catalog=from_rows(rows, facts),
        searched=searched,
        older=load_catalog(store, keys.release(previous)) if previous else None,
        known=_verdicts_not_learned(inputs, store),
        release=_manifest(inputs, facts, previous, counts),
    )


def _manifest(
    inputs: Inputs, facts: Mapping[str, str], previous: str, counts: Mapping[str, int]
) -> dict[str, Any]:
    champion = inputs.champion
    return {
        "title": facts["title"],
        "version": facts["release"],
        "previous": previous,
        "lineage": inputs.lineage,
        "simulated": facts["simulated"] == "true",
        "model": {
            "model_id": champion.model_id,
            "version": champion.model_version,
            "threshold": champion.threshold,
            "simulated": champion.simulated,
        },
        "sectors": {
            keys.sector_key(record.sector): {
                "candidates": record.key,
                "targets": record.facts["targets"],
            }
            for record in inputs.records
        },
        "label_set": inputs.label_set,
        "n_decision": len(inputs.decisions),
        "counts": dict(counts),
    }


def _count(
    rows: list[dict[str, Any]], candidates: list[Row], searched: list[Row]
) -> dict[str, int]:
    n_candidate = len({row["tic"] for row in candidates})
    types = [row["eb_type"] for row in rows]
    return {
        "n_row": len(rows),
        "n_confirmed": sum(row["tier"] == "confirmed" for row in rows),
        "n_model": sum(row["tier"] == "model" for row in rows),
        "n_ea": types.count("EA"),
        "n_eb": types.count("EB"),
        "n_ew": types.count("EW"),
        "n_untyped": sum(not item for item in types),
        "n_planet_host": sum(row["planet_host"] for row in rows),
        "n_simulated": sum(row["simulated"] for row in rows),
        "n_candidate": n_candidate,
        "n_rejected": n_candidate - len(rows),
        "n_searched": len(searched),
        "n_sector": len({sector for row in searched for sector in row["sectors"].split(",")}),
    }


def _vetted(votes: list[Decision]) -> dict[int, Vetting]:
    agreed = {row["tic"]: row for row in consensus(votes).rows}
    return {
        tic: Vetting(
            verdict=agreed[tic]["verdict"] if tic in agreed else "",
            eb_type=agreed[tic]["eb_type"] if tic in agreed else "",
            n_vote_eb=counts["EB"],
            n_vote_not_eb=counts["NOT_EB"],
            n_vote_unsure=counts["UNSURE"],
        )
        for tic, counts in count_votes(votes).items()
    }


def _verdicts_not_learned(inputs: Inputs, store: Store) -> dict[int, str]:
    """Verdicts about stars that the model did not learn from; none if that cannot be told."""
    key = keys.model(inputs.champion.model_id, "model.json")
    dataset = json.loads(store.load(key)).get("dataset") if store.exists(key) else None
    if not dataset:
        return {}
    table = store.load_table(dataset, ["tic", "split"])
    learned = {row["tic"] for row in table.to_pylist() if row["split"] != "test"}
    rows = consensus(inputs.decisions).rows
    return {row["tic"]: row["verdict"] for row in rows if row["tic"] not in learned}


def _rows(store: Store, sources: list[str]) -> list[Row]:
    """Rows of some tables, without folded curves."""
    tables = (store.load_table(key) for key in sources)
    return [
        row
        for table in tables
        for row in table.select([n for n in table.column_names if n != "curve"]).to_pylist()
    ]


def load_catalog(store: Store, prefix: str) -> pa.Table:
    """Catalog of a release or of a staged one, by the prefix of its files."""
    return PARQUET.read(io.BytesIO(store.load(prefix + PARQUET.file_name)))
