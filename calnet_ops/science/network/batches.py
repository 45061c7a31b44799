"""Segments as training takes them: in an order of each epoch, a batch at a time, from shards.

The order follows from the seed, the epoch and the sizes of the shards alone: not from the machine,
nor from how often training was interrupted.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from calnet_ops.science.features.tables import as_floats
from calnet_ops.science.network.augment import augment
from calnet_ops.science.network.samples import Floats, Segments, Stored, wanted_outputs
from calnet_ops.science.network.settings import Settings

BUFFER = 8192
"""Segments that are shuffled with each other, at least: 82 MB as the store keeps them. Shards are
drawn at random first, so a batch holds stars of some ten shards; fewer segments than this are
shuffled perfectly."""

Places = npt.NDArray[np.int64]
"""(n, 2) Shard and row of segments."""

Batch = tuple[tuple[Floats, Floats], Floats, Floats]
"""Inputs, wanted outputs, and how much each segment says."""


def iter_epoch(segments: Segments, settings: Settings, epoch: int) -> Iterator[Batch]:
    """Every segment once, augmented, in batches; the last batch may be smaller.

    Parameters
    ----------
    epoch
        0, 1, …: another order and other augmentation for each.
    """
    augmenting = np.random.default_rng([settings.seed, 2, epoch])
    weight = class_weights(segments, settings)
    starts = np.cumsum([0, *segments.n_in_shard])
    for places, flux, power in _iter_shuffled(segments, settings, epoch):
        number = starts[places[:, 0]] + places[:, 1]
        changed = augment(flux, settings, augmenting)
        target = wanted_outputs(segments.is_eb[number])
        yield (changed[..., None], power[..., None]), target, weight[number]


def iter_pieces(batch: Batch, n_piece: int) -> Iterator[Batch]:
    """A batch in as many pieces, weighed so that the mean of their losses is that of the batch.

    Pieces beyond the last segment hold the first once more, with no weight.
    """
    (flux, power), target, weight = batch
    for rows in np.array_split(np.arange(len(target)), n_piece):
        taken = rows if len(rows) else [0]
        share = n_piece * len(rows) / len(target)
        yield (flux[taken], power[taken]), target[taken], weight[taken] * np.float32(share)


def iter_in_order(segments: Segments, size: int) -> Iterator[tuple[Floats, Floats]]:
    """Flux and power as they are, as many at a time; the last ones are filled up with zeros."""
    held: list[tuple[Floats, Floats]] = []
    for shard in range(len(segments.n_in_shard)):
        parts = segments.load(shard)
        for start in range(0, len(parts[0]), size):
            held.append(_floats(parts[0][start : start + size], parts[1][start : start + size]))
            while sum(len(flux) for flux, _ in held) >= size:
                flux, power = _joined(held)
                yield flux[:size], power[:size]
                held = [(flux[size:], power[size:])]
    flux, power = _joined(held)
    if n_left := len(flux):
        filling = ((0, size - n_left), (0, 0))
        yield np.pad(flux, filling), np.pad(power, filling)


def class_weights(segments: Segments, settings: Settings) -> Floats:
    """(n_segment,) Weights that give binaries their share of the loss; their mean is 1."""
    weight, is_eb = segments.weight, segments.is_eb
    if settings.eb_share is not None:
        share = float(weight[is_eb].sum() / weight.sum())
        factors = settings.eb_share / share, (1 - settings.eb_share) / (1 - share)
        weight = weight * np.where(is_eb, *factors)
    return (weight / weight.mean()).astype(np.float32)


def _iter_shuffled(
    segments: Segments, settings: Settings, epoch: int
) -> Iterator[tuple[Places, Floats, Floats]]:
    """Places, flux and power of each batch."""
    rng = np.random.default_rng([settings.seed, 1, epoch])
    held: list[tuple[Places, Floats, Floats]] = []
    missing = settings.batch
    for group in _groups(segments.n_in_shard, rng):
        loaded = {shard: segments.load(shard) for shard in group}
        order = rng.permutation(_places(group, segments.n_in_shard))
        while len(order):
            taken, order = order[:missing], order[missing:]
            held.append((taken, *_gather(loaded, taken)))
            missing -= len(taken)
            if not missing:
                yield _batch(held)
                held, missing = [], settings.batch
        loaded.clear()  # before the next ones come
    if held:
        yield _batch(held)


def _groups(n_in_shard: Sequence[int], rng: np.random.Generator) -> Iterator[list[int]]:
    """Shards in random order, as many at once as fill the buffer."""
    group: list[int] = []
    for shard in rng.permutation(len(n_in_shard)):
        group.append(int(shard))
        if sum(n_in_shard[one] for one in group) >= BUFFER:
            yield group
            group = []
    if group:
        yield group


def _places(group: list[int], n_in_shard: Sequence[int]) -> Places:
    return np.array(
        [(shard, row) for shard in group for row in range(n_in_shard[shard])], dtype=np.int64
    ).reshape(-1, 2)


def _gather(loaded: dict[int, tuple[Stored, Stored]], places: Places) -> tuple[Floats, Floats]:
    """Segments from several shards, in the order of their places."""
    by_shard = np.argsort(places[:, 0], kind="stable")
    sorted_shards = places[by_shard, 0]
    edges = [0, *np.flatnonzero(np.diff(sorted_shards)) + 1, len(places)]
    flux = np.empty((len(places), loaded[int(places[0, 0])][0].shape[1]), np.float32)
    power = np.empty((len(places), loaded[int(places[0, 0])][1].shape[1]), np.float32)
    for start, stop in pairwise(edges):
        into = by_shard[start:stop]
        rows = places[into, 1]
        stored = loaded[int(sorted_shards[start])]
        flux[into], power[into] = _floats(stored[0][rows], stored[1][rows])
    return flux, power


def _floats(flux: Stored, power: Stored) -> tuple[Floats, Floats]:
    return as_floats(flux), as_floats(power)


def _batch(held: list[tuple[Places, Floats, Floats]]) -> tuple[Places, Floats, Floats]:
    if len(held) == 1:
        return held[0]
    places, flux, power = (np.concatenate(parts) for parts in zip(*held, strict=True))
    return places, flux, power


def _joined(held: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    flux, power = (np.concatenate(parts) for parts in zip(*held, strict=True))
    return flux, power
