"""What is known of a stored model."""

import json
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.steps.signed_model import check_parts

FACTS = "model.json"


def load_model_facts(model_id: str, store: Store) -> dict[str, Any]:
    """Contents of ``model.json``: features, threshold, recall it is for, calibration, data set.

    Raises
    ------
    MissingInput
        If there is no such model.
    ModelNotTrusted
        If it is not what was signed, see `check_parts`.
    """
    body = store.load(keys.model(model_id, FACTS))
    check_parts(model_id, {FACTS: body}, store)
    facts: dict[str, Any] = json.loads(body)
    return facts
