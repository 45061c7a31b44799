"""An LSTM over all steps of some segments, in five array operations a step."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Lstm:
    """A recurrent layer as Keras has it: gates input, forget, candidate, output.

    As ``sigmoid(x) = (tanh(x / 2) + 1) / 2``, one tanh serves all gates when the weights of three
    of them are halved, which changes no digit of them.

    Parameters
    ----------
    kernel, recurrent, bias
        (n_in, 4 n_unit), (n_unit, 4 n_unit), (4 n_unit,)
    n_step, n_together
        Steps, and segments.
    """

    def __init__(
        self, kernel: Floats, recurrent: Floats, bias: Floats, n_step: int, n_together: int
    ) -> None:
        n_unit = len(recurrent)
        halves = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), n_unit)
        self._kernel, self._recurrent = kernel * halves, recurrent * halves
        self._bias = np.repeat((bias * halves)[None], n_together, axis=0)
        self.inputs = np.zeros((n_step, n_together, len(kernel)), np.float32)
        """(n_step, n_together, n_in) To be filled before a run."""
        self._sums = np.empty((n_step, n_together, 4 * n_unit), np.float32)
        self._fed_back = np.empty((n_together, 4 * n_unit), np.float32)
        self._memory = np.empty((n_together, n_unit), np.float32)
        self._outputs = np.empty((n_step, n_together, n_unit), np.float32)

    def run(self) -> Floats:
        """Outputs of all steps, (n_step, n_together, n_unit); overwritten by the next run."""
        n_in, n_sum = self.inputs.shape[-1], self._sums.shape[-1]
        np.matmul(self.inputs.reshape(-1, n_in), self._kernel, out=self._sums.reshape(-1, n_sum))
        self._memory[:] = 0
        before = None
        for sums, output in zip(self._sums, self._outputs, strict=True):
            np.add(sums, self._bias, out=sums)
            if before is not None:
                np.matmul(before, self._recurrent, out=self._fed_back)
                np.add(sums, self._fed_back, out=sums)
            self._step(np.tanh(sums, out=sums), output)
            before = output
        return self._outputs

    def _step(self, gates: Floats, output: Floats) -> None:
        """New memory and output; overwrites the gates."""
        enter, keep, candidate, leave = np.split(gates, 4, axis=1)
        keep += 1
        keep *= self._memory
        enter += 1
        enter *= candidate
        keep += enter
        np.multiply(keep, np.float32(0.5), out=self._memory)
        leave += 1
        leave *= np.float32(0.5)
        np.multiply(np.tanh(self._memory), leave, out=output)
