"""The files of an installation, and the programs that check them."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return yaml.safe_load((REPO / "docker-compose.yml").read_text())


@pytest.fixture(scope="session")
def services(compose) -> dict[str, Any]:
    return compose["services"]


@pytest.fixture(scope="session")
def env_example() -> dict[str, str]:
    """Names of env.example, the optional ones too, with their values."""
    text = (REPO / "infra" / "env.example").read_text()
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", text, re.MULTILINE))


def find_program(name: str) -> str:
    """Path of a checker; without it the test is skipped, or fails where CI=true promises it."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is not here")
    return found
