"""Groups of linked stars, each on one side of the split only."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from calnet_ops.science.labels.links import Link, Star
from calnet_ops.science.labels.split import GUARD, Side

PRIORITY: tuple[Side, ...] = ("test", "validation", "train")
"""Who stays when a group is on several sides: models of all times are judged on the test side, so
nothing is taken from it, and nothing is moved anywhere."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A link across two sides, and which star was set aside for it."""

    link: Link
    sides: tuple[Side, Side]
    """Of both stars, before."""
    set_aside: tuple[int, ...]
    """TIC numbers of those of the two that are used for nothing now. Two if a third star of their
    group is on a side that comes first."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where stars are in the end."""

    side: Mapping[int, Side]
    """By TIC number."""
    group: Mapping[int, str]
    """By TIC number. Named after the smallest of its members: a new member elsewhere on the sky
    renames no other group."""
    leaks: tuple[Leak, ...]


def place(stars: Iterable[Star], links: Iterable[Link]) -> Placed:
    """Put linked stars in groups, and set aside who would put a group on two sides.

    Parameters
    ----------
    stars
        Each once, with its side on the sky.
    links
        Of any of them; what links a star in the guard band has no effect.

    Notes
    -----
    A star keeps its side or is set aside: no label and no link moves one from train to test.
    """
    side: dict[int, Side] = {star.tic: star.side for star in stars}
    held = [one for one in links if GUARD not in {side[one.one], side[one.other]}]
    root = _roots(side, held)
    members: dict[int, list[int]] = defaultdict(list)
    for tic, first in root.items():
        members[first].append(tic)
    placed = dict(side)
    for tics in members.values():
        kept = min((side[tic] for tic in tics), key=_rank)
        placed |= {tic: GUARD for tic in tics if side[tic] != kept}
    leaks = (
        Leak(one, sides, tuple(tic for tic in (one.one, one.other) if placed[tic] == GUARD))
        for one in sorted(held)
        if len(set(sides := (side[one.one], side[one.other]))) > 1
    )
    return Placed(placed, {tic: f"tic {first}" for tic, first in root.items()}, tuple(leaks))


def _rank(side: Side) -> int:
    return PRIORITY.index(side) if side in PRIORITY else len(PRIORITY)


def _roots(tics: Iterable[int], links: Iterable[Link]) -> dict[int, int]:
    """Smallest member of each star's group."""
    parent = {tic: tic for tic in tics}

    def root(tic: int) -> int:
        while parent[tic] != tic:
            parent[tic] = parent[parent[tic]]
            tic = parent[tic]
        return tic

    for one in links:
        first, second = sorted((root(one.one), root(one.other)))
        parent[second] = first
    return {tic: root(tic) for tic in parent}
