"""Data Docs of Great Expectations, served from the store."""

import mimetypes
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from calnet_ops import keys
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.web.login import Login

DOCS_POLICY = "sandbox allow-scripts; default-src 'self' 'unsafe-inline' data:"
"""Data Docs bring scripts of their own: they run without the vetter's rights."""


def router(platform: Platform, login: Login) -> APIRouter:
    """``/docs/s087/…``."""
    routes = APIRouter()
    person = Annotated[str, Depends(login)]

    @routes.get("/docs/{sector}")
    def start(sector: str, _: person) -> Response:
        return RedirectResponse(f"{sector}/index.html")

    @routes.get("/docs/{sector}/{page:path}")
    def page(sector: str, page: str, _: person) -> Response:
        page = page or "index.html"
        body = platform.store.load(_key(platform, keys.parse_sector(sector), page))
        kind = mimetypes.guess_type(page)[0] or "application/octet-stream"
        return Response(body, media_type=kind, headers={"Content-Security-Policy": DOCS_POLICY})

    return routes


def _key(platform: Platform, sector: int, page: str) -> str:
    """Key of a page of the newest Data Docs of a sector."""
    delivery = platform.ledger.delivery(sector)
    first = str(delivery.facts.get("docs", "")) if delivery else ""
    if not first or ".." in page.split("/"):
        raise MissingInput(
            f"Data Docs of {keys.sector_key(sector)}",
            found=f"no page {page}",
            expected="a sector that was validated",
        )
    return f"{first.rpartition('/')[0]}/{page}"
