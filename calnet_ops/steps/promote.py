"""Follow the alias `champion` that a person moves; put it back where it may not be."""

from datetime import UTC, datetime, timedelta
from typing import TypedDict

import structlog

from calnet_ops.adapters.ledger import Ledger, Promotion
from calnet_ops.adapters.registry import ModelVersion
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import stored_delivery

GATE = "gate"
TRAIN = "train"
"""Steps whose records are believed. Tags are not: anybody can edit them in the UI."""

ANNOUNCE = "announce"
"""Name in the ledger of an announcement that was repeated."""

QUIET = timedelta(minutes=30)
"""So long after a promotion, or after the last sector that its model searched, the sectors still
without candidates are announced again: the poll that promoted may have been killed before its
events were out. The largest sector takes less."""

REPEAT = timedelta(days=1)
"""Between two such announcements: a sector whose scoring fails each time is not run each poll."""

log = structlog.get_logger()


class PromotionRecord(TypedDict):
    """What became of the alias."""

    moved: bool
    """Whether another model is in production now."""
    action: str
    """``unchanged``, ``promoted`` or ``refused``."""
    version: int
    """The version that the alias was found at; 0 if there was no alias."""
    model_id: str
    reason: str
    sectors: list[int]
    """Sectors to score with the champion, newest first."""


def follow_champion(platform: Platform) -> PromotionRecord:
    """Compare the alias with what is in production, and make one follow the other.

    A version that passed the gate goes into production; anything else is refused: the alias
    goes back, and a person is told why.
    """
    version = platform.registry.champion_version()
    champion = platform.ledger.champion()
    if version == (champion.model_version if champion else None):
        forgotten = _forgotten(champion, platform.ledger) if champion else []
        model_id = champion.model_id if champion else ""
        return _record("unchanged", version, model_id, "", forgotten)
    if version is None:
        return _refuse(None, "the alias was removed", champion, platform)
    found = platform.registry.version(version)
    reason = _why_not(found, platform)
    if reason:
        return _refuse(found, reason, champion, platform)
    return _promote(found, platform)


def _promote(found: ModelVersion, platform: Platform) -> PromotionRecord:
    model_id = found["tags"]["model_id"]
    trained = platform.ledger.latest(TRAIN, 0, model_id)
    if trained is None:
        raise MissingInput(f"model {model_id}", found="no record", expected="a trained model")
    reason = "passed the gate"
    platform.ledger.add_promotion(
        model_version=found["version"],
        model_id=model_id,
        action="promoted",
        reason=reason,
        threshold=trained.facts["threshold"],
        simulated=trained.facts["simulated"],
    )
    sectors = sorted(_sectors_in_scope(platform.ledger), reverse=True)
    record = _record("promoted", found["version"], model_id, reason, sectors)
    log.info("champion_promoted", version=found["version"], model_id=model_id)
    return record


def _sectors_in_scope(ledger: Ledger) -> set[int]:
    """Sectors that have features, of whatever version, and are not halted."""
    featured = {item.sector for item in ledger.records() if item.step.startswith("features-")}
    return {sector for sector in featured if not _is_halted(sector, ledger)}


def _is_halted(sector: int, ledger: Ledger) -> bool:
    stored = stored_delivery(sector, ledger)
    return stored is not None and stored.state == "halted"


def _forgotten(champion: Promotion, ledger: Ledger) -> list[int]:
    """Sectors to announce again, newest first: the champion has left them out, and is idle."""
    searched = [r for r in ledger.records("candidates") if r.model_id == champion.model_id]
    missing = _sectors_in_scope(ledger) - {record.sector for record in searched}
    active = max([champion.at_utc, *(record.at_utc for record in searched)])
    last = ledger.latest(ANNOUNCE, 0, champion.model_id)
    repeated = last is not None and last.at_utc > champion.at_utc
    now = datetime.now(UTC).replace(tzinfo=None)
    if not missing or now - active < QUIET or (last and repeated and now - last.at_utc < REPEAT):
        return []
    sectors = sorted(missing, reverse=True)
    key = f"{ANNOUNCE}/{champion.model_id}/{now:%Y-%m-%dT%H:%M}"
    ledger.record(ANNOUNCE, 0, key, model_id=champion.model_id, facts={"sectors": sectors})
    log.info("champion_announced_again", model_id=champion.model_id, sectors=sectors)
    return sectors


def _refuse(
    found: ModelVersion | None, reason: str, champion: Promotion | None, platform: Platform
) -> PromotionRecord:
    """Put the alias back, note why, and tell a person."""
    version = found["version"] if found else 0
    model_id = found["tags"].get("model_id", "") if found else ""
    n_before = sum(item.action == "refused" for item in platform.ledger.promotions())
    # First the record, then the alias: if this fails in between, the next look refuses again,
    # whereas an alias put back without a word would leave a person wondering.
    platform.ledger.add_promotion(
        model_version=version,
        model_id=model_id,
        action="refused",
        reason=reason[:1024],
        threshold=1.0,
        simulated=False,
    )
    if found:
        platform.registry.tag(version, "promotion", f"refused: {reason}")
    if champion:
        platform.registry.set_champion(champion.model_version)
    else:
        platform.registry.clear_champion()
    back = f"version {champion.model_version}" if champion else "nothing"
    platform.notifier.tell(
        f"promotion refused ({n_before + 1}): version {version or 'none'}",
        f"The alias champion was moved to version {version or 'none'}, but {reason}. It points "
        f"at {back} again; production is unchanged. What to do: docs/model.md",
    )
    return _record("refused", version, model_id, reason, [])


def _why_not(found: ModelVersion, platform: Platform) -> str:
    """Why a version may not be promoted; empty if it may."""
    model_id = found["tags"].get("model_id", "")
    judged = platform.ledger.latest(GATE, 0, model_id) if model_id else None
    if judged is None or judged.facts["version"] != found["version"]:
        return "it was never judged by the gate"
    if judged.facts["verdict"] != "pass":
        return f"the gate says {judged.facts['verdict']}: {'; '.join(judged.facts['reasons'])}"
    return ""


def _record(
    action: str, version: int | None, model_id: str, reason: str, sectors: list[int]
) -> PromotionRecord:
    return PromotionRecord(
        moved=action == "promoted",
        action=action,
        version=version or 0,
        model_id=model_id,
        reason=reason,
        sectors=sectors,
    )
