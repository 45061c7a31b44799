"""What a star does: the value that every kind of variability is drawn into."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration

Floats = npt.NDArray[np.float64]


class Kind(enum.StrEnum):
    """What the truth table says of a star."""

    EA = "EA"
    """Detached eclipsing binary."""
    EB = "EB"
    """Semi-detached, beta Lyrae type."""
    EW = "EW"
    """Contact, W Ursae Majoris type."""
    SPOTTED = "SPOTTED"
    """Rotator with spots."""
    DSCT = "DSCT"
    """delta Scuti pulsator."""
    RRLYR = "RRLYR"
    """RR Lyrae pulsator."""
    PLANET = "PLANET"
    """Transiting planet."""
    FLARE = "FLARE"
    """Flaring red dwarf."""
    RAMP = "RAMP"
    """Quiet star with ramps that scattered light left behind."""
    BLEND = "BLEND"
    """Quiet star with a neighbour's eclipses in its aperture: not an EB on target."""
    CONSTANT = "CONSTANT"
    """Nothing but noise."""

    @property
    def is_eb(self) -> bool:
        """Whether the target itself is an eclipsing binary."""
        return self in {Kind.EA, Kind.EB, Kind.EW}


DEFAULT_MIX: Mapping[str, float] = MappingProxyType(
    {
        "EA": 0.20,
        "EB": 0.09,
        "EW": 0.11,
        "SPOTTED": 0.12,
        "DSCT": 0.08,
        "RRLYR": 0.05,
        "PLANET": 0.06,
        "FLARE": 0.05,
        "RAMP": 0.05,
        "BLEND": 0.02,
        "CONSTANT": 0.17,
    }
)
"""Share of each kind: 40 % eclipsing binaries, against 2 % among real two-minute targets (Prsa et
al. 2022), so that a small sector has enough of them to train on and to judge a model by. Blends
are rare because a flux alone cannot tell them from EBs: they are its honest false alarms."""


@dataclass(frozen=True)
class Signal:
    """What the star does to its own light, without noise."""

    flux: Floats
    """(n_cadence,) Relative to the star's mean light."""
    period: float = np.nan
    """[d]; of the orbit, the rotation or the strongest pulsation; NaN if there is none."""
    epoch: float = np.nan
    """Middle of the deepest eclipse or transit [BTJD], the first one of the sector."""
    depth_1: float = 0.0
    """Relative to the brightest phase."""
    depth_2: float = 0.0
    duration_1: float = np.nan
    """From first to last contact [d]."""
    neighbour: Floats | None = None
    """(n_cadence,) Light that a neighbour's eclipses take out of the aperture, relative to the
    star's own mean light in it; None if what varies is the star itself."""
    neighbour_light: float = 0.0
    """All of a neighbour's light in the aperture, relative to the same."""
    neighbour_offset: tuple[float, float] | None = None
    """Column and row of that light's centre, from the star's [pixel]; None: to be drawn."""
    ramp: bool = False
    """Whether scattered light leaves its mark on the corrected flux as well."""


def check_mix(mix: Mapping[str, float]) -> dict[Kind, float]:
    """Shares by kind, made to add up to one.

    Raises
    ------
    WrongConfiguration
        If a kind is unknown, a share is negative, or all are zero.
    """
    unknown = sorted(set(mix) - {kind.value for kind in Kind})
    if unknown:
        raise WrongConfiguration(
            "mix", found=", ".join(unknown), expected="kinds " + ", ".join(Kind)
        )
    total = sum(mix.values())
    if total <= 0 or min(mix.values()) < 0:
        raise WrongConfiguration("mix", found=f"shares {dict(mix)}", expected="shares > 0")
    return {Kind(kind): share / total for kind, share in mix.items()}


def allot_kinds(mix: Mapping[str, float], n_star: int, seed: int) -> list[Kind]:
    """Deal a kind to each star: exactly the shares asked for (largest remainder), shuffled.

    Examples
    --------
    >>> sorted(allot_kinds({"EA": 0.5, "CONSTANT": 0.5}, 4, seed=1))
    [<Kind.CONSTANT: 'CONSTANT'>, <Kind.CONSTANT: 'CONSTANT'>, <Kind.EA: 'EA'>, <Kind.EA: 'EA'>]
    """
    shares = check_mix(mix)
    exact = np.array(list(shares.values())) * n_star
    count = np.floor(exact).astype(int)
    rest = np.argsort(count - exact, kind="stable")[: n_star - count.sum()]
    count[rest] += 1
    kinds = [kind for kind, n in zip(shares, count, strict=True) for _ in range(n)]
    order = np.random.default_rng(seed).permutation(n_star)
    return [kinds[i] for i in order]
