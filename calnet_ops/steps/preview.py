"""What a promotion would change: the newest sectors, scored with a model before it is promoted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Promotion
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.lineage import lineage_id
from calnet_ops.platform import Platform
from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.candidates.combine import logit, sigmoid
from calnet_ops.science.evaluation.changes import (
    ENTER,
    LEAVE,
    TYPE,
    Best,
    Change,
    Known,
    find_changes,
)
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.preview_page import draw_changes, write_page
from calnet_ops.steps.score import ScoreShard, keep_scores
from calnet_ops.steps.version_page import PREVIEW, describe_version

VERSION = 2
"""Raised when the same scores give another preview."""

N_SECTOR = 3
"""Newest sectors looked at: a sector of 20,000 stars takes two minutes of one core, and the
sectors of a season have most of their kinds of stars in common."""

FOLDER = "preview"
"""Of the run's artifacts."""

PARTS = ("preview.html", "preview.png", "preview.csv", "preview.parquet")

CHANGES = pa.schema(
    [
        ("tic", pa.int64()),
        ("change", pa.string()),
        ("sector", pa.int32()),
        ("probability", pa.float64()),
        ("probability_before", pa.float64()),
        ("eb_type", pa.string()),
        ("eb_type_after", pa.string()),
        ("verdict", pa.string()),
    ]
)
"""Columns of the table, see `Change`."""

log = structlog.get_logger()


class PreviewRecord(TypedDict):
    """What a promotion would change."""

    version: int
    model_id: str
    champion: str
    """Model in production; empty without one: every candidate then enters."""
    sectors: list[str]
    """Sectors that were looked at, newest first."""
    left_out: list[str]
    """Sectors that the model in production has not scored."""
    n_star: int
    n_enter: int
    n_leave: int
    n_stay: int
    n_type: int
    """Of those that stay, stars of another type."""
    files: dict[str, str]
    """Key of each of `PARTS`."""


@dataclass(frozen=True)
class Sector:
    """A sector that both models can be compared on."""

    number: int
    shards: tuple[str, ...]
    """Keys of its features, of the version that the new model learned from."""
    targets: str
    """Key of the target scores of the model in production; empty without one."""
    candidates: str
    """Key of its candidates; empty if there are none yet."""
    candidates_after: str
    """Key of the new model's own."""


def preview_promotion(version: int, platform: Platform, n_sector: int = N_SECTOR) -> PreviewRecord:
    """Score the newest sectors with a version, and list which candidates would come and go.

    The scores are those that `score` would write: after a promotion they are there already. Table,
    page and thumbnails go to the store and to the version's run, a line to its description.

    Parameters
    ----------
    n_sector
        How many sectors with features of the model's version, newest first.

    Raises
    ------
    MissingInput
        If there is no such version, or it has no model of ours.
    """
    found = platform.registry.version(version)
    model_id = found["tags"].get("model_id", "")
    if not model_id:
        raise MissingInput(
            f"version {version}", found="no tag model_id", expected="a version made by `train`"
        )
    store, champion = platform.store, platform.ledger.champion()
    facts = load_model_facts(model_id, store)
    chosen, left_out = _choose(facts, model_id, champion, n_sector, platform)
    labels = platform.ledger.latest("labels", 0)
    lineage = lineage_id(
        PREVIEW,
        VERSION,
        model=model_id,
        thresholds=[facts["threshold"], champion.threshold if champion else 1.0],
        sectors=[asdict(sector) for sector in chosen],
        labels=labels.key if labels else "",
    )
    files = {part: keys.model(model_id, f"preview-{lineage}/{part}") for part in PARTS}
    after, before = _after(chosen, facts, store), _before(chosen, store)
    known = Known(
        _types([sector.candidates for sector in chosen], store),
        _types([sector.candidates_after for sector in chosen], store),
        _verdicts(labels.key, store) if labels else {},
    )
    threshold_before = champion.threshold if champion else 1.0
    changes = find_changes(after, facts["threshold"], before, threshold_before, known)
    record = _record(version, champion, chosen, left_out, files, changes, after, facts)
    if not store.exists(files["preview.html"]):
        _write(record, changes, chosen, store)
    platform.registry.attach(
        found["run_id"], FOLDER, {part: store.load(key) for part, key in files.items()}
    )
    platform.ledger.record(PREVIEW, 0, files["preview.html"], model_id=model_id, facts={**record})
    describe_version(version, platform)
    log.info("promotion_previewed", **record)
    return record


