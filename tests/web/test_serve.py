import json
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.web import serve
from tests.web.conftest import VETTER

PROGRAM = (
    "from calnet_ops.platform import open_platform as o; from calnet_ops.web import serve as s"
)


def test_nothing_is_served_before_somebody_may_look(platform, monkeypatch):
    monkeypatch.delenv("CALNET_WEB_USERS", raising=False)
    with pytest.raises(WrongConfiguration, match="CALNET_WEB_USERS"):
        serve(platform)


def test_pages_are_served_until_the_process_is_ended(filled_platform):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{PROGRAM}; s(o(), port={port})"],
        cwd=filled_platform.root,
        env=os.environ | {"CALNET_WEB_USERS": json.dumps(dict([VETTER]))},
    )
    try:
        assert answers(f"http://127.0.0.1:{port}/health", 20)
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str, limit_s: float) -> bool:
    """Whether a server comes up in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
