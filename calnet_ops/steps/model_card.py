"""Model cards: written when a version is registered, shown with what the gate said since."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform, code_version, model_key
from calnet_ops.science.evaluation.model_card import Card, CardData, write_card
from calnet_ops.steps.dataset import Dataset
from calnet_ops.steps.registered_model import LEAST_RECALL, Origin, Trained

CARD = "card.md"
"""Part of a stored model, and artifact of its run."""


def keep_card(
    trained: Trained, origin: Origin, counts: Sequence[Mapping[str, Any]], figures: Sequence[str],
    store: Store,
) -> str:  # fmt: skip
    """Write the card of a kept model; the first one of a model stays.

    Parameters
    ----------
    counts
        Three ways of counting, of its evaluation; empty without one.
    figures
        Names of figures in its run.
    """
    place = keys.model(trained.model_id, CARD)
    if store.exists(place):
        return store.load(place).decode()
    key = model_key()
    signature = keys.signature_name(key.fingerprint) if key else ""
    signed = bool(signature) and store.exists(keys.model(trained.model_id, signature))
    text = write_card(
        Card(
            model_id=trained.model_id,
            network=trained.model.name,
            features=trained.features,
            threshold=trained.threshold,
            least_recall=LEAST_RECALL,
            calibration=trained.calibration,
            taint=origin.taint,
            params=origin.params,
            origin=origin.foreign,
            code_version=code_version(),
            data=_data(origin.dataset, origin.set_id) if origin.dataset else None,
            performance=trained.performance,
            counts=counts,
            figures=figures,
            signature=signature if signed else "",
        )
    )
    store.save_new(place, text.encode(), "text/markdown")
    return text


def show_card(model_id: str, platform: Platform) -> str:
    """Card of a stored model, with the newest verdict of the gate.

    Raises
    ------
    MissingInput
        If there is no such model, or it is from before cards were written.
    """
    place = keys.model(model_id, CARD)
    if not platform.store.exists(place):
        raise MissingInput(
            f"model {model_id}", found="no card", expected=place, cure="Train or import it anew."
        )
    text = platform.store.load(place).decode()
    judged = platform.ledger.latest("gate", 0, model_id)
    if judged is None:
        return f"{text}\n## Gate\nNot judged yet.\n"
    found = judged.facts
    head = (
        f"**{found['verdict']}**, {judged.at_utc:%Y-%m-%d}, compared with champion: "
        f"{found['champion'] or 'none in production'}."
    )
    reasons = [f"- {text}" for text in [*found["reasons"], *found.get("warnings", [])]]
    return "\n".join([f"{text}\n## Gate", head, *reasons, ""])


def _data(dataset: Dataset, set_id: str) -> CardData:
    rows = dataset.table.select(["tic", "split", "verdict", "source"]).to_pylist()
    stars = {row["tic"]: row for row in rows}.values()
    counts: dict[str, Counter[str]] = {}
    for star in stars:
        counts.setdefault(star["split"], Counter())[star["verdict"]] += 1
    return CardData(
        dataset_id=dataset.dataset_id,
        label_set=set_id,
        counts={side: dict(counted) for side, counted in sorted(counts.items())},
        sources=dict(Counter(str(star["source"]) for star in stars)),
    )
