"""Is it time to train? New labels, drift, the calendar, or a person's word."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

import structlog

from calnet_ops import keys
from calnet_ops.adapters.ledger import Promotion, StepRecord
from calnet_ops.adapters.store import Store
from calnet_ops.errors import CalnetError, WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.science.labels.changes import count_changes
from calnet_ops.science.network.settings import NETWORKS, RECIPES, Settings
from calnet_ops.steps import watch_drift

STEP = "retrain"
"""Name of a decision in the ledger."""

TRAINING = "training"
"""Work that only one does at a time, whether a DAG or a command."""

EVENT, MONTHLY, HAND = "event", "monthly", "hand"
"""What made us ask: frozen labels or drift; the calendar; a person."""

log = structlog.get_logger()


class Wish(TypedDict):
    """What a person asks for in Airflow's form; nothing is the default of all."""

    recipe: str
    """Name of the settings; empty for those of CALNET_RECIPE."""
    network: str
    """Name of the network; empty for that of the recipe."""
    features: str
    """Version of the features; empty for the usual one, see `version_to_train`."""
    seed: int | None
    """None for that of the recipe."""
    reason: str
    """Why, for those who look later."""
    force: bool
    """Train whether or not anything has changed."""
    min_new_labels: int | None
    """Instead of CALNET_RETRAIN_LABELS."""


class Decision(TypedDict):
    """Whether to train, and why."""

    start: bool
    reason: str
    cause: str
    """``event``, ``monthly`` or ``hand``."""
    wish: Wish
    label_set: str
    """Id of the newest label set; empty if there is none."""
    n_changed: int
    """Labels in which it differs from the one that the champion learned from."""
    n_needed: int
    drift: list[str]
    """Sectors that the champion finds unlike its training, and that started no training yet."""
    champion: str
    """Model in production; empty if there is none."""


def read_wish(form: Mapping[str, Any]) -> Wish:
    """What a person asks for, of a form in which all may be left out.

    Raises
    ------
    WrongConfiguration
        If there is no such recipe or network, or a number is none.
    """
    return Wish(
        recipe=_one_of("recipe", form, RECIPES),
        network=_one_of("network", form, NETWORKS),
        features=str(form.get("features") or ""),
        seed=_number("seed", form),
        reason=str(form.get("reason") or ""),
        force=bool(form.get("force")),
        min_new_labels=_number("min_new_labels", form),
    )


def why_retrain(cause: str, wish: Wish, platform: Platform) -> Decision:
    """Decide whether to train now, and note it.

    Labels that did not change since a model learned from them start nothing, unless a person asks
    for another recipe, network, seed or features, or forces it.

    Parameters
    ----------
    cause
        `EVENT`, `MONTHLY` or `HAND`.
    wish
        Of a person; of no account for the others but for its defaults.
    """
    labels, champion = platform.ledger.latest("labels", 0), platform.ledger.champion()
    set_id = str(labels.facts["set_id"]) if labels else ""
    n_needed = wish["min_new_labels"] or platform.retrain_labels
    decision = Decision(
        start=False,
        reason="",
        cause=cause,
        wish=wish,
        label_set=set_id,
        n_changed=_n_changed(set_id, champion, platform) if labels else 0,
        n_needed=n_needed,
        drift=_new_drift(champion, platform),
        champion=champion.model_id if champion else "",
    )
    reason = _why_not(decision, labels, platform)
    decision["start"], decision["reason"] = not reason, reason or _why(decision)
    key = f"{STEP}/{platform.now().isoformat()}"
    platform.ledger.record(STEP, 0, key, model_id=decision["champion"], facts={**decision})
    log.info("retrain_decided", **decision)
    return decision


def settings_of(wish: Wish, platform: Platform) -> Settings | None:
    """Settings that a person asks for; None for the usual ones.

    Raises
    ------
    WrongConfiguration
        If a network or seed is asked for, and CALNET_RECIPE names no recipe.
    """
    changes: dict[str, Any] = {}
    if wish["network"]:
        changes["network"] = wish["network"]
    if wish["seed"] is not None:
        changes["seed"] = wish["seed"]
    if not changes and not wish["recipe"]:
        return None
    recipe = _one_of("CALNET_RECIPE", {"CALNET_RECIPE": wish["recipe"] or platform.recipe}, RECIPES)
    return replace(RECIPES[recipe], **changes)


