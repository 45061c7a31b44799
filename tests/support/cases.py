"""Stars with truth and probabilities, drawn: what a model might say of them."""

import numpy as np

from calnet_ops.science.candidates.combine import sigmoid
from calnet_ops.science.evaluation.cases import Cases

TYPES = ("EA", "EB", "EW")


def make_cases(n_star: int, seed: int = 1, quality: float = 1.0, per_group: int = 2) -> Cases:
    """Stars of two sectors, every other one a binary; a lower quality mixes them up more."""
    rng = np.random.default_rng(seed)
    number = np.arange(n_star)
    is_eb = number % 2 == 1
    logit = rng.normal(np.where(is_eb, 3.0, -3.0) * quality, 1.5)
    return Cases(
        tic=1000 + number,
        sector=61 + number // 2 % 2,
        group=np.array([f"g{place // per_group}" for place in number]),
        is_eb=is_eb,
        eb_type=np.where(is_eb, np.array(TYPES)[number // 2 % 3], ""),
        tmag=rng.uniform(7, 15, n_star),
        period_d=np.where(is_eb, 10 ** rng.uniform(-0.7, 1.3, n_star), np.nan),
        depth=np.where(is_eb, 10 ** rng.uniform(-3, -0.3, n_star), np.nan),
        camera=1 + number // 6 % 4,
        probability=sigmoid(logit),
    )
