"""Our pages inside the Airflow UI."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

MOUNT = "/calnet"
"""Where the API server mounts our pages."""


def _pages() -> list[dict[str, Any]]:
    from calnet_ops.platform import open_platform
    from calnet_ops.web import make_app

    return [{"app": make_app(open_platform()), "url_prefix": MOUNT, "name": "calnet-ops"}]


class CalnetPlugin(AirflowPlugin):
    """Ops page and vetting page, mounted beside Airflow's own."""

    name = "calnet_ops"
    fastapi_apps = _pages()
    external_views = [  # noqa: RUF012 - Airflow reads a plain class attribute
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
