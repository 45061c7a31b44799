"""Who moved the alias `champion`: noted by the login of MLflow's server, read by us.

MLflow keeps no actor of an alias, and its webhook names none. Its login knows who sends a request,
and may be a function of another's (``authorization_function`` in its configuration): `authenticate`
lets in whom MLflow lets in and, once the alias has moved, leaves a note in a tag of the registered
model. Whoever may move the alias can edit that tag as well, so the note is signed.

MLflow's server loads this file by itself, also in an image that holds nothing else of ours: only
the standard library above, Flask and MLflow inside the functions.
"""

import hmac
import json
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TAG = "champion_moved"
"""Tag of the registered model that holds the note."""

ALIAS = "champion"
"""The alias that is watched."""

CALL = "/mlflow/registered-models/alias"
"""How the address of the call ends; programs and the UI have different beginnings."""

SECRET_VARIABLE = "CALNET_MLFLOW_WEBHOOK_SECRET"  # noqa: S105
"""The secret of the webhook signs the note too: both tell the same two servers' news."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """A move of the alias, by somebody who had logged in to MLflow."""

    actor: str
    version: int
    """Where it points since; 0 if it was removed."""
    at_utc: datetime
    """Without a zone."""


def authenticate() -> Any:
    """Log in as MLflow does; note who moves the alias. Called by MLflow for every request."""
    from flask import after_this_request, g, request
    from mlflow.server.auth import authenticate_request_basic_auth

    found = authenticate_request_basic_auth()
    actor = getattr(found, "username", None)  # a response if the login failed
    moves = request.method in {"POST", "DELETE"} and request.path.endswith(CALL)
    if not actor or not moves or "calnet_notes" in g:
        return found
    g.calnet_notes = True  # asked twice for some requests
    body = request.get_json(force=True, silent=True)
    asked = body if isinstance(body, dict) else {}
    version = str(asked.get("version", "")) if request.method == "POST" else ""

    @after_this_request
    def note(response: Any) -> Any:
        if response.status_code < 300 and asked.get("alias") == ALIAS:  # noqa: PLR2004
            _leave(str(asked.get("name")), write_note(str(actor), version, time.time(), _secret()))
        return response

    return found


def write_note(actor: str, version: str, at: float, key: str) -> str:
    """Text of the tag.

    Parameters
    ----------
    actor
        Name in MLflow's login.
    version
        That the alias points at now; empty if it was removed.
    at
        Seconds since 1970.
    key
        Secret that signs it.
    """
    note = {"by": actor, "version": version, "at": round(at, 3)}
    return json.dumps({**note, "signature": _sign(note, key)})


def read_note(text: str, key: str) -> Moved | None:
    """What a note says; None if there is none, or MLflow's login did not write it."""
    try:
        note = dict(json.loads(text))
        signature = str(note.pop("signature"))
        at = datetime.fromtimestamp(float(note["at"]), UTC).replace(tzinfo=None)
        moved = Moved(str(note["by"]), int(note["version"] or 0), at)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return moved if hmac.compare_digest(signature.encode(), _sign(note, key).encode()) else None


def _sign(note: dict[str, Any], key: str) -> str:
    text = json.dumps([TAG, note["by"], note["version"], note["at"]])
    return hmac.digest(key.encode(), text.encode(), "sha256").hex()


def _secret() -> str:
    return os.environ.get(SECRET_VARIABLE, "")


def _leave(model: str, note: str) -> None:
    """Write the tag into MLflow's database, from inside its server."""
    from mlflow.entities.model_registry import RegisteredModelTag
    from mlflow.server.handlers import _get_model_registry_store

    try:
        _get_model_registry_store().set_registered_model_tag(model, RegisteredModelTag(TAG, note))
    except Exception:
        # the alias has moved: that nobody will know who did it is no reason to say it has not
        log.exception("no note of who moved the alias of %s", model)
