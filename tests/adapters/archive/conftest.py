"""An archive that answers as a test says."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.archive.throttle import Throttle
from tests.support.mirrors import Answer, ScriptedServer, serving

Start = Callable[..., tuple[ScriptedServer, MastArchive]]


@pytest.fixture
def scripted() -> Iterator[Start]:
    """A function that starts a server with given answers and gives it with its client."""
    with ExitStack() as stack:

        def start(
            *answers: Answer,
            redirects: tuple[str, ...] = (),
            attempt_s: float = 20,
            **more: Any,
        ) -> tuple[ScriptedServer, MastArchive]:
            server = ScriptedServer(list(answers))
            url = stack.enter_context(serving(server))
            client = stack.enter_context(
                open_client(
                    [url], "ops@example.org", redirects=redirects, read_s=0.5, attempt_s=attempt_s
                )
            )
            patience = Patience(n_try=3, first_s=0.001)
            return server, MastArchive(client, url, url, patience, **({"pace": Throttle()} | more))

        yield start
