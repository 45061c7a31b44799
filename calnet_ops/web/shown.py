"""Numbers as a person reads them; the filters of the templates."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

UNKNOWN = "\N{EN DASH}"
"""Shown where a value is not known (yet)."""

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

SWITCH_AT = 3
"""A unit gives way to the next larger one from three of these on: 179 s, then 3 min."""


def count(value: float | None) -> str:
    """``12 996``: thin spaces between thousands."""
    return UNKNOWN if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def duration(seconds: float | None) -> str:
    """``42 s``, ``8 min``, ``5 h``, ``3 d``."""
    if seconds is None:
        return UNKNOWN
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= SWITCH_AT * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - two digits


def rate(per_s: float | None, unit: str) -> str:
    """``93.1 MB/s`` from bytes, ``48 files/s`` from anything else."""
    if per_s is None:
        return UNKNOWN
    value, name = (per_s / 1e6, "MB") if unit == "byte" else (per_s, f"{unit}s")
    return f"{value:.3g} {name}/s"


def clock(moment: datetime | None) -> str:
    """``2026-11-23 14:05``, UTC."""
    return UNKNOWN if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def age(moment: datetime) -> str:
    """How long ago a moment of the ledger was."""
    return duration((datetime.now(UTC).replace(tzinfo=None) - moment).total_seconds())


def reasons(counts: dict[str, int]) -> str:
    """``3 truncated, 1 empty file``."""
    return ", ".join(f"{n} {reason}" for reason, n in counts.items())


FILTERS: dict[str, Callable[..., Any]] = {
    "count": count,
    "duration": duration,
    "rate": rate,
    "clock": clock,
    "age": age,
    "reasons": reasons,
}
"""By the name they have in the templates."""
