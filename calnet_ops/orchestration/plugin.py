"""Our pages inside the Airflow UI."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from calnet_ops.orchestration.links import MOUNT

if TYPE_CHECKING:
    from fastapi import FastAPI

Message = MutableMapping[str, Any]


class Pages:
    """The web application, made when somebody first looks at it.

    Airflow imports its plugins in each of its processes; only the API server shows pages, and only
    there is FastAPI worth its second of import.
    """

    @cached_property
    def _app(self) -> "FastAPI":
        from calnet_ops.platform import open_platform
        from calnet_ops.web.app import make_app

        return make_app(open_platform())

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request (ASGI)."""
        await self._app(scope, receive, send)


class CalnetPlugin(AirflowPlugin):
    """Ops page and vetting page, mounted beside Airflow's own."""

    name = "calnet_ops"
    fastapi_apps = [  # noqa: RUF012 - Airflow reads plain class attributes
        {"app": Pages(), "url_prefix": MOUNT, "name": "calnet-ops"}
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "TESS sectors",
            "href": f"{MOUNT}/ops",
            "destination": "nav",
            "category": "browse",
            "url_route": "sectors",
        },
        {
            "name": "Vetting",
            "href": f"{MOUNT}/vet",
            "destination": "nav",
            "category": "browse",
            "url_route": "vetting",
        },
    ]
