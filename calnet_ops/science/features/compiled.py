"""Loops compiled to machine code by numba, and kept on disk from the first call on.

Importing numba costs a fresh process half a second, so nothing imports this module before there
are features to compute.
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
    written, each process compiles anew: about 3 s.
    """
    options = {"nogil": True, "error_model": "numpy", "fastmath": REORDERED}
    try:
        made: Callable[P, R] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "no locator available"
        made = numba.njit(**options)(function)
    return made
