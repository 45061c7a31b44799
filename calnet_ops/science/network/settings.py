"""How to train: recipes by name, each number with its reason. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

NETWORKS = ("calnet", "port", "compact")
"""Names of the networks, see `variants.VARIANTS`: the published one, the later PyTorch port, and a
small one of our own."""


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
    shortest: float
    longest: float
    """A segment is shown as if it were shorter or longer than it is, by a factor drawn anew in
    each epoch: a piece of it, or the whole and its mirror image behind. Segments last 3 to 28
    days, those of one sector often nearly the same; the periodogram stays."""
    label_smoothing: float
    """How far wanted outputs are kept from 0 and 1, so that the network does not grow surer than
    its few stars allow."""
    n_kept_from: int
    """The last so many epochs compete for being kept. While the learning rate is high, one epoch
    is better than the next by luck with the validation stars."""
    patience: int
    """Epochs without a lower validation loss after which training ends."""
    seed: int
    """Of the first weights, the order of the segments, the dropout and all augmentation."""
    network: str = "calnet"
    """One of `NETWORKS`."""
    eb_share: float | None = None
    """Share of the binaries in the loss: segments of each class are weighed so that it holds. None
    leaves it at their share of the data set, weighed as its column `weight` says."""
    noise: float = 0.0
    """Segments get white noise, of a standard deviation between 0 and this share of their scale."""
    gap_share: float = 0.0
    """Share of the segments shown with a gap (see `augment.LONGEST_GAP`)."""
    precision: Literal["auto", "float32", "mixed"] = "auto"
    """"mixed" computes in half precision and keeps weights in float32; "auto" does so on a GPU
    only."""


PUBLISHED = Settings(
    n_epoch=30,
    batch=128,
    learning_rate=1e-3,
    schedule="constant",
    amsgrad=True,
    start="random",
    reversed_share=0.0,
    shortest=1.0,
    longest=1.0,
    label_smoothing=0.0,
    n_kept_from=30,
    patience=30,
    seed=1,
)
"""As in the CALNet repository (Keras form): a fixed number of epochs. We keep the epoch with the
lowest validation loss, on stars that are not those of the test."""

DEMO = Settings(
    n_epoch=7,
    batch=32,
    learning_rate=5e-4,
    schedule="one_hill",
    amsgrad=False,
    start="measured",
    reversed_share=0.5,
    shortest=0.7,
    longest=2.0,
    label_smoothing=0.1,
    n_kept_from=2,
    patience=7,
    seed=1,
)
"""For some five hundred stars within two minutes: as published but for what it takes to learn
from so few steps.

- Small batches: 300 steps instead of 75.
- Measured first weights: 0.9 of the segments are right after one epoch; as drawn, after four.
- A rate of 1e-3 did as well once tried; with 2e-3 (batches of 64) it learned next to nothing.
- Other lengths: a model that has seen segments of 3 to 13 days only, took 27% of the contact
  binaries in segments of 27 days for something else; with pieces and mirror images, 2%.
- Smoothing: without it a few validation stars are wrong with certainty. In a pair of runs it
  brought the log-loss of unseen stars from 0.124 to 0.098, and at a recall of 0.97 the precision
  from 0.91 to 0.95.

Measured with 504 stars (about 1,350 segments) of two simulated sectors, 108 validation stars that
choose the threshold, and 600 stars of a third sector, for two skies and seeds: recall 0.96 and
0.97, precision 0.94 and 0.92. On three more sectors the first of these models has recalls of 0.96
to 0.98 and precisions of 0.93 to 0.96 at a threshold of 0.4. What is left are blends and planets.
A training costs 155 s of CPU, and was seen to take 100 s on two cores with other work beside it.
"""

COMPACT = replace(DEMO, n_epoch=12, learning_rate=1e-3, network="compact")
"""The small network, which takes a sixth of the work a segment and so may see them more often. With
features v2 it is what did best on real stars (`docs/training.md`, "On real stars"); what it learns
from counts for more than any of these numbers."""

RECIPES: Mapping[str, Settings] = MappingProxyType(
    {"published": PUBLISHED, "demo": DEMO, "compact": COMPACT}
)
"""All recipes, as people name them."""
