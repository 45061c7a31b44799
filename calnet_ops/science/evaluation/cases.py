"""What a model says of segments, light curves or stars, beside what is true of them."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from calnet_ops.science.evaluation.metrics import Floats, Mask

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Cases:
    """Segments, or light curves, or stars: a row each, all arrays (n_case,)."""

    tic: Integers
    sector: Integers
    """The newest, of a star."""
    group: Words
    """Stars that may show each other's eclipses; they are drawn together."""
    is_eb: Mask
    eb_type: Words
    """``EA``, ``EB``, ``EW`` or empty."""
    tmag: Floats
    """TESS magnitude; NaN if unknown, as are the next two."""
    period_d: Floats
    """Of a binary, as its label says [d]."""
    depth: Floats
    """Of its deeper eclipse, as a share of the light."""
    camera: Integers
    """1 to 4; 0 if unknown."""
    probability: Floats
    """Calibrated P(EB)."""

    def __len__(self) -> int:
        return len(self.tic)

    def take(self, index: npt.NDArray[np.intp] | Mask) -> Self:
        """Some of the rows."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))
