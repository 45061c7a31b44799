"""For machines: is it alive, and the figures for Prometheus."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBasic
from prometheus_client import CONTENT_TYPE_LATEST

from calnet_ops.platform import Platform
from calnet_ops.web.login import Login, is_loopback
from calnet_ops.web.metrics import exposition

_basic = HTTPBasic(auto_error=False)


def router(platform: Platform, login: Login) -> APIRouter:
    """``/health`` for anybody; ``/metrics`` for this machine, or with a login."""
    routes = APIRouter()

    @routes.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        if not is_loopback(request):
            login(await _basic(request))
        text = await run_in_threadpool(exposition, platform)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes
