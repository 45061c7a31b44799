"""Follow the alias `champion` that a person moves; put it back where it may not be."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import structlog

from calnet_ops.adapters.ledger import Ledger, Promotion
from calnet_ops.adapters.registry import ModelVersion
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.steps.one_at_a_time import one_at_a_time
from calnet_ops.steps.promotion_actor import Move, find_move
from calnet_ops.steps.promotion_rules import OVERRIDE, Ruling, rule
from calnet_ops.steps.promotion_shown import show_state
from calnet_ops.steps.rescoring import sectors_in_scope, sectors_to_score

ANNOUNCE = "announce"
"""Name in the ledger of an announcement that was repeated."""

QUIET = timedelta(minutes=30)
"""So long after a promotion, or after the last sector that its model searched, the sectors still
without candidates are announced again: the poll that promoted may have been killed before its
events were out. The largest sector takes less."""

REPEAT = timedelta(days=1)
"""Between two such announcements: a sector whose scoring fails each time is not run each poll."""

REMOVED = "the alias was removed"

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
    previous_version: int
    """In production before; 0 if there was none."""
    actor: str
    """Who moved the alias, as far as can be known."""
    override: str
    """Why it was promoted against the gate; empty if it was not."""
    sectors: list[int]
    """Sectors to score with the champion, newest first."""


def follow_champion(platform: Platform, *, by_command: bool = False) -> PromotionRecord:
    """Compare the alias with what is in production, and make one follow the other.

    A version that passed the gate goes into production, so does one that was there before with
    the gate's consent, and one whose tag `override` says why; anything else is refused: the alias
    goes back, and a person is told why.

    Parameters
    ----------
    by_command
        Whether a command asks, and not the DAG.

    Raises
    ------
    WorkUnderWay
        If another process follows the alias at this moment.
    """
    standing = _look(platform)
    if standing is not None:
        return standing
    with one_at_a_time("promotion", platform):  # a command and the DAG would both note the move
        return _look(platform) or _follow(platform, by_command=by_command)


def _look(platform: Platform) -> PromotionRecord | None:
    """What there is to say if the alias stands where it should."""
    version = platform.registry.champion_version()
    champion = platform.ledger.champion()
    if version != (champion.model_version if champion else None):
        return None
    forgotten = _forgotten(champion, platform.ledger) if champion else []
    ruling = Ruling(champion.model_id if champion else "", allowed=True, reason="")
    return _record("unchanged", version, ruling, champion, "", forgotten)


def _follow(platform: Platform, *, by_command: bool) -> PromotionRecord:
    version = platform.registry.champion_version()
    champion = platform.ledger.champion()
    move = find_move(version or 0, by_command, platform)
    if version is None:
        return _refuse(None, Ruling("", allowed=False, reason=REMOVED), move, champion, platform)
    found = platform.registry.version(version)
    ruling = rule(found, platform)
    if not ruling.allowed:
        return _refuse(found, ruling, move, champion, platform)
    return _promote(found, ruling, move, champion, platform)


def _promote(
    found: ModelVersion,
    ruling: Ruling,
    move: Move,
    champion: Promotion | None,
    platform: Platform,
) -> PromotionRecord:
    version, now = found["version"], _clock(platform)
    sectors = sectors_to_score(ruling.model_id, platform)
    against = f" against the gate ({ruling.reason}): {ruling.override}" if ruling.override else ""
    show_state(
        version,
        f"in production since {now} UTC, put there by {move.actor}{against}",
        f"in production since {now} UTC{against}",
        platform.registry,
    )
    if champion:
        left = f"was in production until {now} UTC, then version {version} was"
        with suppress(MissingInput):  # somebody may have deleted it
            show_state(champion.model_version, left, left, platform.registry)
    # Told before it is noted: once it is noted, nobody looks at this move again.
    if ruling.override:
        _tell_of_override(found, ruling, move, platform)
    platform.ledger.add_promotion(
        model_version=version,
        model_id=ruling.model_id,
        action="promoted",
        reason=ruling.reason,
        threshold=ruling.facts["threshold"],
        simulated=ruling.facts["simulated"],
        override=ruling.override,
        **_circumstances(move, champion),
    )
    if OVERRIDE in found["tags"]:
        platform.registry.untag(version, OVERRIDE)
    record = _record("promoted", version, ruling, champion, move.actor, sectors)
    log.info("champion_promoted", **{**record, "sectors": len(sectors)})
    return record


def _tell_of_override(found: ModelVersion, ruling: Ruling, move: Move, platform: Platform) -> None:
    n_before = sum(bool(item.override) for item in platform.ledger.promotions())
    platform.notifier.tell(
        f"promoted against the gate ({n_before + 1}): version {found['version']}",
        f"{move.actor} put version {found['version']} into production, although {ruling.reason}. "
        f"The reason given: {ruling.override}",
    )


def _refuse(
    found: ModelVersion | None,
    ruling: Ruling,
    move: Move,
    champion: Promotion | None,
    platform: Platform,
) -> PromotionRecord:
    """Put the alias back, note why, and tell a person."""
    version, reason, now = found["version"] if found else 0, ruling.reason, _clock(platform)
    n_before = sum(item.action == "refused" for item in platform.ledger.promotions())
    # First the record, then the alias: if this fails in between, the next look refuses again,
    # whereas an alias put back without a word would leave a person wondering.
    platform.ledger.add_promotion(
        model_version=version,
        model_id=ruling.model_id,
        action="refused",
        reason=reason,
        threshold=1.0,
        simulated=False,
        **_circumstances(move, champion),
    )
    if found:
        way = "If it has to be this version, docs/training.md says how to override the gate"
        show_state(
            version,
            f"**refused** on {now} UTC, and the alias `champion` was put back: {reason}. It was "
            f"moved by {move.actor}.{f' {way}' if ruling.open_to_override else ''}",
            f"refused on {now} UTC: {reason}",
            platform.registry,
        )
    if champion:
        platform.registry.set_champion(champion.model_version)
    else:
        platform.registry.clear_champion()
    back = f"version {champion.model_version}" if champion else "nothing"
    platform.notifier.tell(
        f"promotion refused ({n_before + 1}): version {version or 'none'}",
        f"The alias champion was moved to version {version or 'none'} by {move.actor}, but "
        f"{reason}. It points at {back} again; production is unchanged. What to do: "
        "docs/training.md",
    )
    record = _record("refused", version, ruling, champion, move.actor, [])
    log.warning("promotion_refused", **record)
    return record


def _circumstances(move: Move, champion: Promotion | None) -> dict[str, Any]:
    """Columns of a promotion that say how it came about."""
    return {
        "previous_version": champion.model_version if champion else 0,
        "previous_model_id": champion.model_id if champion else "",
        "actor": move.actor,
        "seen_by": move.seen_by,
        "delivery": move.delivery,
        "moved_utc": move.moved_utc,
    }


def _forgotten(champion: Promotion, ledger: Ledger) -> list[int]:
    """Sectors to announce again, newest first: the champion has left them out, and is idle."""
    searched = [r for r in ledger.records("candidates") if r.model_id == champion.model_id]
    missing = sectors_in_scope(ledger) - {record.sector for record in searched}
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


def _clock(platform: Platform) -> str:
    """Now, to the minute."""
    return f"{platform.now():%Y-%m-%d %H:%M}"


def _record(
    action: str,
    version: int | None,
    ruling: Ruling,
    champion: Promotion | None,
    actor: str,
    sectors: list[int],
) -> PromotionRecord:
    return PromotionRecord(
        moved=action == "promoted",
        action=action,
        version=version or 0,
        model_id=ruling.model_id,
        reason=ruling.reason,
        previous_version=champion.model_version if champion else 0,
        actor=actor,
        override=ruling.override,
        sectors=sectors,
    )
