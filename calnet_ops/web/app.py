"""The web application, stand-alone or mounted in Airflow under a prefix."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from calnet_ops.errors import CalnetError, MissingInput, TransientError, WrongConfiguration
from calnet_ops.platform import Platform
from calnet_ops.web import shown
from calnet_ops.web.login import Login
from calnet_ops.web.routes import docs, hooks, ops, probes, vet

FOLDER = Path(__file__).parent

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
"""Our pages load nothing from elsewhere; only Airflow's own UI (same origin) may frame them."""


def make_app(platform: Platform, *, users: Mapping[str, str] | None = None) -> FastAPI:
    """Application with the ops page, the vetting page, metrics and the MLflow hook.

    Parameters
    ----------
    platform
        Where ledger, store and scheduler are opened, when first used.
    users
        Passwords by name; None reads CALNET_WEB_USERS when the first page is asked for.
    """
    login, templates = Login(users), Jinja2Templates(FOLDER / "templates")
    templates.env.filters.update(shown.FILTERS)
    app = FastAPI(title="calnet-ops", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.include_router(probes.router(platform, login))
    app.include_router(ops.router(platform, login, templates))
    app.include_router(docs.router(platform, login))
    app.include_router(vet.router(platform, login, templates))
    app.include_router(hooks.router(platform))
    app.add_exception_handler(CalnetError, _say_what_is_wrong)
    app.middleware("http")(_guard)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Headers that keep other sites out of our pages."""
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


def _say_what_is_wrong(_: Request, error: Exception) -> Response:
    """Answer with the error's own sentence; it says what to do."""
    if isinstance(error, MissingInput):
        return PlainTextResponse(str(error), 404)
    temporary = isinstance(error, TransientError | WrongConfiguration)
    return PlainTextResponse(str(error), 503 if temporary else 500)
