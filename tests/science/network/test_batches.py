"""The order in which training sees segments, from however many shards."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.science.network import batches
from calnet_ops.science.network.samples import Samples, first_segments
from calnet_ops.science.network.settings import PUBLISHED

PLAIN = replace(PUBLISHED, batch=20)
"""Without augmentation, so that segments can be told apart."""


class Shards:
    """Segments that say in each sample which they are, in shards of several sizes."""

    def __init__(self, n_in_shard, dtype=np.uint16):
        self.n_in_shard = n_in_shard
        self.n_segment = sum(n_in_shard)
        self.is_eb = np.arange(self.n_segment) % 4 == 0
        self.weight = np.ones(self.n_segment, np.float32)
        self.loaded = []
        self._dtype = dtype

    def load(self, shard):
        self.loaded.append(shard)
        start = sum(self.n_in_shard[:shard])
        number = np.arange(start, start + self.n_in_shard[shard])
        value = number.astype(self._dtype)
        if self._dtype == np.float32:
            value = np.divide(number, np.float32(65535), dtype=np.float32)
        return tuple(np.repeat(value[:, None], width, axis=1) for width in (40, 10))


def numbers(epoch):
    """Which segments came, batch by batch."""
    return [np.rint(flux[:, 0, 0] * 65535).astype(int) for (flux, _), _, _ in epoch]


@pytest.mark.parametrize("n_in_shard", [[48], [7, 1, 0, 30, 10]])
@pytest.mark.parametrize("buffer", [1, 25, 8192])
def test_an_epoch_shows_each_segment_once_with_what_belongs_to_it(monkeypatch, n_in_shard, buffer):
    monkeypatch.setattr(batches, "BUFFER", buffer)
    shards = Shards(n_in_shard)
    parts = list(batches.iter_epoch(shards, PLAIN, 0))
    assert [len(target) for _, target, _ in parts] == [20, 20, 8]
    seen = np.concatenate(numbers(parts))
    assert sorted(seen) == list(range(48))
    target = np.concatenate([part[1] for part in parts])
    np.testing.assert_array_equal(target[:, 0] == 1, shards.is_eb[seen])
    power = np.concatenate([part[0][1] for part in parts])
    np.testing.assert_allclose(power[:, 3, 0], seen / 65535, rtol=1e-6)
    assert sorted(shards.loaded) == list(range(len(n_in_shard)))


def test_the_order_follows_from_seed_and_epoch_alone():
    shards = [Shards([7, 1, 30, 10]), Shards([7, 1, 30, 10], np.float32)]
    one, other = (np.concatenate(numbers(batches.iter_epoch(s, PLAIN, 3))) for s in shards)
    np.testing.assert_array_equal(one, other)
    for changed in (replace(PLAIN, seed=2), replace(PLAIN, batch=20)):
        again = np.concatenate(numbers(batches.iter_epoch(shards[0], changed, 4)))
        assert (again != one).any()


def test_a_large_set_is_mixed_across_shards_and_few_are_held(monkeypatch):
    monkeypatch.setattr(batches, "BUFFER", 100)
    shards = Shards([10] * 100)
    first = next(iter(batches.iter_epoch(shards, PLAIN, 0)))
    assert len(shards.loaded) == 10
    assert len(set(numbers([first])[0] // 10)) > 5


def test_binaries_get_their_share_of_the_loss():
    shards = Shards([48])
    shards.weight[:10] = 3
    weight = batches.class_weights(shards, replace(PLAIN, eb_share=0.5))
    assert weight.mean() == pytest.approx(1)
    assert weight[shards.is_eb].sum() == pytest.approx(weight.sum() / 2)
    assert weight[0] == pytest.approx(3 * weight[12])
    as_is = batches.class_weights(shards, PLAIN)
    assert as_is[0] == pytest.approx(3 * as_is[11])
    (_, target, given) = next(iter(batches.iter_epoch(shards, replace(PLAIN, batch=48), 0)))
    assert sorted(given) == pytest.approx(sorted(as_is))
    assert target.shape == (48, 2)


@pytest.mark.parametrize(("n_segment", "sizes"), [(20, [7, 7, 6]), (7, [3, 2, 2]), (2, [1, 1, 1])])
def test_the_mean_loss_of_the_pieces_is_that_of_the_batch(n_segment, sizes):
    rng = np.random.default_rng(1)
    flux, power, target = (rng.random((n_segment, width), np.float32) for width in (40, 10, 2))
    weight, loss = rng.random((2, n_segment), np.float32)
    pieces = list(batches.iter_pieces(((flux, power), target, weight), 3))
    assert [len(piece[1]) for piece in pieces] == sizes
    losses = dict(zip(flux[:, 0].tolist(), loss.tolist(), strict=True))
    means = [
        np.mean([losses[one] * share for one, share in zip(x[:, 0].tolist(), shares, strict=True)])
        for (x, _), _, shares in pieces
    ]
    assert np.mean(means) == pytest.approx(np.mean(loss * weight), rel=1e-5)


def test_judging_goes_in_order_and_fills_the_last_batch():
    parts = list(batches.iter_in_order(Shards([7, 1, 30, 10]), 20))
    assert [len(flux) for flux, _ in parts] == [20, 20, 20]
    flux = np.concatenate([flux for flux, _ in parts])[:, 0]
    np.testing.assert_allclose(flux[:48], np.arange(48) / 65535, rtol=1e-6)
    assert not flux[48:].any()


def test_some_segments_come_from_no_more_shards_than_it_takes():
    shards = Shards([7, 1, 30, 10])
    flux, power = first_segments(shards, 12)
    np.testing.assert_allclose(power[:, 0], np.arange(12) / 65535, rtol=1e-6)
    assert flux.shape == (12, 40)
    assert shards.loaded == [0, 1, 2]
    assert len(first_segments(shards, 100)[0]) == 48


def test_samples_in_memory_are_one_shard():
    flux, power = np.ones((3, 40), np.float32), np.zeros((3, 10), np.float32)
    samples = Samples(flux, power, np.ones(3, bool))
    assert samples.n_in_shard == [3]
    assert samples.load(0)[0] is flux
    assert samples.load(0)[1] is power
    np.testing.assert_array_equal(samples.weight, 1)
