"""Where everything stands, as plain values: the ops page, its JSON and the metrics show these."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.ledger import Delivery, Promotion, StepRecord
from calnet_ops.adapters.scheduler import Approval
from calnet_ops.errors import CalnetError
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import is_in_store
from calnet_ops.steps.sector_progress import progress
from calnet_ops.web.candidates import (
    champion_tables,
    load_rows,
    newest_records,
    standing_decisions,
)

STATES = ("appearing", "listed", "raw", "halted")
"""All states of a delivery; `Delivery.state` explains them."""

STAGES = ("listed", "stored", "checked", "features", "scored", "candidates")
"""What happens to a sector, in this order."""

NOTICES_SHOWN = 20
"""More than a screen of notices is read in the ledger, not on a page."""

RELEASES_SHOWN = 10
"""About two years of releases, one a sector now and then."""

REFUSALS_SHOWN = 10
"""Refused promotions on the page; all of them are in the ledger."""

Newest = dict[tuple[str, int, str], StepRecord]


@dataclass(frozen=True, slots=True)
class SectorRow:
    """One sector, from its first listing to its candidates. None: not known (yet)."""

    sector: int
    name: str
    """Partition key."""
    delivery: int
    state: str
    progress: str
    """State with counts, in words."""
    simulated: bool
    first_seen_utc: datetime
    changed_utc: datetime
    stages: dict[str, bool]
    """Which of `STAGES` are done."""
    n_listed: int
    n_published: int | None
    """Two-minute targets in the script."""
    n_expected: int | None
    """Two-minute targets in the CDPP table; without one, in the list of planned targets."""
    n_stored: int | None
    n_recovered: int | None
    """Stored files that the archive gave only when asked again, or another source."""
    n_suspect: int | None
    """Quarantined files that are asked for again."""
    quarantined: dict[str, int]
    """Files by reason."""
    skipped: dict[str, int]
    """Files without features, by reason."""
    n_target: int | None
    """Targets scored by the champion."""
    n_segment: int | None
    n_candidate: int | None
    n_waiting: int
    """Candidates that nobody has judged."""
    drift: str | None
    """``usual``, ``warn`` or ``unknown``, of the scores by the champion."""
    drift_warnings: list[str]
    drift_excess: float | None
    """Largest distance over its limit; above 1 is a warning."""
    expected_recall: float | None
    expected_precision: float | None
    """Of the champion, without labels."""
    raw_after_s: float | None
    """From first seen to all files stored [s]."""
    scored_after_s: float | None
    """From first seen to the first scores of any model [s]."""
    bytes_per_s: float | None
    """Of one ingest task, while it ran; tasks run side by side."""
    files_per_s: float | None
    docs: bool
    """Whether there are Data Docs to look at."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """The newest version that was judged; none newer was ever in production."""

    version: int
    verdict: str
    """``pass`` or ``fail``."""
    reasons: list[str]
    """Why not."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person; release approvals are asked of Airflow, see `Approvals`."""

    n_candidate: int
    """Stars among the champion's candidates that nobody has judged."""
    halted: list[str]
    """Sectors that were stopped."""
    challenger: Challenger | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Files of all sectors that are not used, for one reason."""

    kind: str
    """``quarantined`` or ``skipped``."""
    reason: str
    n_file: int


@dataclass(frozen=True, slots=True)
class Release:
    """One published release."""

    version: str
    uri: str
    n_row: int
    at_utc: datetime
    current: bool
    """Whether `releases/latest.json` names it."""


@dataclass(frozen=True, slots=True)
class RetrainLook:
    """Whether it was time to train, when last asked."""

    at_utc: datetime
    start: bool
    reason: str
    n_changed: int
    """Labels changed since the champion's label set."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it."""

    sectors: list[SectorRow]
    """Newest sector first."""
    champion: Promotion | None
    least_recall: float | None
    """Recall of validation stars that the champion's threshold was chosen for."""
    refused: list[Promotion]
    """Newest first."""
    n_refused: int
    n_promoted: int
    retrain: RetrainLook | None
    waiting: Waiting
    set_aside: list[SetAside]
    """Over all sectors, most frequent first."""
    notices: list[dict[str, Any]]
    """Newest first."""
    n_notice: int
    releases: list[Release]
    """Newest first."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Releases that wait for a person's yes in Airflow."""

    items: list[Approval]
    trouble: str
    """Why they are not known; empty if they are."""


