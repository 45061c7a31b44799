"""Stand-alone server of the pages."""

import uvicorn

from calnet_ops.platform import Platform
from calnet_ops.web.app import make_app
from calnet_ops.web.login import read_users


def serve(platform: Platform, host: str = "127.0.0.1", port: int = 8081) -> None:
    """Serve until stopped (SIGINT or SIGTERM).

    Raises
    ------
    WrongConfiguration
        If CALNET_WEB_USERS names nobody who may look.
    """
    app = make_app(platform, users=read_users())
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        ws="none",
        lifespan="off",
    )
