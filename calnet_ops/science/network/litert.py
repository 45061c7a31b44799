"""Scoring with an exported network: no TensorFlow, ready in a fraction of a second."""

import numpy as np
import numpy.typing as npt

BATCH = 32
"""Segments that a graph scores at once; the last batch of a table is filled up with zeros."""


class Scorer:
    """An exported network, ready to score.

    Parameters
    ----------
    graph
        Bytes that `export.to_litert` made.
    n_thread
        Cores to use. One suits a process of a shard, as its neighbours have the others.
    """

    def __init__(self, graph: bytes, n_thread: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=graph, num_threads=n_thread)
        self._interpreter.allocate_tensors()
        by_width = {
            item["shape"][1]: item["index"] for item in self._interpreter.get_input_details()
        }
        self._power, self._flux = (by_width[width] for width in sorted(by_width))
        self._output = self._interpreter.get_output_details()[0]["index"]

    def score(
        self, flux: npt.NDArray[np.float32], power: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """P(EB) of segments.

        Parameters
        ----------
        flux, power
            (n, 4000) and (n, 1000), both in 0..1.

        Returns
        -------
        score
            (n,) in 0..1. A segment's score does not depend on its neighbours.
        """
        scores = np.empty(len(flux), np.float32)
        for start in range(0, len(flux), BATCH):
            part = slice(start, start + BATCH)
            scores[part] = self._batch(flux[part], power[part])
        return scores

    def _batch(
        self, flux: npt.NDArray[np.float32], power: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        self._interpreter.set_tensor(self._flux, _filled(flux))
        self._interpreter.set_tensor(self._power, _filled(power))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[: len(flux)]


def _filled(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """`BATCH` rows, with the trailing axis that the graph wants."""
    if len(rows) == BATCH:
        return np.ascontiguousarray(rows, np.float32)[..., None]
    batch = np.zeros((BATCH, rows.shape[1], 1), np.float32)
    batch[: len(rows), :, 0] = rows
    return batch
