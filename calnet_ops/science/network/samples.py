"""Segments with known truth, as the network takes them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import WrongConfiguration

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Segments to learn from or to be judged on."""

    flux: Floats
    """(n_segment, 4000) in 0..1."""
    power: Floats
    """(n_segment, 1000) in 0..1."""
    is_eb: npt.NDArray[np.bool_]
    """(n_segment,)"""

    def __post_init__(self) -> None:
        lengths = {len(self.flux), len(self.power), len(self.is_eb)}
        if len(lengths) != 1 or lengths == {0}:
            raise WrongConfiguration(
                "samples", found=f"{sorted(lengths)} rows", expected="as many of each, and some"
            )

    @property
    def inputs(self) -> list[Floats]:
        """Both inputs of the network, with a channel axis."""
        return [self.flux[..., None], self.power[..., None]]

    @property
    def target(self) -> Floats:
        """(n_segment, 2) Wanted outputs: 1 at index 0 for a binary, else at index 1."""
        return np.stack([self.is_eb, ~self.is_eb], axis=1).astype(np.float32)

    def take(self, index: npt.NDArray[np.intp]) -> "Samples":
        """Some of the segments."""
        return Samples(self.flux[index], self.power[index], self.is_eb[index])
