import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.web.serve import serve
from tests.web.conftest import VETTER

REPOSITORY = Path(__file__).parents[2]

PROGRAM = """
import sys
from calnet_ops.platform import open_platform
from calnet_ops.web.serve import serve
serve(open_platform(), port=int(sys.argv[1]))
"""


def test_nothing_is_served_before_somebody_may_look(platform, monkeypatch):
    monkeypatch.delenv("CALNET_WEB_USERS", raising=False)
    with pytest.raises(WrongConfiguration, match="CALNET_WEB_USERS"):
        serve(platform)


def test_pages_are_served_until_the_process_is_ended(filled_platform):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users = {"CALNET_WEB_USERS": json.dumps(dict([VETTER])), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)],
        cwd=filled_platform.root,
        env=os.environ | users,
    )
    try:
        assert answers(f"http://127.0.0.1:{port}/health", process)
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    """Whether a server comes up while its process lives, in 50 s (2 on a quiet machine)."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
