"""What is known of a stored model."""

import json
from typing import Any

from calnet_ops import keys
from calnet_ops.adapters.store import Store


def load_model_facts(model_id: str, store: Store) -> dict[str, Any]:
    """Contents of ``model.json``: features, threshold, recall it is for, calibration, data set."""
    facts: dict[str, Any] = json.loads(store.load(keys.model(model_id, "model.json")))
    return facts
