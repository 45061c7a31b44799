"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from calnet_ops.platform import Platform
from tests.support.platforms import make_platform
from tests.support.skies import SimulatedSector, make_sector

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Servers of tests may be asked as often as one likes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALNET_REQUESTS_PER_S", "10000")
        yield


@pytest.fixture(autouse=True)
def logs_as_at_the_start() -> Iterator[None]:
    """What a command line does to the logs of its process ends with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real light curves and label catalogs, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("no real light curves beside the project (../shared/data)")
    return SHARED


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """A platform with a store in memory and an empty ledger."""
    return make_platform(tmp_path)


@pytest.fixture(scope="session")
def simulated_sector(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSector:
    """A compact sector 87: twelve good stars, every kind among them. Read, do not change it."""
    return make_sector(tmp_path_factory.mktemp("sky"), damaged=False)


@pytest.fixture(scope="session")
def damaged_sector(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSector:
    """The same with one bad file of each kind. Read, do not change it."""
    return make_sector(tmp_path_factory.mktemp("damaged_sky"), damaged=True)
