"""May a version go into production? By the gate, by a reason against it, or not at all."""

from dataclasses import dataclass, field
from typing import Any

from calnet_ops.adapters.ledger import Ledger
from calnet_ops.adapters.registry import ModelVersion
from calnet_ops.errors import MissingInput, ModelNotTrusted
from calnet_ops.platform import Platform
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.stored_model import load_network

GATE = "gate"
TRAIN = "train"
"""Steps whose records are believed. Tags are not: anybody can edit them in the UI."""

OVERRIDE = "override"
"""Tag of a version in which a person says why it is promoted against the gate. It holds for one
move and is taken away then: what is left lying about promotes nothing a year later."""

LEAST_REASON = 15
"""Characters of such a reason: "yes", "true" and "because" are none."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done with a version that the alias points at."""

    model_id: str
    allowed: bool
    reason: str
    """Why it is promoted, or why not."""
    override: str = ""
    """The person's reason, if the gate is overridden by it."""
    open_to_override: bool = False
    """Whether a reason would have let it in."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Of the stored model, if it is allowed."""


def rule(found: ModelVersion, platform: Platform) -> Ruling:
    """Decide about a version.

    A version whose files or origin are in doubt is never allowed. The gate's word, or the lack of
    it, is overridden by a reason in the version's tag `OVERRIDE`. A version that has been in
    production with the gate's consent may come back whatever the gate says of it by now: a
    rollback must not fail because the model to be left was better on some list.
    """
    model_id = found["tags"].get("model_id", "")
    doubt = _doubt(found["version"], model_id, platform.ledger)
    if doubt:
        return Ruling(model_id, allowed=False, reason=doubt)
    try:
        facts = load_model_facts(model_id, platform.store)
        load_network(model_id, platform.store)
    except (MissingInput, ModelNotTrusted) as error:
        return Ruling(model_id, allowed=False, reason=f"its files are not in order: {error}")
    objection = _objection(found["version"], model_id, platform.ledger)
    if not objection:
        return Ruling(model_id, allowed=True, reason="passed the gate", facts=facts)
    since = _was_champion(found["version"], model_id, platform.ledger)
    if since:
        reason = f"rolled back to: it passed the gate and was in production on {since}"
        return Ruling(model_id, allowed=True, reason=reason, facts=facts)
    said = found["tags"].get(OVERRIDE, "").strip()
    if len(said) >= LEAST_REASON:
        return Ruling(model_id, allowed=True, reason=objection, override=said, facts=facts)
    short = f"; its tag {OVERRIDE} says only {said!r}, which is no reason" if said else ""
    return Ruling(model_id, allowed=False, reason=f"{objection}{short}", open_to_override=True)


def _doubt(version: int, model_id: str, ledger: Ledger) -> str:
    """What is wrong with the origin of a version; empty if nothing is."""
    if not model_id:
        return "it has no tag model_id: `train` or `model import` did not make it"
    made = [item.facts["version"] for item in ledger.records(TRAIN) if item.model_id == model_id]
    if made and version not in made:  # the button "Promote model" copies tags as well
        return f"it is a copy of version {made[-1]}, which may get the alias itself"
    if not made:
        return f"the ledger knows of no training or import of model {model_id} as this version"
    return ""


def _objection(version: int, model_id: str, ledger: Ledger) -> str:
    """What the gate has against it; empty if nothing. A gate that was not asked has."""
    judged = ledger.latest(GATE, 0, model_id)
    if judged is None or judged.facts["version"] != version:
        return "it was never judged by the gate"
    if judged.facts["verdict"] != "pass":
        return f"the gate says {judged.facts['verdict']}: {'; '.join(judged.facts['reasons'])}"
    return ""


def _was_champion(version: int, model_id: str, ledger: Ledger) -> str:
    """Day on which it was promoted with the gate's consent; empty if it never was."""
    days = [
        f"{item.at_utc:%Y-%m-%d}"
        for item in ledger.promotions()
        if item.action == "promoted"
        and not item.override
        and (item.model_version, item.model_id) == (version, model_id)
    ]
    return days[-1] if days else ""
