"""The pages that people look at: operations, vetting; and figures for Prometheus."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calnet_ops.web.app import make_app
    from calnet_ops.web.serve import serve

__all__ = ["make_app", "serve"]


def __getattr__(name: str) -> Any:
    """Import the application when it is asked for: Airflow loads plugins in every process."""
    if name == "make_app":
        from calnet_ops.web.app import make_app

        return make_app
    if name == "serve":
        from calnet_ops.web.serve import serve

        return serve
    raise AttributeError(name)
