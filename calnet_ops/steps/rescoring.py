"""Which sectors a model that comes into production has to score: those it has not, or not so."""

from calnet_ops.adapters.ledger import Ledger, StepRecord
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.steps import extract, score
from calnet_ops.steps.appearing import stored_delivery
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.stored_attributions import newest_attributions


def sectors_in_scope(ledger: Ledger) -> set[int]:
    """Sectors that have features, of whatever version, and are not halted."""
    featured = {item.sector for item in ledger.records() if item.step.startswith("features-")}
    return {sector for sector in featured if not _is_halted(sector, ledger)}


def sectors_to_score(model_id: str, platform: Platform) -> list[int]:
    """Sectors in scope without standing candidates of a model, newest first.

    A model that was in production before has nearly all: a rollback scores only what came, or
    was delivered again, since it left.
    """
    scope = sectors_in_scope(platform.ledger)
    return sorted(scope - _settled(scope, model_id, platform), reverse=True)


def _settled(scope: set[int], model_id: str, platform: Platform) -> set[int]:
    ledger = platform.ledger
    records = [item for item in ledger.records("candidates") if item.model_id == model_id]
    newest = {item.sector: item for item in records if item.sector in scope}
    if not newest:
        return set()
    attributed = newest_attributions(newest.values(), ledger)
    version = str(load_model_facts(model_id, platform.store)["features"])
    return {
        sector
        for sector, candidates in newest.items()
        if sector in attributed and _stand(candidates, version, platform)
    }


def _stand(candidates: StepRecord, version: str, platform: Platform) -> bool:
    """Whether candidates come from what the files in the store would give today."""
    sector, model_id = candidates.sector, candidates.model_id
    scored = platform.ledger.latest(score.STEP, sector, model_id)
    if scored is None or candidates.facts["targets"] != scored.key:
        return False
    try:
        features = extract.planned_features(sector, version, platform)
    except MissingInput:  # no delivery of it is in the store any more
        return False
    wanted = [score.scores_key(model_id, sector, key) for key in features]
    return bool(wanted == scored.facts["shards"])


def _is_halted(sector: int, ledger: Ledger) -> bool:
    stored = stored_delivery(sector, ledger)
    return stored is not None and stored.state == "halted"
