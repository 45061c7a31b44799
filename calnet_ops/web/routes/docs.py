"""Data Docs of Great Expectations, served from the store."""

import mimetypes
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.steps.appearing import stored_delivery
from calnet_ops.web.login import Login

DOCS_POLICY = "sandbox allow-scripts; default-src 'self' 'unsafe-inline' data:"
"""Data Docs bring scripts of their own: they run without the vetter's rights."""


OTHERS = {"features/": "validate-features", "drift/": "drift"}
"""Steps besides that of the sector itself that write Data Docs of it, by where they are shown."""

CATALOG = "catalog"
"""Shown in the place of a sector: Data Docs of the catalog staged last."""


def router(platform: Platform, login: Login) -> APIRouter:
    """``/docs/s087/…``, ``/docs/s087/features/…``, ``/docs/s087/drift/…``, ``/docs/catalog/…``."""
    routes = APIRouter()
    person = Annotated[str, Depends(login)]

    @routes.get("/docs/{sector}")
    def start(sector: str, _: person) -> Response:
        return RedirectResponse(f"{sector}/index.html")

    @routes.get("/docs/{sector}/{page:path}")
    def page(sector: str, page: str, _: person) -> Response:
        page = f"{page}index.html" if not page or page.endswith("/") else page
        body = platform.store.load(_key(platform, sector, page))
        kind = mimetypes.guess_type(page)[0] or "application/octet-stream"
        return Response(body, media_type=kind, headers={"Content-Security-Policy": DOCS_POLICY})

    return routes


def _key(platform: Platform, sector: str, page: str) -> str:
    """Key of a page of the newest Data Docs of a sector, of its features, or of a catalog."""
    first = ""
    if ".." not in page.split("/"):
        first, page = _first_page(platform, sector, page)
    if not first:
        raise MissingInput(
            f"Data Docs of {sector}", found=f"no page {page}", expected="something that was judged"
        )
    return f"{first.rpartition('/')[0]}/{page}"


def _first_page(platform: Platform, sector: str, page: str) -> tuple[str, str]:
    """Key of the first page, empty if there is none; and the page as it is called there."""
    if sector == CATALOG:
        record = platform.ledger.latest("validate-catalog", 0)
        return (record.facts["docs"] if record else ""), page
    number = keys.parse_sector(sector)
    for folder, step in OTHERS.items():
        if page.startswith(folder):
            record = platform.ledger.latest(step, number)
            return (record.facts["docs"] if record else ""), page.removeprefix(folder)
    delivery = stored_delivery(number, platform.ledger)
    return str(delivery.facts.get("docs", "") if delivery else ""), page