def _choose(
    facts: Mapping[str, Any],
    model_id: str,
    champion: Promotion | None,
    n_sector: int,
    platform: Platform,
) -> tuple[list[Sector], list[str]]:
    """Newest sectors with features; without scores of the model in production, left out."""
    ledger = platform.ledger
    newest = {record.sector: record for record in ledger.records(f"features-{facts['features']}")}
    chosen: list[Sector] = []
    left_out = []
    for number, record in sorted(newest.items(), reverse=True)[:n_sector]:
        old = champion.model_id if champion else ""
        scored = ledger.latest("score", number, old) if champion else None
        if champion is not None and scored is None:
            left_out.append(keys.sector_key(number))
            continue
        measured = ledger.latest("candidates", number, old) if champion else None
        own = ledger.latest("candidates", number, model_id)
        chosen.append(
            Sector(
                number=number,
                shards=tuple(shard["features"] for shard in record.facts["shards"]),
                targets=str(scored.facts["targets"]) if scored else "",
                candidates=measured.key if measured else "",
                candidates_after=own.key if own else "",
            )
        )
    return chosen, left_out


def _after(chosen: Sequence[Sector], facts: Mapping[str, Any], store: Store) -> dict[int, Best]:
    """Best sector of each star by the new model."""
    calibration = Calibration.from_json(facts.get("calibration"))
    best: dict[int, Best] = {}
    for sector in chosen:
        parts = []
        for features in sector.shards:
            shard = ScoreShard(
                sector=sector.number,
                model_id=facts["model_id"],
                version=facts["features"],
                features=features,
            )
            parts.append(store.load_table(keep_scores(shard, store), ["tic", "score"]))
        if parts:
            scores = pa.concat_tables(parts)
            tics, probability = _by_star(scores)
            _keep_best(best, sector.number, tics, calibration.apply(probability))
    return best


def _by_star(scores: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Stars, and the mean of the logits of their segments as a probability."""
    tics, member = np.unique(scores["tic"].to_numpy(), return_inverse=True)
    total = np.bincount(member, logit(scores["score"].to_numpy()))
    return tics, sigmoid(total / np.bincount(member))


def _before(chosen: Sequence[Sector], store: Store) -> dict[int, Best]:
    """Best sector of each star by the model in production."""
    best: dict[int, Best] = {}
    for sector in chosen:
        if sector.targets:
            table = store.load_table(sector.targets, ["tic", "probability"])
            _keep_best(
                best, sector.number, table["tic"].to_numpy(), table["probability"].to_numpy()
            )
    return best


def _keep_best(
    best: dict[int, Best],
    sector: int,
    tics: npt.NDArray[np.int64],
    probability: npt.NDArray[np.float64],
) -> None:
    for tic, value in zip(tics.tolist(), probability.tolist(), strict=True):
        if tic not in best or value > best[tic].probability:
            best[tic] = Best(sector, value)


def _types(candidates: Sequence[str], store: Store) -> dict[int, str]:
    """Type of each star that was measured; the newest sector's, as they come newest first."""
    types: dict[int, str] = {}
    for key in candidates:
        for row in store.load_table(key, ["tic", "eb_type"]).to_pylist() if key else []:
            if row["eb_type"]:
                types.setdefault(row["tic"], row["eb_type"])
    return types


def _verdicts(label_set: str, store: Store) -> dict[int, str]:
    rows = store.load_table(label_set, ["tic", "verdict"]).to_pylist()
    return {row["tic"]: row["verdict"] for row in rows}


def _record(
    version: int,
    champion: Promotion | None,
    chosen: Sequence[Sector],
    left_out: list[str],
    files: dict[str, str],
    changes: Sequence[Change],
    after: Mapping[int, Best],
    facts: Mapping[str, Any],
) -> PreviewRecord:
    counts = {kind: sum(one.change == kind for one in changes) for kind in (ENTER, LEAVE, TYPE)}
    n_now = sum(one.probability >= facts["threshold"] for one in after.values())
    return PreviewRecord(
        version=version,
        model_id=facts["model_id"],
        champion=champion.model_id if champion else "",
        sectors=[keys.sector_key(sector.number) for sector in chosen],
        left_out=left_out,
        n_star=len(after),
        n_enter=counts[ENTER],
        n_leave=counts[LEAVE],
        n_stay=n_now - counts[ENTER],
        n_type=counts[TYPE],
        files=files,
    )


def _write(
    record: PreviewRecord, changes: Sequence[Change], chosen: Sequence[Sector], store: Store
) -> None:
    """All parts, the page last: it says that the others are there."""
    files = record["files"]
    table = pa.Table.from_pylist([asdict(one) for one in changes], schema=CHANGES)
    store.save_table(files["preview.parquet"], table)
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink)
    store.save_new(files["preview.csv"], sink.getvalue().to_pybytes(), "text/csv")
    shards = {sector.number: sector.shards for sector in chosen}
    image, n_shown = draw_changes({**record}, changes, shards, store)
    store.save_new(files["preview.png"], image, "image/png")
    page = write_page({**record}, changes, n_shown, image)
    store.save_new(files["preview.html"], page.encode(), "text/html; charset=utf-8")
