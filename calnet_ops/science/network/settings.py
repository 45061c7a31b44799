"""How to train: recipes by name, each number with its reason. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """A way to train CALNet."""

    n_epoch: int
    """Times that all segments are seen."""
    batch: int
    """Segments a step."""
    learning_rate: float
    """Of Adam; the highest one, if it changes."""
    schedule: Literal["constant", "one_hill"]
    """"one_hill": up from a tenth within the first tenth of the steps, then down to 2% along a
    cosine."""
    amsgrad: bool
    """Variant of Adam that keeps the largest second moment; a third more memory to move."""
    start: Literal["random", "measured"]
    """First weights: "random" as Keras draws them, "measured" then scaled on real segments (see
    `start.fit_start`)."""
    reversed_share: float
    """Share of the segments shown backwards in time, drawn anew in each epoch. An eclipsing
    binary stays one; the periodogram does not change."""
    patience: int
    """Epochs without a lower validation loss after which training ends."""
    seed: int
    """Of the first weights, the order of the segments, the dropout and the reversals."""


PUBLISHED = Settings(
    n_epoch=30,
    batch=128,
    learning_rate=1e-3,
    schedule="constant",
    amsgrad=True,
    start="random",
    reversed_share=0.0,
    patience=30,
    seed=1,
)
"""As in the CALNet repository (Keras form): a fixed number of epochs. We keep the epoch with the
lowest validation loss, on stars that are not those of the test."""

DEMO = Settings(
    n_epoch=6,
    batch=32,
    learning_rate=5e-4,
    schedule="one_hill",
    amsgrad=False,
    start="measured",
    reversed_share=0.5,
    patience=6,
    seed=1,
)
"""For some hundred stars within two minutes."""

RECIPES: Mapping[str, Settings] = MappingProxyType({"published": PUBLISHED, "demo": DEMO})
"""All recipes, as people name them."""
