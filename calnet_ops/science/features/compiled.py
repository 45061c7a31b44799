"""Loops compiled to machine code by numba, and kept on disk from the first call on.

Importing numba and loading what was compiled costs a process 1.3 s of CPU, so nothing imports this
module before there are features to compute.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order, so that they use the vector units; NaN and infinity stay."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers when it is first called.

    Notes
    -----
    Machine code is kept beside the source, else in the user's cache folder. Where neither can be
    written, each process compiles anew: about 4 s.
    """
    try:
        return _compiled(function, on_disk=True)
    except RuntimeError:  # numba: "no locator available"
        return _compiled(function, on_disk=False)


def _compiled(function: Callable[P, R], *, on_disk: bool) -> Callable[P, R]:
    jit = numba.njit(cache=on_disk, nogil=True, error_model="numpy", fastmath=REORDERED)
    made: Callable[P, R] = jit(function)
    return made
