"""Whatever goes wrong at the archive, the store ends with the true bytes and nothing else."""

import pytest

from tests.faults.mixes import make_mix
from tests.faults.runs import play

BLOCK, N_MIX = 10, 200

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setenv("CALNET_STABLE_FOR_S", "0")


@pytest.mark.parametrize("first", range(0, N_MIX, BLOCK))
def test_true_bytes_are_stored_and_bad_files_set_aside(first):
    for seed in range(first, first + BLOCK):
        try:
            play(make_mix(seed))
        except BaseException as error:
            error.add_note(f"replay it: python -m tests.faults {seed}")
            raise
