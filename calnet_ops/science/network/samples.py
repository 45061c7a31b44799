"""Segments with known truth, as the network takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.features.tables import as_floats

Floats = npt.NDArray[np.float32]
Stored = npt.NDArray[np.uint16] | npt.NDArray[np.float32]
"""Flux or power as the store keeps it, or as floats in 0..1."""


class Segments(Protocol):
    """Segments in shards that are loaded one by one, however many there are."""

    @property
    def n_in_shard(self) -> Sequence[int]:
        """Segments of each shard."""

    @property
    def is_eb(self) -> npt.NDArray[np.bool_]:
        """(n_segment,) Shard by shard."""

    @property
    def weight(self) -> Floats:
        """(n_segment,) How much each says in the loss, shard by shard."""

    def load(self, shard: int) -> tuple[Stored, Stored]:
        """Flux (n, 4000) and power (n, 1000) of a shard."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Segments in memory: one shard."""

    flux: Floats
    """(n_segment, 4000) in 0..1."""
    power: Floats
    """(n_segment, 1000) in 0..1."""
    is_eb: npt.NDArray[np.bool_]
    """(n_segment,)"""
    weight: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    """(n_segment,) All the same by default."""

    def __post_init__(self) -> None:
        if not len(self.weight):
            object.__setattr__(self, "weight", np.ones(len(self.is_eb), np.float32))
        lengths = {len(part) for part in (self.flux, self.power, self.is_eb, self.weight)}
        if len(lengths) != 1 or lengths == {0}:
            raise WrongConfiguration(
                "samples", found=f"{sorted(lengths)} rows", expected="as many of each, and some"
            )

    @property
    def n_in_shard(self) -> Sequence[int]:
        """One shard."""
        return [len(self.is_eb)]

    def load(self, shard: int) -> tuple[Stored, Stored]:
        """All of it."""
        del shard  # there is but one
        return self.flux, self.power

    @property
    def inputs(self) -> list[Floats]:
        """Both inputs of the network, with a channel axis."""
        return [self.flux[..., None], self.power[..., None]]

    @property
    def target(self) -> Floats:
        """(n_segment, 2) Wanted outputs: 1 at index 0 for a binary, else at index 1."""
        return wanted_outputs(self.is_eb)

    def take(self, index: npt.NDArray[np.intp]) -> "Samples":
        """Some of the segments."""
        return Samples(self.flux[index], self.power[index], self.is_eb[index], self.weight[index])


def wanted_outputs(is_eb: npt.NDArray[np.bool_]) -> Floats:
    """(n_segment, 2) 1 at index 0 for a binary, else at index 1."""
    return np.stack([is_eb, ~is_eb], axis=1).astype(np.float32)


def first_segments(segments: Segments, n_wanted: int) -> tuple[Floats, Floats]:
    """Flux and power of the first so many segments, or of all if there are less."""
    flux, power, found = [], [], 0
    for shard, n_segment in enumerate(segments.n_in_shard):
        if found >= n_wanted:
            break
        parts = segments.load(shard)
        flux.append(as_floats(parts[0][: n_wanted - found]))
        power.append(as_floats(parts[1][: n_wanted - found]))
        found += n_segment
    return np.concatenate(flux), np.concatenate(power)
