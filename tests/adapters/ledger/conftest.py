"""Ledgers in both databases that an installation may have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from calnet_ops.adapters.ledger import Ledger, open_ledger
from tests.support.postgres_servers import empty, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    url: str = request.getfixturevalue("postgres")
    empty(url)
    return url


@pytest.fixture
def ledger(database: str) -> Ledger:
    ledger = open_ledger(database)
    ledger.migrate()
    return ledger
