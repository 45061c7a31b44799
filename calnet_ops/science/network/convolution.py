"""Convolutions followed by attention and pooling, with 9 matrix products in place of 16.

Four outputs of a convolution of four taps are a product with a Hankel matrix,

    y_p = sum over b of g_b z_(p+b),    p, b = 0..3,

with z_s every fourth step from step s on. For two outputs and two taps, three products do:

    m_1 = g_0 (z_0 - z_1),  m_2 = (g_0 + g_1) z_1,  m_3 = g_1 (z_2 - z_1),
    y_0 = m_1 + m_2,        y_1 = m_2 + m_3,

and twice nested, as the entries may be blocks, 9 for four. Eight taps are four pairs: those of z
and of z four steps later side by side. Only sums and differences enter, so float32 loses nothing
that counts. The four outputs are those that pooling joins: it is the largest of four arrays.

References
----------
.. [1] Winograd 1980, Arithmetic Complexity of Computations, SIAM (the identity above).
.. [2] Mou & Duhamel 1991, IEEE Trans. Signal Processing 39, 1322 (filters of few taps, nested).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Gate = Callable[[Floats, Floats], Floats]
"""Factor of each channel, (n, n_channel), from its mean and its largest value."""

N_TAP = 8
"""Length of every convolution (published); "same" padding is 3 before and 4 behind."""

BEFORE = 3
"""Zeros before the first step."""

POOL = 4
"""Steps that pooling joins (published), and outputs that are computed together."""

FEW_ROWS = 32
"""Rows from which on halving them is quicker than going through them."""


def split_taps(kernel: Floats) -> Floats:
    """Matrices of the nine products.

    Parameters
    ----------
    kernel
        (8, n_in, n_out) Taps.

    Returns
    -------
    factors
        (9, 2 n_in, n_out)
    """
    pairs = [np.concatenate([kernel[tap], kernel[tap + POOL]]) for tap in range(POOL)]
    halves = (pairs[:2], [pairs[0] + pairs[2], pairs[1] + pairs[3]], pairs[2:])
    return np.stack([factor for one, two in halves for factor in (one, one + two, two)])


class _Pooling:
    """What follows the convolution: ReLU, mean and largest value in time, pooling, gate.

    The offset is added late: ``relu(y + b) = max(y, -b) + b``, and a fourth of the steps is left.
    """

    def __init__(self, n_row: int, n_step: int, bias: Floats, gate: Gate) -> None:
        self._n_step = n_step
        self._gate = gate
        self._bias = bias
        self._floor = np.repeat(-bias[None], n_row, axis=0)  # quicker than broadcasting
        self._sum = np.empty((n_row, len(bias)), np.float32)

    def join(self, outputs: Floats) -> tuple[Floats, Floats]:
        """Largest and sum of each four outputs, of (4, n_row, n_out), which are overwritten."""
        one, two, three, four = outputs
        for output in outputs:
            np.maximum(output, self._floor, out=output)
        np.add(one, two, out=self._sum)
        np.add(self._sum, three, out=self._sum)
        np.add(self._sum, four, out=self._sum)
        np.maximum(one, two, out=one)
        np.maximum(three, four, out=three)
        np.maximum(one, three, out=one)
        return np.subtract(one, self._floor, out=one), self._sum

    def gates(self, total: Floats, largest: Floats) -> Floats:
        """Gate of each segment, from the sum of its rows, without the offset, and the largest."""
        n_summed = POOL * -(-self._n_step // POOL)
        mean = (total + n_summed * self._bias) / np.float32(self._n_step)
        return self._gate(mean, largest)


class ConvPool:
    """A convolution of many channels, attention and pooling, for some segments together.

    Parameters
    ----------
    kernel, bias
        (8, n_in, n_out), (n_out,)
    gate
        Of the attention.
    n_step
        Steps of a segment; what they leave over four at the end is not pooled.
    n_together
        Segments. Rows that are padding are computed and left aside.
    """

    def __init__(
        self, kernel: Floats, bias: Floats, gate: Gate, n_step: int, n_together: int
    ) -> None:
        n_in, n_out = kernel.shape[1:]
        self._factors = split_taps(kernel)
        self._n_step, self._n_together = n_step, n_together
        self._n_block = -(-n_step // POOL)
        self._n_row = self._n_block + 2 + self._n_block % 2  # of a segment; even, see `_product`
        n_row = n_together * self._n_row
        self._steps = np.zeros((POOL, n_row + 2, n_in), np.float32)
        self._halves = np.zeros((3, n_row + 1, n_in), np.float32)
        self._difference = np.zeros((n_row + 1, n_in), np.float32)
        self._products = np.empty((3, n_row, n_out), np.float32)
        self._middle = np.empty((2, n_row, n_out), np.float32)
        self._outputs = np.empty((POOL, n_row, n_out), np.float32)
        self._pooling = _Pooling(n_row, n_step, bias, gate)

    def feed(self, block: Floats, gate: Floats) -> None:
        """Take in segments.

        Parameters
        ----------
        block, gate
            (n_together, n_step, n_in) and the factor of each channel, (n_together, n_in).
        """
        of_segment = (self._n_together, self._n_row, -1)
        for phase, rows in enumerate(self._steps):
            start = (phase - BEFORE) % POOL
            steps = block[:, start::POOL]
            first = (start + BEFORE) // POOL
            places = rows[:-2].reshape(of_segment)[:, first : first + steps.shape[1]]
            np.multiply(steps, gate[:, None], out=places)

    def run(self) -> tuple[Floats, Floats]:
        """Pooled steps without their gate, and the gate.

        Returns
        -------
        pooled, gate
            (n_together, n_step // 4, n_out) and (n_together, n_out); overwritten by the next
            call.
        """
        self._convolve()
        self._drop_surplus()
        pooled, total = self._pooling.join(self._outputs)
        of_segment = (self._n_together, self._n_row, -1)
        pooled = pooled.reshape(of_segment)[:, : self._n_block]
        total = total.reshape(of_segment)[:, : self._n_block]
        gate = self._pooling.gates(_sum_of_rows(total), _largest_of_rows(pooled))
        return pooled[:, : self._n_step // POOL], gate

    def _convolve(self) -> None:
        z = [*(steps[:-1] for steps in self._steps), *(steps[1:] for steps in self._steps[:3])]
        self._two(z[2:5], 3, self._middle)
        for first, out in ((0, self._outputs[:2]), (4, self._outputs[2:])):
            for number, half in enumerate(self._halves):
                np.subtract(z[first + number], z[2 + number], out=half)
            self._two(self._halves, 3 * first // 2, out)
            np.add(out, self._middle, out=out)

    def _two(self, z: Floats | list[Floats], factor: int, out: Floats) -> None:
        """Two outputs of two taps."""
        one, two, three = self._products
        np.subtract(z[0], z[1], out=self._difference)
        self._product(self._difference, factor, one)
        self._product(z[1], factor + 1, two)
        np.subtract(z[2], z[1], out=self._difference)
        self._product(self._difference, factor + 2, three)
        np.add(one, two, out=out[0])
        np.add(two, three, out=out[1])

    def _product(self, rows: Floats, factor: int, out: Floats) -> None:
        """Each row and its next one, side by side, times a matrix; even and odd rows apart.

        Side by side is how two rows lie in memory, so nothing is copied.
        """
        n_pair, n_out = len(out) // 2, out.shape[1]
        pairs = out.reshape(n_pair, 2 * n_out)
        matrix = self._factors[factor]
        for odd in range(2):
            couples = rows[odd : odd + 2 * n_pair].reshape(n_pair, -1)
            np.matmul(couples, matrix, out=pairs[:, odd * n_out : (odd + 1) * n_out])

    def _drop_surplus(self) -> None:
        """Make the outputs behind the last step as small as can be."""
        for output in self._outputs[self._n_step % POOL or POOL :]:
            output.reshape(self._n_together, self._n_row, -1)[:, self._n_block - 1] = -np.inf


class FirstConvPool:
    """A convolution of one channel, attention and pooling, for some segments together.

    Parameters
    ----------
    kernel, bias, gate, n_together
        As of `ConvPool`, with one channel.
    n_step
        Steps of a segment, a multiple of 4.
    """

    N_ROW = 250
    """Pooled steps that are computed at once: their 4 x 64 outputs stay in a cache of 512 kB."""

    def __init__(
        self, kernel: Floats, bias: Floats, gate: Gate, n_step: int, n_together: int
    ) -> None:
        n_out, n_pooled = kernel.shape[2], n_step // POOL
        self._kernel = np.ascontiguousarray(kernel[:, 0])
        self._padded = np.zeros(n_step + 2 * N_TAP, np.float32)
        n_shift = N_TAP + POOL - 1
        windows = np.lib.stride_tricks.sliding_window_view(self._padded, n_shift)
        self._windows = windows[:n_step:POOL].T
        self._shifted = np.empty((n_shift, n_pooled), np.float32)
        self._outputs = np.empty((POOL, self.N_ROW, n_out), np.float32)
        self._pooled = np.zeros((n_together, n_pooled, n_out), np.float32)
        self._total = np.zeros((n_together, n_out), np.float32)
        self._pooling = _Pooling(self.N_ROW, n_step, bias, gate)

    def run(self, signals: Floats) -> tuple[Floats, Floats]:
        """Pooled steps and gates of at most n_together segments, as `ConvPool.run` gives them."""
        self._total[:] = 0
        for place, signal in enumerate(signals):
            pooled = self._pooled[place]
            self._padded[BEFORE : BEFORE + len(signal)] = signal
            np.copyto(self._shifted, self._windows)
            for start in range(0, len(pooled), self.N_ROW):
                rows = slice(start, start + self.N_ROW)
                pooled[rows], summed = self._rows(rows)
                self._total[place] += _sum_of_rows(summed)
        return self._pooled, self._pooling.gates(self._total, _largest_of_rows(self._pooled))

    def _rows(self, rows: slice) -> tuple[Floats, Floats]:
        for phase, output in enumerate(self._outputs):
            taps = self._shifted[phase : phase + N_TAP, rows]
            np.matmul(taps.T, self._kernel, out=output)
        return self._pooling.join(self._outputs)


def _sum_of_rows(rows: Floats) -> Floats:
    """Sums over the last axis but one, as a product: three times as quick as a sum."""
    return np.matmul(np.ones(rows.shape[-2], np.float32), rows)


def _largest_of_rows(rows: Floats) -> Floats:
    """Largest values over the middle axis of three.

    Half against half is twice as quick as a row at a time.
    """
    while rows.shape[1] > FEW_ROWS:
        half = rows.shape[1] // 2
        rows = np.maximum(rows[:, : half + rows.shape[1] % 2], rows[:, half:])
    return rows.max(axis=1)
