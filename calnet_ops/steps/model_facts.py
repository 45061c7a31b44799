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
    return load_signed(model_id, FACTS, store)


def load_signed(model_id: str, part: str, store: Store) -> dict[str, Any]:
    """A part of a model that is JSON, checked as above."""
    body = store.load(keys.model(model_id, part))
    check_parts(model_id, {part: body}, store)
    content: dict[str, Any] = json.loads(body)
    return content
