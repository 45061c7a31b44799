"""Receives MLflow's webhooks: a moved alias starts `watch_promotion` at once.

Delivery is best effort on MLflow's side; the DAG also polls, so a lost call costs minutes.
"""

import base64
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request, status
from fastapi.concurrency import run_in_threadpool

from calnet_ops.adapters.ledger import HookCall
from calnet_ops.adapters.registry import CHAMPION, MODEL
from calnet_ops.platform import Platform, secret

SECRET_VARIABLE = "CALNET_MLFLOW_WEBHOOK_SECRET"  # noqa: S105
"""The secret given to MLflow when the webhook was made."""

MAX_AGE_S = 300
"""Older calls are refused [s]: recorded and played back, or clocks that disagree."""

BODY_MAX = 65_536
"""A webhook of MLflow has some hundred bytes."""

DELIVERY_MAX, ACTION_MAX = 128, 16
"""Longest texts that the ledger takes; an id of MLflow has 36 characters."""

DAG = "watch_promotion"
"""What looks where the alias stands."""

log = structlog.get_logger()


def router(platform: Platform) -> APIRouter:
    """``/hooks/mlflow``."""
    routes = APIRouter()

    @routes.post("/hooks/mlflow", status_code=202)
    async def mlflow(request: Request) -> dict[str, bool]:
        if int(request.headers.get("content-length", BODY_MAX + 1)) > BODY_MAX:
            raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, "too large for a webhook")
        body, now = await request.body(), time.time()
        headers = dict(request.headers)
        check_call(headers, body, secret(SECRET_VARIABLE), now)
        call = moved_champion(headers, body, now)
        if call is None:
            return {"started": False}
        await run_in_threadpool(_start, call, platform)
        log.info("promotion_announced", delivery=call.delivery, version=call.version)
        return {"started": True}

    return routes


def _start(call: HookCall, platform: Platform) -> None:
    """Start the look, once a delivery: those received are in the ledger, whoever received them."""
    calls = platform.ledger.hook_calls
    if not calls.add(call):
        raise HTTPException(status.HTTP_409_CONFLICT, "this delivery came before")
    try:
        platform.scheduler.trigger_run(DAG)
    except Exception:
        calls.forget(call.delivery)
        raise


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


def moved_champion(headers: dict[str, str], body: bytes, now: float) -> HookCall | None:
    """What a call says of the alias `champion`; None if it is about something else.

    Parameters
    ----------
    headers, body
        Of a call that was checked.
    now
        Seconds since 1970.
    """
    try:
        event: Any = json.loads(body)
    except ValueError as error:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "no JSON") from error
    if not isinstance(event, dict) or event.get("entity") != "model_version_alias":
        return None
    data = event.get("data")
    if not isinstance(data, dict) or (data.get("name"), data.get("alias")) != (MODEL, CHAMPION):
        return None
    version = str(data.get("version", ""))
    return HookCall(
        delivery=headers["x-mlflow-delivery-id"][:DELIVERY_MAX],
        alias=CHAMPION,
        action=str(event.get("action", ""))[:ACTION_MAX],
        version=int(version) if version.isdecimal() else 0,
        sent_utc=_utc(int(headers["x-mlflow-timestamp"])),
        at_utc=_utc(now),
    )


def _utc(seconds: float) -> datetime:
    """UTC without a zone, as the ledger keeps it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
