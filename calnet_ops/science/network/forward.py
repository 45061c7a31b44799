"""Scoring with nothing but numpy: the published network laid out for matrix products.

Ready as soon as its weights are read, and quicker than the runtimes that were tried beside it
(`docs/performance.md`). `litert.Scorer` answers the same to 1e-5.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from calnet_ops.science.network.convolution import POOL, ConvPool, FirstConvPool, Gate
from calnet_ops.science.network.recurrent import Lstm

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]
"""Arrays by name, such as ``flux_conv_64/kernel``; see `weights`."""

N_FLUX = 4000
N_POWER = 1000
"""Samples of a segment and periods of its periodogram (published), as in `calnet`, which cannot be
imported here: it loads Keras."""

BATCH = 64
"""Segments whose last layers are computed together; the last batch of a table is filled up. With
128 the 32 MB of the dense layer's weights are read half as often, 0.05 ms of 3.1 a segment, but
more of the last batch of a shard is filling."""

TOGETHER = 8
"""Segments that are convolved together: products of 264 to 1016 rows. One by one took 15% longer,
4 or 16 as long within 3%."""

SEEING_TAP = 3
"""As in `attention`: the only tap of the scalar gate that meets data."""


class Scorer:
    """The network, ready to score on one core.

    Parameters
    ----------
    weights
        Of the published network.
    """

    def __init__(self, weights: Weights) -> None:
        self._flux = _Branch(weights, "flux", N_FLUX)
        self._power = _Branch(weights, "power", N_POWER)
        self._hidden = _dense(weights, "hidden")
        kernel, bias = _dense(weights, "probability")
        self._output = kernel[:, 0] - kernel[:, 1], bias[0] - bias[1]
        self._threads = ThreadpoolController()

    def score(self, flux: Floats, power: Floats) -> Floats:
        """P(EB) of segments.

        Parameters
        ----------
        flux, power
            (n, 4000) and (n, 1000), both in 0..1.

        Returns
        -------
        score
            (n,) in 0..1. The same table gives the same scores on every run; in other company a
            segment's may be rounded otherwise (by 6e-8: kernels of some CPUs add up by place).

        Notes
        -----
        On one core, whatever numpy would use otherwise: products this small gain little from more
        than one, and sums are then the same on every run. Processes share the cores.
        """
        scores = np.empty(len(flux), np.float32)
        with self._threads.limit(limits=1, user_api="blas"):
            for start in range(0, len(flux), BATCH):
                part = slice(start, start + BATCH)
                scores[part] = self._batch(flux[part], power[part])
        return scores

    def _batch(self, flux: Floats, power: Floats) -> Floats:
        both = self._flux.run(flux)
        steps = self._power.run(power)
        both += np.concatenate([steps, steps], axis=1)  # half as long: said twice
        kernel, bias = self._hidden
        hidden = _sigmoid(both @ kernel + bias)
        kernel, bias = self._output
        return _sigmoid(hidden @ kernel + bias)[: len(flux)]


class _Branch:
    """Convolutions with attention and pooling, then an LSTM."""

    def __init__(self, weights: Weights, name: str, n_step: int) -> None:
        first, *others = _convolutions(weights, name)
        self._first = FirstConvPool(*first, n_step, TOGETHER)
        self._others = []
        for layer in others:
            n_step //= POOL
            self._others.append(ConvPool(*layer, n_step, TOGETHER))
        cell = f"{name}_lstm/lstm_cell"
        kernel, bias = _dense(weights, cell)
        recurrent = weights[f"{cell}/recurrent_kernel"]
        self._lstm = Lstm(kernel, recurrent, bias, n_step // POOL, BATCH)

    def run(self, signals: Floats) -> Floats:
        """All steps of the LSTM side by side: (BATCH, n_step x n_unit)."""
        for start in range(0, len(signals), TOGETHER):
            some = slice(start, start + TOGETHER)
            pooled, gate = self._first.run(signals[some])
            for layer in self._others:
                layer.feed(pooled, gate)
                pooled, gate = layer.run()
            np.multiply(pooled.swapaxes(0, 1), gate, out=self._lstm.inputs[:, some])
        return self._lstm.run().swapaxes(0, 1).reshape(BATCH, -1)


def _convolutions(weights: Weights, name: str) -> list[tuple[Floats, Floats, Gate]]:
    """Kernel, offset and gate of each convolution of a branch, narrow ones first."""
    start = f"{name}_conv_"
    channels = sorted(
        int(one.removeprefix(start).removesuffix("/kernel"))
        for one in weights
        if one.startswith(start) and one.endswith("/kernel")
    )
    return [
        (*_dense(weights, f"{start}{n}"), _gate(weights, f"{name}_attention_{n}")) for n in channels
    ]


def _gate(weights: Weights, name: str) -> Gate:
    """Channel gate times scalar gate, see `attention.AttentionPool`."""
    squeeze, excite, scalar = (
        _dense(weights, f"{name}/{part}") for part in ("squeeze", "excite", "scalar")
    )
    of_mean, of_largest = scalar[0][SEEING_TAP, :, 0].reshape(2, -1)

    def perceptron(values: Floats) -> Floats:
        narrow = np.maximum(values @ squeeze[0] + squeeze[1], 0)
        return np.maximum(narrow @ excite[0] + excite[1], 0)

    def gate(mean: Floats, largest: Floats) -> Floats:
        channel: Floats = _sigmoid(perceptron(mean) + perceptron(largest))
        gated = np.multiply(mean, channel), np.multiply(largest, channel)
        summary = np.asarray(gated[0] @ of_mean + gated[1] @ of_largest + scalar[1], np.float32)
        return np.multiply(channel, _sigmoid(summary)[:, None], dtype=np.float32)

    return gate


def _dense(weights: Weights, name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}/kernel"], weights[f"{name}/bias"]


def _sigmoid(x: Floats) -> Floats:
    return np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5)
