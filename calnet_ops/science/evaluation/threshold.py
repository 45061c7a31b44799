"""From which probability on a target is a candidate."""

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import MissingInput

BLUR = 1.0
"""Width, in logits, to which each validation star is spread out. A threshold that hangs on one
star is worth nothing on others; retraining with another seed moves a star's logit by about as
much. With hundreds of stars it hardly matters, with thirty it keeps the choice from the edge."""

LOWEST, HIGHEST = 0.05, 0.95
"""Thresholds that are considered: beyond, a few overconfident stars would decide."""

N_STEP = 181
"""Thresholds tried, evenly in logits: 0.03 apart."""


def choose_threshold(
    is_eb: npt.ArrayLike, probability: npt.ArrayLike, least_recall: float | None = None
) -> float:
    """Threshold that suits validation stars best.

    Parameters
    ----------
    is_eb
        (n_star,) truth.
    probability
        (n_star,) P(EB) of the same stars.
    least_recall
        If given: the highest threshold that still has this recall. Otherwise the best balance
        of recall and precision (largest F1).

    Returns
    -------
    threshold
        Between `LOWEST` and `HIGHEST`; with a recall that none of them reaches, `LOWEST`.

    Raises
    ------
    MissingInput
        If there are no binaries or no other stars.
    """
    truth = np.asarray(is_eb, bool)
    if truth.all() or not truth.any():
        raise MissingInput(
            "threshold",
            found=f"{truth.sum()} binaries of {truth.size} validation stars",
            expected="some of both kinds",
        )
    tried = np.linspace(_logit(LOWEST), _logit(HIGHEST), N_STEP)
    # Share of each blurred star above each threshold: (n_step, n_star).
    above = _sigmoid((_logit(probability)[None, :] - tried[:, None]) / BLUR)
    recall = above[:, truth].mean(axis=1)
    if least_recall is not None:
        enough = np.flatnonzero(recall >= least_recall)
        return float(_sigmoid(tried[enough[-1] if enough.size else 0]))
    f1 = 2 * above[:, truth].sum(axis=1) / (above.sum(axis=1) + truth.sum())
    return float(_sigmoid(tried[np.argmax(f1)]))


def _logit(probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
    kept = np.clip(np.asarray(probability, np.float64), 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def _sigmoid(logit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-logit))
