"""Receives MLflow's webhooks: a moved alias starts `watch_promotion` at once.

Delivery is best effort on MLflow's side; the DAG also polls, so a lost call costs minutes.
"""

import base64
import hmac
import json
import time
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request, status
from fastapi.concurrency import run_in_threadpool

from calnet_ops.platform import Platform, secret

SECRET_VARIABLE = "CALNET_MLFLOW_WEBHOOK_SECRET"  # noqa: S105
"""The secret given to MLflow when the webhook was made."""

MAX_AGE_S = 300
"""Older calls are refused [s]: recorded and played back, or clocks that disagree."""

BODY_MAX = 65_536
"""A webhook of MLflow has some hundred bytes."""

DAG = "watch_promotion"
"""What looks where the alias stands."""

log = structlog.get_logger()


class Seen:
    """Ids of deliveries of the last minutes; older ones are refused by their age.

    Notes
    -----
    Kept by each process on its own: the worst a repeated call can do is one more look.
    """

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def add(self, delivery: str, now: float) -> bool:
        """Note an id; False if it was there."""
        self._times = {key: at for key, at in self._times.items() if now - at <= 2 * MAX_AGE_S}
        if delivery in self._times:
            return False
        self._times[delivery] = now
        return True

    def forget(self, delivery: str) -> None:
        """Let MLflow try this one again."""
        self._times.pop(delivery, None)


def router(platform: Platform) -> APIRouter:
    """``/hooks/mlflow``."""
    routes, seen = APIRouter(), Seen()

    @routes.post("/hooks/mlflow", status_code=202)
    async def mlflow(request: Request) -> dict[str, bool]:
        if int(request.headers.get("content-length", BODY_MAX + 1)) > BODY_MAX:
            raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, "too large for a webhook")
        body, now = await request.body(), time.time()
        delivery = request.headers.get("x-mlflow-delivery-id", "")
        check_call(dict(request.headers), body, secret(SECRET_VARIABLE), now)
        if not moves_an_alias(body):
            return {"started": False}
        if not seen.add(delivery, now):
            raise HTTPException(status.HTTP_409_CONFLICT, "this delivery came before")
        try:
            await run_in_threadpool(platform.scheduler.trigger_run, DAG)
        except Exception:
            seen.forget(delivery)
            raise
        log.info("promotion_announced", delivery=delivery)
        return {"started": True}

    return routes


def check_call(headers: dict[str, str], body: bytes, key: str, now: float) -> None:
    """Refuse (401) what MLflow did not just send.

    Parameters
    ----------
    headers
        By lower-case name.
    body
        As it came.
    key
        The shared secret.
    now
        Seconds since 1970.
    """
    delivery = headers.get("x-mlflow-delivery-id", "")
    timestamp = headers.get("x-mlflow-timestamp", "")
    expected = sign(delivery, timestamp, body, key)
    given = headers.get("x-mlflow-signature", "")
    if not delivery or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "not signed with our secret")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > MAX_AGE_S:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "too old")


def sign(delivery: str, timestamp: str, body: bytes, key: str) -> str:
    """Signature that MLflow puts into X-MLflow-Signature."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key.encode(), signed, 'sha256')).decode()}"


def moves_an_alias(body: bytes) -> bool:
    """Whether the event is about an alias of a model version."""
    try:
        event: Any = json.loads(body)
    except ValueError as error:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "no JSON") from error
    return isinstance(event, dict) and event.get("entity") == "model_version_alias"
