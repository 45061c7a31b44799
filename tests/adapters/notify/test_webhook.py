import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from typing_extensions import override

from calnet_ops.adapters.notify import open_notifier


@pytest.fixture
def receiver():
    """A server that keeps what it is sent."""
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_each_thing_is_told_once(platform, receiver):
    url, got = receiver
    notifier = open_notifier(url, platform.ledger)
    assert notifier.tell("s087 halted", "look at the checks")
    assert not notifier.tell("s087 halted", "look at the checks")
    assert got == [{"subject": "s087 halted", "text": "s087 halted\nlook at the checks"}]


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1", "not a url"])
def test_without_a_receiver_the_notice_is_in_the_ledger(platform, url):
    assert open_notifier(url, platform.ledger).tell("s087 halted", "look")
    assert [notice["subject"] for notice in platform.ledger.notices()] == ["s087 halted"]
