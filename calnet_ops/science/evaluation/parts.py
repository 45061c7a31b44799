"""Where a model does well and where not: its rates by type, brightness, period, depth, place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from calnet_ops.science.evaluation.bootstrap import Draws, share
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.metrics import Floats, Mask, Rate

EDGES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "tmag": (-np.inf, 8, 9, 10, 11, 12, 13, 14, np.inf),
        "period_d": (0, 0.3, 0.5, 1, 2, 4, 8, 13, np.inf),
        "depth": (0, 0.003, 0.01, 0.03, 0.1, 0.3, np.inf),
    }
)
"""Edges of the bins. Magnitudes: whole ones, as two-minute targets lie between 6 and 15. Periods:
contact binaries have 0.2 to 0.5 d, and a segment shows fewer than two eclipses from about 13 d on.
Depths: half a decade each; planets are below 0.03."""

KINDS = ("eb_type", "tmag", "period_d", "depth", "camera")
"""What cases are told apart by. Type, period and depth are known of binaries only."""

OF_BINARIES = frozenset({"eb_type", "period_d", "depth"})


@dataclass(frozen=True, slots=True)
class Part:
    """Cases that have something in common, and how a model does on them."""

    by: str
    """One of `KINDS`, or ``sector``."""
    name: str
    """Such as ``EW``, ``10 to 11`` or ``s087``."""
    n_eb: int
    n_other: int
    recall: Rate
    precision: Rate | None
    """None where only binaries can be told apart."""
    n_false_positive: int
    false_positive_rate: Rate | None
    """Share of the other stars that are called binaries."""


def part_masks(cases: Cases, by: str) -> Iterator[tuple[str, Mask]]:
    """Name and members of each part that has any, in order."""
    if by == "eb_type":
        for name in sorted({str(word) for word in cases.eb_type[cases.is_eb] if word}):
            yield name, cases.is_eb & (cases.eb_type == name)
    elif by == "camera":
        for number in range(1, 5):
            if (cases.camera == number).any():
                yield f"camera {number}", cases.camera == number
    else:
        values: Floats = np.asarray(getattr(cases, by), np.float64)
        edges = EDGES[by]
        for low, high in pairwise(edges):
            inside = (values >= low) & (values < high)
            if by in OF_BINARIES:
                inside = inside & cases.is_eb
            if inside.any():
                yield bin_name(low, high), inside


def bin_name(low: float, high: float) -> str:
    """A bin in words.

    Examples
    --------
    >>> bin_name(10, 11), bin_name(-np.inf, 8), bin_name(14, np.inf)
    ('10 to 11', 'below 8', 'from 14')
    """
    if np.isneginf(low) or low == 0:
        return f"below {high:g}"
    return f"from {low:g}" if np.isposinf(high) else f"{low:g} to {high:g}"


def parts(cases: Cases, threshold: float, draws: Draws, kinds: Sequence[str] = KINDS) -> list[Part]:
    """Rates of every part, by each kind."""
    return [
        _part(cases, by, name, inside, threshold, draws)
        for by in kinds
        for name, inside in part_masks(cases, by)
    ]


def sectors(cases: Cases, names: Mapping[int, str], threshold: float, draws: Draws) -> list[Part]:
    """Recall of the known binaries of each sector, and false positives there.

    Parameters
    ----------
    cases
        Light curves.
    names
        Of the sectors.
    """
    return [
        _part(cases, "sector", name, cases.sector == number, threshold, draws)
        for number, name in sorted(names.items())
        if (cases.sector == number).any()
    ]


def _part(cases: Cases, by: str, name: str, inside: Mask, threshold: float, draws: Draws) -> Part:
    called = cases.probability >= threshold
    binaries, others = inside & cases.is_eb, inside & ~cases.is_eb
    both = by not in OF_BINARIES
    return Part(
        by=by,
        name=name,
        n_eb=int(binaries.sum()),
        n_other=int(others.sum()),
        recall=share(called, binaries, draws),
        precision=share(cases.is_eb, inside & called, draws) if both else None,
        n_false_positive=int((others & called).sum()),
        false_positive_rate=share(called, others, draws) if both else None,
    )
