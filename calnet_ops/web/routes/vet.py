"""The vetting page and what it asks for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.templating import Jinja2Templates

from calnet_ops.platform import Platform
from calnet_ops.web import vetting
from calnet_ops.web.curves import draw_curve
from calnet_ops.web.login import TOKEN_HEADER, Login


def router(platform: Platform, login: Login, templates: Jinja2Templates) -> APIRouter:
    """``/vet`` and what is below it."""
    routes = APIRouter()
    person = Annotated[str, Depends(login)]

    @routes.get("/vet")
    def page(request: Request, name: person) -> Response:
        values = {
            "page": "vet",
            "name": name,
            "token": login.token(name),
            "token_header": TOKEN_HEADER,
            "keys": vetting.key_map(),
        }
        return templates.TemplateResponse(request, "vet.html", values)

    @routes.get("/vet/queue.json")
    def queue(name: person) -> dict[str, Any]:
        return vetting.vetting_queue(platform, name)

    @routes.get("/vet/stars/{tic}/{sector}")
    def star(tic: int, sector: int, name: person) -> dict[str, Any]:
        return vetting.star_facts(platform, name, tic, sector)

    @routes.get("/vet/curves/{tic}/{sector}")
    def curve(tic: int, sector: int, _: person) -> dict[str, Any]:
        return draw_curve(platform, tic, sector)

    @routes.post("/vet/decisions", status_code=201)
    def decide(judgement: vetting.Judgement, request: Request, name: person) -> dict[str, Any]:
        login.check_origin(request, name)
        return vetting.record_judgement(platform, name, judgement)

    return routes
