"""From the scores of a target's segments to one probability."""

import numpy as np
import numpy.typing as npt

RULE = "mean_logit"
"""Name of the rule, as kept with every model."""

CLOSEST = 1e-6
"""Scores are kept this far from 0 and 1: float32 softmax reaches both, and one segment must not
outvote all others."""


def combine_segments(scores: npt.ArrayLike) -> float:
    """Probability that a target is an eclipsing binary, from all of its segments.

    The mean of the logits, turned back into a probability: the geometric mean of the odds.

    Parameters
    ----------
    scores
        (n_segment,) P(EB) of each segment, in 0..1.

    Returns
    -------
    probability
        In 0..1; one segment keeps its score, and the order does not matter.

    Examples
    --------
    >>> round(combine_segments([0.9]), 6), round(combine_segments([0.9, 0.1]), 6)
    (0.9, 0.5)
    """
    return float(1 / (1 + np.exp(-np.mean(logit(scores)))))


def logit(probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Logarithm of the odds.

    Parameters
    ----------
    probability
        In 0..1; see `CLOSEST`.
    """
    kept = np.clip(np.asarray(probability, np.float64), CLOSEST, 1 - CLOSEST)
    return np.log(kept / (1 - kept))