def note_run(decision: Decision, dag_id: str, run_id: str, platform: Platform) -> None:
    """Show the decision beside the DAG's run; an Airflow that does not answer stops nothing."""
    try:
        word = "trains" if decision["start"] else "ends at once"
        platform.scheduler.note_run(dag_id, run_id, f"{word}: {decision['reason']}")
    except CalnetError as error:
        log.warning("airflow_not_told", error=str(error))


def is_special(wish: Wish) -> bool:
    """Whether a person asks for another training than the usual one."""
    return bool(wish["recipe"] or wish["network"] or wish["features"] or wish["seed"] is not None)


def _why_not(decision: Decision, labels: StepRecord | None, platform: Platform) -> str:
    """Why not to train; empty if there is a reason to."""
    wish = decision["wish"]
    held = platform.ledger.leases.held(TRAINING, platform.now())
    if held:
        return f"another training is under way since {held.since_utc:%H:%M} UTC: {held.holder}"
    if labels is None:
        return "no labels have been frozen yet: calnet-ops labels freeze"
    asked_for = wish["force"] or is_special(wish)
    return "" if asked_for else _nothing_new(decision, platform)


def _nothing_new(decision: Decision, platform: Platform) -> str:
    """Why labels and drift are no reason to train; empty if they are."""
    learned = _learned(decision["label_set"], platform)
    if learned:
        return (
            f"labels did not change since version {learned} learned from them "
            f"(label set {decision['label_set']})"
        )
    if not decision["champion"]:
        return ""
    n_changed, needed = decision["n_changed"], decision["n_needed"]
    if n_changed == 0:
        return "labels did not change: every star is judged as in the champion's label set"
    if decision["cause"] in {MONTHLY, HAND} or decision["drift"] or n_changed >= needed:
        return ""
    return f"{_changed(n_changed)}; it takes {needed}"


def _why(decision: Decision) -> str:
    wish, n_changed = decision["wish"], decision["n_changed"]
    if decision["cause"] == HAND:
        return f"by hand: {wish['reason'] or 'no reason given'}"
    if not decision["champion"]:
        return "no model is in production yet"
    if n_changed >= decision["n_needed"]:
        return _changed(n_changed)
    if decision["drift"]:
        return f"drift in {', '.join(decision['drift'])}; {_changed(n_changed)}"
    return f"monthly: {_changed(n_changed)}"


def _changed(n_changed: int) -> str:
    return f"{n_changed} labels have changed since the champion's label set"


def _learned(set_id: str, platform: Platform) -> int:
    """Newest version that learned from a label set; 0 if none has."""
    made = [item for item in platform.ledger.records("train") if _taught(item) == set_id]
    return max((item.facts["version"] for item in made), default=0)


def _taught(made: StepRecord) -> str:
    """Id of the label set that a model learned from; an imported one was only measured with it."""
    return str(made.facts["label_set"]) if made.facts["dataset"] else ""


def _n_changed(set_id: str, champion: Promotion | None, platform: Platform) -> int:
    made = platform.ledger.latest("train", 0, champion.model_id) if champion else None
    before = _taught(made) if made else ""
    return count_changes(_labels(before, platform.store), _labels(set_id, platform.store))


def _labels(set_id: str, store: Store) -> list[tuple[int, str, str]]:
    """Rows of a label set; none if a model has learned from none of ours."""
    if not set_id:
        return []
    names = ["tic", "verdict", "eb_type"]
    table = store.load_table(keys.label_set(set_id), names)
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def _new_drift(champion: Promotion | None, platform: Platform) -> list[str]:
    """Sectors whose last word is a warning, but for those that started a training before."""
    if champion is None:
        return []
    of_model = [
        item for item in platform.ledger.records(STEP) if item.model_id == champion.model_id
    ]
    answered = {name for item in of_model if item.facts["start"] for name in item.facts["drift"]}
    records = platform.ledger.records(watch_drift.STEP)
    newest = {item.sector: item for item in records if item.model_id == champion.model_id}
    warned = [s for s, item in newest.items() if item.facts["state"] == watch_drift.WARN]
    return [name for name in map(keys.sector_key, sorted(warned)) if name not in answered]


def _one_of(name: str, form: Mapping[str, Any], known: Any) -> str:
    value = str(form.get(name) or "")
    if value and value not in known:
        raise WrongConfiguration(name, found=value, expected=" or ".join(known))
    return value


def _number(name: str, form: Mapping[str, Any]) -> int | None:
    value = form.get(name)
    if value in {None, ""}:
        return None
    try:
        return int(str(value))
    except ValueError as error:
        raise WrongConfiguration(name, found=str(value), expected="a whole number") from error