def overview(platform: Platform) -> Overview:
    """Read the ledger (and candidate tables not read before) and sum it up.

    Notes
    -----
    A handful of queries whatever the number of sectors: a scrape every 15 s costs little.
    """
    ledger = platform.ledger
    records, deliveries = ledger.records(), ledger.all_deliveries()
    newest, promotions, notices = newest_records(records), ledger.promotions(), ledger.notices()
    made = [item for item in records if item.step.startswith("features-")]
    newest |= {("features", item.sector, ""): item for item in made}  # of whatever version
    allowed = [item for item in promotions if item.action == "promoted"]
    refused = [item for item in promotions if item.action == "refused"]
    champion = allowed[-1] if allowed else None
    waiting = _waiting_stars(platform, champion, newest)
    scored = _first_scored(records)
    rows = [
        _sector_row(item, newest, champion, waiting.get(item.sector, frozenset()), scored)
        for item in reversed({item.sector: item for item in deliveries}.values())
    ]
    return Overview(
        sectors=rows,
        champion=champion,
        least_recall=_least_recall(champion, newest),
        refused=refused[::-1][:REFUSALS_SHOWN],
        n_refused=len(refused),
        n_promoted=len(allowed),
        retrain=_retrain(next((item for item in records[::-1] if item.step == "retrain"), None)),
        waiting=Waiting(
            n_candidate=len(frozenset().union(*waiting.values())),
            halted=_halted(deliveries),
            challenger=_challenger(records, allowed),
        ),
        set_aside=_set_aside(rows),
        notices=notices[::-1][:NOTICES_SHOWN],
        n_notice=len(notices),
        releases=_releases(platform, records),
    )


def waiting_approvals(platform: Platform) -> Approvals:
    """Ask Airflow what it wants a person to approve; the page lives on if it does not answer."""
    try:
        return Approvals(platform.scheduler.waiting_approvals(), "")
    except CalnetError as error:
        return Approvals([], str(error))


def _least_recall(champion: Promotion | None, newest: Newest) -> float | None:
    trained = newest.get(("train", 0, champion.model_id)) if champion else None
    return trained.facts.get("least_recall") if trained else None


def _retrain(decision: StepRecord | None) -> RetrainLook | None:
    if decision is None:
        return None
    parts = {part: decision.facts[part] for part in ("start", "reason", "n_changed")}
    return RetrainLook(at_utc=decision.at_utc, **parts)


def _halted(deliveries: list[Delivery]) -> list[str]:
    """Sectors whose newest delivery in the store is halted, also if another is on its way."""
    stored = {item.sector: item for item in deliveries if is_in_store(item)}
    halted = [sector for sector, item in stored.items() if item.state == "halted"]
    return [keys.sector_key(sector) for sector in reversed(halted)]


def _challenger(records: list[StepRecord], allowed: list[Promotion]) -> Challenger | None:
    """What a person may promote; a version older than any that was in production waits no more."""
    judged = {item.facts["version"]: item.facts for item in records if item.step == "gate"}
    newest = max(judged, default=0)
    if newest <= max((item.model_version for item in allowed), default=0):
        return None
    return Challenger(newest, judged[newest]["verdict"], judged[newest]["reasons"])


def _set_aside(rows: list[SectorRow]) -> list[SetAside]:
    total: Counter[tuple[str, str]] = Counter()
    for row in rows:
        total.update({("quarantined", reason): n for reason, n in row.quarantined.items()})
        total.update({("skipped", reason): n for reason, n in row.skipped.items()})
    return [SetAside(kind, reason, n) for (kind, reason), n in total.most_common()]


def _waiting_stars(
    platform: Platform, champion: Promotion | None, newest: Newest
) -> dict[int, frozenset[int]]:
    """TIC numbers of candidates nobody has judged, by sector."""
    judged = {tic for tic, _ in standing_decisions(platform.ledger.decisions())}
    return {
        sector: frozenset(row["tic"] for row in load_rows(platform.store, key)) - judged
        for sector, key in champion_tables(champion, newest).items()
    }


