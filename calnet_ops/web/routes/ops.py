"""The ops page, and the same as JSON."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

from calnet_ops.adapters.registry import MODEL
from calnet_ops.platform import Platform
from calnet_ops.web.login import Login
from calnet_ops.web.overview import STAGES, Approvals, overview, waiting_approvals

PATIENCE_S = 2.0
"""How long a page waits for Airflow [s]: people look here when something is slow."""

REFRESH_S = 15
"""A state changes every few minutes at most; a person looking wants to see it move."""


class ApprovalWatch:
    """Asks Airflow beside the page, one question at a time."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._worker = ThreadPoolExecutor(1, "approvals")
        self._question: Future[Approvals] | None = None

    def now(self) -> Approvals:
        """Tell what Airflow says, or that it has not said anything in time."""
        question = self._question or self._worker.submit(waiting_approvals, self._platform)
        self._question = question
        try:
            answer = question.result(PATIENCE_S)
        except TimeoutError:
            return Approvals([], f"no answer from Airflow in {PATIENCE_S:g} s")
        self._question = None
        return answer


def router(platform: Platform, login: Login, templates: Jinja2Templates) -> APIRouter:
    """``/ops`` and ``/ops.json``."""
    routes, approvals = APIRouter(), ApprovalWatch(platform)
    person = Annotated[str, Depends(login)]

    @routes.get("/")
    def start(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/ops")

    @routes.get("/ops")
    def page(request: Request, name: person) -> Response:
        values = {
            "page": "ops",
            "name": name,
            "shown": overview(platform),
            "approvals": approvals.now(),
            "stages": STAGES,
            "airflow": platform.links.airflow,
            "mlflow": platform.links.mlflow.rstrip("/"),
            "model": MODEL,
            "refresh_s": REFRESH_S,
        }
        return templates.TemplateResponse(request, "ops.html", values)

    @routes.get("/ops.json")
    def values(_: person) -> dict[str, Any]:
        return {
            **jsonable_encoder(overview(platform)),
            "approvals": jsonable_encoder(approvals.now()),
        }

    return routes
