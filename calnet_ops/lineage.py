"""Ids from content: the name of an object tells which inputs it came from.

Two runs with the same inputs, parameters and code version of the step get the same id and
so the same key; if that key exists, the work is done.
"""

import hashlib
import json
import math
from typing import Any, TypeVar

T = TypeVar("T")

ID_LENGTH = 16
"""Hex digits of an id: 64 bits. A clash among 1e6 objects has odds of 3e-8 (birthday bound)."""


def sha256_hex(body: bytes) -> str:
    """SHA-256 of some bytes, as 64 hex digits."""
    return hashlib.sha256(body).hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON with one spelling only: keys sorted, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def known(value: T) -> T | None:
    """Value, or None if it is NaN, for which neither JSON nor a catalog has a word.

    Examples
    --------
    >>> known(0.5), known(float("nan")), known("NaN")
    (0.5, None, 'NaN')
    """
    return None if isinstance(value, float) and math.isnan(value) else value


def lineage_id(step: str, version: int, **inputs: Any) -> str:
    """Id of what a step makes of its inputs.

    Parameters
    ----------
    step
        Name of the step.
    version
        Code version of the step, raised by hand when its results change.
    inputs
        Content hashes, ids of earlier steps and parameters; anything JSON can hold.

    Examples
    --------
    >>> lineage_id("score", 1, features="ab12", model="cd34")
    '2cd9ab7db3caed26'
    """
    content = canonical_json({"step": step, "version": version, "inputs": inputs})
    return sha256_hex(content)[:ID_LENGTH]
