"""The pages that people look at: operations, vetting; and figures for Prometheus."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calnet_ops.web.app import make_app

__all__ = ["make_app"]


def __getattr__(name: str) -> Any:
    """Import the application when it is asked for: Airflow loads plugins in every process."""
    if name == "make_app":
        from calnet_ops.web.app import make_app

        return make_app
    raise AttributeError(name)
