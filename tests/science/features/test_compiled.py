"""Numba is there for features, and for nothing else."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from calnet_ops.science.features.compiled import compiled

IMPORTS = """
import sys
from typing import Any
import calnet_ops.cli
from calnet_ops.cli import commands
from calnet_ops.science import features
from calnet_ops.steps import extract, score
before = {"numba", "scipy.interpolate", "scipy.fft"} & sys.modules.keys()
from tests.support.light_curves import eclipsing_binary
features.extract(eclipsing_binary(2000))
print(sorted(before), "numba" in sys.modules)
"""


@pytest.mark.slow
def test_nothing_imports_numba_before_there_are_features_to_compute():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split("\n")[-2] == "[] True"


def test_where_machine_code_cannot_be_kept_it_is_compiled_anew():
    made: dict[str, Any] = {}
    exec("def double(value):\n    return 2 * value\n", made)  # noqa: S102
    with pytest.raises(RuntimeError, match="no locator"):
        _keep(made["double"])
    assert compiled(made["double"])(21) == 42


def test_nan_is_not_optimised_away():
    @compiled
    def how_many_are_missing(values: np.ndarray) -> int:
        count = 0
        for value in values:
            count += np.isnan(value)
        return count

    assert how_many_are_missing(np.array([1.0, np.nan, 3.0])) == 1


def _keep(function):
    import numba

    numba.njit(cache=True)(function)
