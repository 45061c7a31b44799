"""The network in numpy, beside the plain equations of its layers."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network import forward, weights
from calnet_ops.science.network.convolution import ConvPool, FirstConvPool, split_taps
from calnet_ops.science.network.recurrent import Lstm
from tests.support.networks import fresh_weights


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def convolve(block, kernel, bias):
    """Oracle in float64: ReLU of a convolution with "same" padding, (n_step, n_out)."""
    padded = np.pad(block.astype(float), ((3, 4), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 8, axis=0)
    return np.maximum(np.einsum("tck,kcn->tn", windows, kernel.astype(float)) + bias, 0)


def pool(steps):
    n_pooled = len(steps) // 4
    return steps[: 4 * n_pooled].reshape(n_pooled, 4, -1).max(axis=1)


def gate(mean, largest):
    """Not a gate of the network, but it tells both."""
    return 10 * mean + largest


@pytest.mark.parametrize("n_step", [1000, 250, 251, 253])
@pytest.mark.parametrize("n_together", [1, 3])
def test_nine_products_are_the_convolution_of_sixteen(n_step, n_together):
    rng = np.random.default_rng(n_step)
    kernel, bias = normal(rng, 8, 6, 5), normal(rng, 5)
    layer = ConvPool(kernel, bias, gate, n_step, n_together)
    for _ in range(2):  # nothing is left over from the first time
        blocks, factor = normal(rng, n_together, n_step, 6), normal(rng, n_together, 6)
        layer.feed(blocks, factor)
        pooled, gates = layer.run()
        for number in range(n_together):
            steps = convolve(blocks[number] * factor[number], kernel, bias)
            np.testing.assert_allclose(pooled[number], pool(steps), atol=2e-5)
            expected = gate(steps.mean(axis=0), steps.max(axis=0))
            np.testing.assert_allclose(gates[number], expected, atol=1e-4)


def test_a_convolution_of_one_channel_is_the_same_function():
    rng = np.random.default_rng(2)
    kernel, bias = normal(rng, 8, 1, 7), normal(rng, 7)
    layer = FirstConvPool(kernel, bias, gate, 2000, n_together=3)
    signals = normal(rng, 2, 2000)  # fewer than could be
    pooled, gates = layer.run(signals)
    for number, signal in enumerate(signals):
        steps = convolve(signal[:, None], kernel, bias)
        np.testing.assert_allclose(pooled[number], pool(steps), atol=1e-5)
        expected = gate(steps.mean(axis=0), steps.max(axis=0))
        np.testing.assert_allclose(gates[number], expected, atol=1e-4)


def test_the_factors_are_sums_of_taps():
    factors = split_taps(normal(np.random.default_rng(1), 8, 2, 3))
    assert factors.shape == (9, 4, 3)
    np.testing.assert_allclose(factors[4], factors[[0, 2, 6, 8]].sum(axis=0), rtol=1e-5)


def test_a_recurrent_layer_follows_its_equations():
    rng = np.random.default_rng(4)
    kernel, recurrent, bias = normal(rng, 5, 12), normal(rng, 3, 12), normal(rng, 12)
    layer = Lstm(kernel, recurrent, bias, n_step=9, n_together=2)
    layer.inputs[:] = normal(rng, 9, 2, 5)
    for _ in range(2):
        outputs = layer.run()
    hidden, memory = np.zeros((2, 3)), np.zeros((2, 3))
    for step, found in zip(layer.inputs, outputs, strict=True):
        enter, keep, candidate, leave = np.split(step @ kernel + hidden @ recurrent + bias, 4, 1)
        enter, keep, leave = (1 / (1 + np.exp(-x)) for x in (enter, keep, leave))
        memory = keep * memory + enter * np.tanh(candidate)
        hidden = leave * np.tanh(memory)
        np.testing.assert_allclose(found, hidden, atol=1e-5)


@pytest.fixture(scope="module")
def fresh():
    return fresh_weights()


@pytest.fixture(scope="module")
def scorer(fresh):
    return forward.Scorer(fresh)


def test_a_score_depends_on_its_neighbours_by_rounding_at_most(scorer, segments):
    flux, power = segments
    together = scorer.score(flux, power)
    assert together.shape == (40,)
    assert together.dtype == np.float32
    assert len(set(together.tolist())) > 30
    for part in (slice(5, 8), slice(11, 37), slice(39, 40)):
        alone = scorer.score(flux[part], power[part])
        # BLAS kernels of some CPUs (OpenBLAS 0.3.31 on Zen 5) add up in another order by place
        np.testing.assert_allclose(alone, together[part], rtol=0, atol=5e-7)
        np.testing.assert_array_equal(alone, scorer.score(flux[part], power[part]))
    assert len(scorer.score(flux[:0], power[:0])) == 0


def test_a_score_does_not_depend_on_the_number_of_cores(scorer, segments):
    flux, power = (part[:8] for part in segments)
    with threadpool_limits(2):
        two = scorer.score(flux, power)
    with threadpool_limits(1):
        np.testing.assert_array_equal(scorer.score(flux, power), two)


def test_weights_come_back_and_have_one_form(fresh, scorer, segments):
    flux, power = (part[:2] for part in segments)
    body = weights.pack(dict(reversed(fresh.items())))
    assert body == weights.pack(fresh)
    again = forward.Scorer(weights.unpack(body))
    np.testing.assert_array_equal(again.score(flux, power), scorer.score(flux, power))


def test_damaged_and_foreign_weights_are_refused(fresh):
    for body in (b"", b"no zip", weights.pack(fresh)[:1000]):
        with pytest.raises(WrongConfiguration, match=r"a sound \.npz file"):
            weights.unpack(body)
    del (other := dict(fresh))["hidden/bias"]
    with pytest.raises(WrongConfiguration, match="8736139 numbers"):
        weights.unpack(weights.pack(other))