def _first_scored(records: list[StepRecord]) -> dict[int, list[datetime]]:
    times: dict[int, list[datetime]] = {}
    for item in records:
        if item.step == "score":
            times.setdefault(item.sector, []).append(item.at_utc)
    return times


def _sector_row(
    delivery: Delivery,
    newest: Newest,
    champion: Promotion | None,
    waiting: frozenset[int],
    scored: dict[int, list[datetime]],
) -> SectorRow:
    sector, model_id = delivery.sector, champion.model_id if champion else ""
    ingest = newest.get(("ingest", sector, ""))
    features = newest.get(("features", sector, ""))
    score = newest.get(("score", sector, model_id))
    candidates = newest.get(("candidates", sector, model_id))
    watched = newest.get(("drift", sector, model_id))
    facts, pulled = delivery.facts, ingest.facts if ingest else {}
    # a delivery that is only listed has the facts of the one before, which stay in force
    n_stored = facts.get("n_stored")
    stored = n_stored is not None and facts.get("delivery") == delivery.delivery
    return SectorRow(
        sector=sector,
        name=keys.sector_key(sector),
        delivery=delivery.delivery,
        state=delivery.state,
        progress=progress(delivery),
        simulated=bool(facts.get("simulated")),
        first_seen_utc=delivery.first_seen_utc,
        changed_utc=delivery.changed_utc,
        stages={
            "listed": delivery.state != "appearing",
            "stored": stored,
            "checked": ("validate", sector, "") in newest,
            "features": features is not None,
            "scored": score is not None,
            "candidates": candidates is not None,
        },
        n_listed=delivery.n_listed,
        n_published=facts.get("n_target"),
        n_expected=facts.get("n_expected") or facts.get("n_planned"),
        n_stored=n_stored,
        n_recovered=facts.get("n_recovered"),
        n_suspect=facts.get("n_suspect"),
        quarantined=_by_reason(facts, "n_quarantined"),
        skipped=_by_reason(features.facts if features else {}, "n_skipped"),
        n_target=_count(score, "n_target"),
        n_segment=_count(score, "n_segment"),
        n_candidate=_count(candidates, "n_candidate"),
        n_waiting=len(waiting),
        drift=watched.facts["state"] if watched else None,
        drift_warnings=watched.facts["warnings"] if watched else [],
        drift_excess=watched.facts["excess"] if watched else None,
        expected_recall=_expected(watched, "recall"),
        expected_precision=_expected(watched, "precision"),
        raw_after_s=_after(delivery, [ingest.at_utc] if ingest else []),
        scored_after_s=_after(delivery, scored.get(sector, [])),
        bytes_per_s=_rate(pulled, "pulled_bytes"),
        files_per_s=_rate(pulled, "pulled_files"),
        docs=bool(facts.get("docs")),
    )


def _count(record: StepRecord | None, name: str) -> int | None:
    return record.facts.get(name) if record else None


def _expected(record: StepRecord | None, name: str) -> float | None:
    """Expected figure, if the probabilities that it rests on are calibrated."""
    if record is None or not record.facts["calibrated"]:
        return None
    value: float | None = record.facts["expected"][name]["value"]
    return value


def _by_reason(facts: dict[str, Any], name: str) -> dict[str, int]:
    return dict(sorted(facts.get(name, {}).items()))


def _after(delivery: Delivery, times: list[datetime]) -> float | None:
    """Seconds from first seen to the first of `times` that lies behind it."""
    since = [(at - delivery.first_seen_utc).total_seconds() for at in times]
    return min((item for item in since if item >= 0), default=None)


def _rate(pulled: dict[str, Any], name: str) -> float | None:
    """Amount a second of one ingest task, while it ran."""
    amount, seconds = pulled.get(name), pulled.get("pulled_seconds")
    return amount / seconds if amount is not None and seconds else None


def _releases(platform: Platform, records: list[StepRecord]) -> list[Release]:
    body, _ = platform.store.load_pointer(keys.LATEST)
    current = json.loads(body).get("version") if body else None
    return [
        Release(
            version=item.facts["version"],
            uri=item.facts["uri"],
            n_row=item.facts["n_row"],
            at_utc=item.at_utc,
            current=item.facts["version"] == current,
        )
        for item in records[::-1]
        if item.step == "release"
    ][:RELEASES_SHOWN]
