"""The ops page, and the same as JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

from calnet_ops.platform import Platform
from calnet_ops.web.login import Login
from calnet_ops.web.overview import STAGES, overview, waiting_approvals

REFRESH_S = 15
"""A state changes every few minutes at most; a person looking wants to see it move."""


def router(platform: Platform, login: Login, templates: Jinja2Templates) -> APIRouter:
    """``/ops`` and ``/ops.json``."""
    routes = APIRouter()
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
            "approvals": waiting_approvals(platform),
            "stages": STAGES,
            "airflow": platform.paths.airflow,
            "mlflow": platform.paths.mlflow,
            "refresh_s": REFRESH_S,
        }
        return templates.TemplateResponse(request, "ops.html", values)

    @routes.get("/ops.json")
    def values(_: person) -> dict[str, Any]:
        return {
            **jsonable_encoder(overview(platform)),
            "approvals": jsonable_encoder(waiting_approvals(platform)),
        }

    return routes
